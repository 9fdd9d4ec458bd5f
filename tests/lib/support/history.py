"""Every version of our objects in a namespace, as a watch of kubectl shows them, from the first to the last."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

KINDS = (ARRAYS, HOSTS, ATTACHMENTS)
Version = Mapping[str, Any]


class Record:
    """What was seen of each kind so far. files: what kubectl writes, by kind."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def lives(self, kind: str) -> dict[str, list[Version]]:
        """All versions of each object, by its name, oldest first."""
        found: dict[str, list[Version]] = {}
        for event in self._events(kind):
            if event["type"] != "DELETED":  # that version is the one before it, seen again
                found.setdefault(event["object"]["metadata"]["name"], []).append(event["object"])
        return found

    def ended(self, kind: str, name: str) -> bool:
        gone = (each["object"]["metadata"]["name"] for each in self._events(kind) if each["type"] == "DELETED")
        return name in gone

    def _events(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """What is there of whole documents; the last one may still be being written."""
        text, decoder, at = self._files[kind].read_text(encoding="utf-8"), json.JSONDecoder(), 0
        while rest := text[at:].lstrip():
            try:
                event, length = decoder.raw_decode(rest)
            except ValueError:
                return
            at = len(text) - len(rest) + length
            yield event


@contextlib.contextmanager
def recording(stand: Stand, folder: Path, *first: Mapping[str, Any]) -> Iterator[Record]:
    """Watch while the block lasts. first: an object of each kind, applied until it is seen: then nothing is missed."""
    with contextlib.ExitStack() as stack:
        files = {kind: folder / f"{kind}.json" for kind in KINDS}
        for kind, file in files.items():
            _watch(stand, kind, stack.enter_context(file.open("wb")), stack)
        record = Record(files)
        stand.apply(*first)
        until("kubectl to watch each kind", lambda: all(record.lives(kind) for kind in KINDS))
        yield record


def _watch(stand: Stand, kind: str, into: IO[bytes], stack: contextlib.ExitStack) -> None:
    arguments = ("get", kind, "--watch", "--output-watch-events", "--show-managed-fields", "--output=json")
    command = stand.cluster.kubectl_command("--namespace", stand.namespace, *arguments)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=into, env=stand.cluster.environment(), start_new_session=True
    )
    stack.callback(process.wait, timeout=300)
    stack.callback(process.terminate)
