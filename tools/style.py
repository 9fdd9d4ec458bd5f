"""Measure the code base against the aims of docs/decisions/15-words-and-modules.md: `python tools/style.py`.

Prints a line for each measurement: its name, the figure, the aim. With --aims it exits with 1 if an aim is missed.

modules of one attach: modules of the operator, `__init__` left out, in which at least one function runs between the
    creation of a VolumeAttachment and its condition Ready, with the host there already. The array is the simulator.
functions used once: private functions and methods that are used in one other place of their module, of all functions.
terms: per 10,000 terms of code, docs and CRDs. snake_case and CamelCase identifiers count as their parts.
"""

import ast
import asyncio
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "operator" / "flashsystem_operator"
sys.path[:0] = [str(ROOT / "tests" / "lib")]

TALK = frozenset({"say", "says", "said", "saying", "tell", "tells", "told", "telling", "word", "words", "worded"})
PEOPLE = frozenset({"somebody", "nobody", "whoever", "whomever", "someone", "anyone", "anybody"})
ARCHAIC = frozenset(
    [
        "anew",
        "wish",
        "wished",
        "wishes",
        "ghost",
        "ghosts",
        "haunt",
        "haunted",
        "bury",
        "buried",
        "heir",
        "heirs",
        "stray",
        "strays",
        "therein",
        "beside",
        "brake",
        "braked",
        "cooling",
        "errand",
        "foresight",
        "unsettled",
    ]
)
NORMAL = frozenset(
    f"{verb}{end}"
    for verb, ends in {
        "creat": ("e", "es", "ed", "ing", "ion"),
        "retr": ("y", "ies", "ied", "ying"),
        "reconcil": ("e", "es", "ed", "ing", "er"),
        "reconciliation": ("",),
        "observ": ("e", "es", "ed", "ing", "er"),
    }.items()
    for end in ends
)
_TERM = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement. most, least: the aim, where there is one."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def holds(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        aim = f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}" if self.least else ""
        return f"{self.name:<58} {self.value:>8.1f}   {aim}{'' if self.holds else '  MISSED'}"


def figures() -> Iterator[Figure]:
    functions, once = functions_used_once()
    yield Figure("modules", len(list(PACKAGE.rglob("*.py"))))
    modules, called = asyncio.run(one_attach())
    yield Figure("modules of one attach", modules, most=39)
    yield Figure("functions of one attach", called)
    yield Figure("private functions used once, of 100 functions", 100 * once / functions, most=12)
    counted = count_terms()
    share = 10_000 / counted.total()
    yield Figure("verbs of speech in 10,000 terms", share * sum(counted[each] for each in TALK), most=5)
    yield Figure("indefinite persons in 10,000 terms", share * sum(counted[each] for each in PEOPLE), most=0)
    yield Figure("create, retry, reconcile, observe in 10,000 terms", share * sum(counted[w] for w in NORMAL), least=30)


def functions_used_once() -> tuple[int, int]:
    """The number of functions of the package, and of private ones that are used in one other place of their module."""
    functions = once = 0
    for path in PACKAGE.rglob("*.py"):
        defined, named = list[str](), Counter[str]()
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    defined.append(name)
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    named[name] += 1
                case _:
                    pass
        functions += len(defined)
        once += sum(name.startswith("_") and not name.startswith("__") and named[name] == 1 for name in defined)
    return functions, once


def count_terms() -> Counter[str]:
    """How often each term is used in code, docs and CRDs, in lower case."""
    places = ((PACKAGE, "*.py"), (ROOT / "docs", "*.md"), (ROOT, "*.md"), (ROOT / "crds", "*.yaml"))
    found = Counter[str]()
    for folder, pattern in places:
        for path in folder.glob(pattern) if folder == ROOT else folder.rglob(pattern):
            found.update(each.lower() for each in _TERM.findall(path.read_text()))
    return found


async def one_attach() -> tuple[int, int]:
    """The number of modules and functions of the operator that one attach runs."""
    from flashsystem_operator.api.metadata import (
        Kind,
        ObjectRef,
    )
    from flashsystem_operator.controller.manager import Controller, Sighting
    from flashsystem_operator.settings import Settings
    from support.fake_api import FakeApi
    from support.simulated_arrays import simulated

    trace = _Trace()
    api, refs = FakeApi(), {kind: ObjectRef(kind, "storage", kind.name.lower()) for kind in Kind}
    with simulated(dialect="modern") as simulator:
        api.objects["/api/v1/namespaces/storage/secrets/login"] = {
            "metadata": {"name": "login", "namespace": "storage", "resourceVersion": "1"},
            "data": {"username": "c3VwZXJ1c2Vy", "password": "cGFzc3cwcmQ="},
        }
        async with api.served() as kube:
            controller = Controller(kube, Settings("us", "operators", ("storage",), installation="here"))
            await controller.start()
            try:

                async def ready(kind: Kind, spec: Mapping[str, Any]) -> None:
                    ref = refs[kind]
                    api.create(ref, spec)
                    controller.see(Sighting(kind, gone=False, body=api.read(ref)))
                    while not _is_ready(api.read(ref)):
                        api.wrote.clear()
                        await api.wrote.wait()

                management = {"addresses": [simulator.host], "port": simulator.port}
                login = {"credentialsSecretRef": {"name": "login"}, "hostKeys": [simulator.host_key]}
                await ready(Kind.ARRAY, {"management": management, **login})
                await ready(
                    Kind.HOST, {"arrayRef": {"name": "array"}, "initiators": {"iscsi": ["iqn.2001-01.com.x:a"]}}
                )
                trace.called = set()
                await ready(Kind.ATTACHMENT, {"hostRef": {"name": "host"}, "volume": {"name": "vol0"}})
                called = trace.end()
            finally:
                await controller.stop()
    return len({file for file, _ in called if not file.endswith("__init__.py")}), len(called)


def _is_ready(body: Mapping[str, Any]) -> bool:
    return any((c["type"], c["status"]) == ("Ready", "True") for c in body["status"].get("conditions", []))


class _Trace:
    """Record file and name of each function of the operator that runs, in this thread and all threads started later."""

    def __init__(self) -> None:
        self.called: set[tuple[str, str]] | None = None
        self._inside, self._simulator = str(PACKAGE), str(PACKAGE / "simulator")
        threading.setprofile(self._record)
        sys.setprofile(self._record)

    def _record(self, frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        ours = file.startswith(self._inside) and not file.startswith(self._simulator)
        if self.called is not None and event == "call" and ours:
            self.called.add((file, frame.f_code.co_qualname))

    def end(self) -> set[tuple[str, str]]:
        threading.setprofile(None)
        sys.setprofile(None)
        return self.called or set()


def main() -> int:
    found = list(figures())
    for figure in found:
        print(figure)  # noqa: T201 - the purpose of this script
    return int("--aims" in sys.argv and not all(figure.holds for figure in found))


if __name__ == "__main__":
    sys.exit(main())
