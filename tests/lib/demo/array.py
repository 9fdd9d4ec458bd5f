"""A simulated array in a process of its own, started as a user would: `flashsystem-operator simulate`."""

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.processes import Process
from flashsystem_operator.simulator.client import Control

ARRAYS = Path(__file__).parent / "arrays"
PASSWORD = "passw0rd"
"""Of every simulated array, unless its state file has another one."""

READY = re.compile(
    r"^simulator ready: dialect=(\w+) ssh=([\d.]+):(\d+) control=(\S+) host-key=\"([^\"]+)\" user=(\w+)$", re.MULTILINE
)
_START_LIMIT = 60.0  # seconds


@dataclass(slots=True)
class Array:
    """A running simulated array. began: its state before the first command."""

    dialect: str
    address: str
    port: int
    control: Control
    host_key: str
    user: str
    began: dict[str, Any] = field(default_factory=dict)
    _heard: int = 0

    def commands(self) -> list[dict[str, Any]]:
        """The commands since the last call that came over SSH, each part of a chained line by itself."""
        entries = [entry for entry in self.control.log(self._heard) if entry["session"]]
        self._heard = max((entry["seq"] for entry in entries), default=self._heard)
        return [command for entry in entries for command in entry["commands"]]

    def state(self) -> dict[str, Any]:
        return self.control.state()

    def mappings(self, host: str) -> dict[str, int]:
        """LUN by volume, of the mappings of one host object."""
        return {each["volume"]: each["lun"] for each in self.state()["mappings"] if each["host"] == host}

    def portals(self) -> set[str]:
        """The addresses at which hosts can log in, as the array itself has them."""
        state = self.state()
        return {each["address"] for each in (*state["ports"], *state["addresses"]) if each["address"]}


@contextlib.contextmanager
def an_array(dialect: str, folder: Path) -> Iterator[Array]:
    """Run one for as long as the block lasts."""
    log = folder / f"array-{dialect}.log"
    state, anywhere = str(ARRAYS / f"{dialect}.yaml"), "127.0.0.1:0"
    arguments = ("simulate", "--config", state, "--listen", anywhere, "--control", anywhere)
    process = Process("the simulated array", (sys.executable, "-m", "flashsystem_operator", *arguments), log)
    process.start()
    try:
        process.await_ready(lambda: READY.search(log.read_text()) is not None, _START_LIMIT)
        found = READY.search(log.read_text())
        assert found is not None
        spoken, address, port, control, host_key, user = found.groups()
        array = Array(spoken, address, int(port), Control(control), host_key, user)
        array.began = array.state()
        yield array
    finally:
        process.stop()
