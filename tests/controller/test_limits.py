"""An array near a limit has a warning condition and continues to work."""

from typing import Any

import pytest

from support.array_state import admin
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

BOXES = [{"id": n, "name": f"box{n}", "ports": [{"name": iqn(f"box{n}")}]} for n in range(205)]
VOLUMES = [{"id": n, "name": f"v{n}", "pool": "mdiskgrp0"} for n in range(41)]

FULL: dict[str, dict[str, Any]] = {
    "modern": {"hosts": BOXES},
    "legacy": {
        "volumes": [*VOLUMES, {"id": 99, "name": "vol0", "pool": "mdiskgrp0"}],
        "hosts": BOXES[:40],
        "mappings": [
            {"host": box["name"], "volume": each["name"], "lun": lun}
            for box in BOXES[:40]
            for lun, each in enumerate(VOLUMES)
        ],
    },
}


@pytest.mark.parametrize(
    ("dialect", "message", "relief"),
    [
        ("modern", "205 of about 256 host objects in one I/O group", ("rmhost box0", "rmhost box1")),
        ("legacy", "1640 of about 2048 mappings", [f"rmvdiskhostmap -host box0 v{n}" for n in range(3)]),
    ],
)
def test_an_array_near_a_limit_warns_refuses_nothing_and_stops_warning(
    dialect: str, message: str, relief: tuple[str, ...], stand: Namespace
) -> None:
    with simulated(FULL[dialect], dialect) as simulator:
        stand.array(simulator, resyncInterval="2s")
        until("the warning", lambda: message in stand.condition(ARRAYS, "array", "NearLimit").get("message", ""))
        stand.apply(stand.host("node"), stand.attachment("one", "node", "vol0"))
        stand.ready(ATTACHMENTS, "one")
        assert stand.condition(ARRAYS, "array", "Ready")["status"] == "True"

        for line in relief:
            admin(simulator, line)
        until("the warning to disappear", lambda: not stand.condition(ARRAYS, "array", "NearLimit"))
        stand.delete(ATTACHMENTS, "one")
