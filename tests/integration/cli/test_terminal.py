"""Output on a terminal has exactly the same characters as in a pipe, because users copy it."""

from pathlib import Path

import pytest
import yaml

from support.manifest_files import array, resource, secret
from support.simulated_arrays import simulated
from support.terminal import at_a_terminal

ADDRESS = "2001:db8::a:1"
IQN = "iqn.2026-01.com.example:b:node-1"
COMMAND = f"    + svctask mkhost -iscsiname {IQN} -name node-1-"


@pytest.fixture
def files(tmp_path: Path) -> str:
    """A folder with the manifest of a host whose initiator has a letter between two colons."""
    host = {"arrayRef": {"name": "fs1"}, "initiators": {"iscsi": [IQN]}, "lifecycle": "Persistent"}
    (tmp_path / "host.yaml").write_text(yaml.safe_dump(resource("FlashSystemHost", "node-1", host)))
    return str(tmp_path)


def test_no_letter_between_two_colons_becomes_an_emoji(files: str) -> None:
    portal = {"node": "node1", "port_id": 5, "portset": "portset0", "address": ADDRESS, "prefix": "64"}
    with simulated({"addresses": [portal]}, "modern") as simulator:
        Path(files, "array.yaml").write_text(yaml.safe_dump_all([array(simulator), secret(simulator)]))

        checked = at_a_terminal("check", "-f", f"{files}/array.yaml")
        planned = at_a_terminal("plan", "-f", files)

    assert checked[0] == 0
    assert ADDRESS in checked[1]
    assert planned[0] == 2
    assert COMMAND in planned[1]
