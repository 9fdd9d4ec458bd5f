"""Run the command line in this process, because starting a new one is slow, and point it at a simulated array."""

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
    """The exit code of the program, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]
Write = Callable[..., str]


@pytest.fixture
def _restored_logging() -> Iterator[None]:
    """Undo the logging setup of the program, which uses a stream that pytest closes after the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, _restored_logging: None) -> Run:
    """Run the program with these arguments and a clean environment; it must never print the password of an array."""
    for name in [name for name in os.environ if name.startswith(("KUBE", "POD_", "FLASHSYSTEM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KUBECONFIG", "")  # so that what the program sets is undone

    def run(*args: str, password: str = "") -> Ended:
        if password:
            monkeypatch.setenv("FLASHSYSTEM_PASSWORD", password)
        with pytest.raises(SystemExit) as ended:
            main(list(args), prog_name="flashsystem-operator")
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        assert CANARY not in output.out + output.err
        return Ended(int(ended.value.code or 0), output.out, output.err)

    return run


@pytest.fixture
def by_address(simulator: Simulator) -> list[str]:
    """The options to connect to the array, without the password."""
    return [
        *("--address", simulator.host, "--port", str(simulator.port)),
        *("--user", simulator.user, "--host-key", simulator.host_key),
    ]


@pytest.fixture
def write_manifests(tmp_path: Path) -> Write:
    """Write documents into a file of the manifests folder; returns the folder."""

    def write(*documents: dict[str, Any], file: str = "all.yaml") -> str:
        path = tmp_path / "manifests" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents))
        return str(tmp_path / "manifests")

    return write
