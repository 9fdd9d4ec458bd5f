"""The program in this process, since a new one takes its time; and an array of either dialect to point it at."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from flashsystem_operator.cli import main
from flashsystem_operator.simulator import Simulator
from support.manifest_files import CANARY


@dataclass(frozen=True)
class Ended:
    """How the program ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]
Write = Callable[..., str]


@pytest.fixture
def _log_as_it_was() -> Iterator[None]:
    """The program sets the log up, here on a stream that pytest closes after the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, _log_as_it_was: None) -> Run:
    """Run it with these words, in an environment that does not help; it never says the password of an array."""
    for name in [name for name in os.environ if name.startswith(("KUBE", "POD_", "FLASHSYSTEM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KUBECONFIG", "")  # so that what the program sets is taken back

    def run(*words: str, password: str = "") -> Ended:
        if password:
            monkeypatch.setenv("FLASHSYSTEM_PASSWORD", password)
        with pytest.raises(SystemExit) as ended:
            main(list(words), prog_name="flashsystem-operator")
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert CANARY not in said.out + said.err
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def by_address(simulator: Simulator) -> list[str]:
    """The options that lead to the array, but for the password."""
    return [
        *("--address", simulator.host, "--port", str(simulator.port)),
        *("--user", simulator.user, "--host-key", simulator.host_key),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """Write documents into files of a folder; answers with the folder."""

    def write(*documents: dict[str, Any], file: str = "all.yaml") -> str:
        path = tmp_path / "manifests" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents))
        return str(tmp_path / "manifests")

    return write
