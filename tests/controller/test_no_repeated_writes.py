"""A failure is reported once: an array in a persistent failure causes no load on the API server."""

from collections.abc import Mapping
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.simulated_arrays import last, simulated
from support.stand import ARRAYS, Namespace, until

pytestmark = pytest.mark.slow

FAILURES = {
    "no-pool": "PoolNotFound",
    "other": "OtherSystem",
    "login": "LoginFailed",
    "no-secret": "CredentialsNotFound",
    "garbled": "UnreadableAnswer",
    "hung-up": "Unreachable",
    "nothing": "Unreachable",
}


def test_a_failure_that_persists_is_not_written_again(stand: Namespace, simulator: Simulator) -> None:
    with simulated({"system": {"id": "00000200C0FFEE00"}}, simulator.dialect) as garbled:
        garbled.control.fault("garble", "lsvdisk", garble="no_header", times=None)
        hung_up = {"sessions": 1, "other_sessions": 1}
        with simulated({"system": {"id": "00000200C0FFEE01"}, "limits": hung_up}, simulator.dialect) as full:
            _apply(stand, simulator, garbled, full)
            for name, reason in FAILURES.items():
                stand.await_reason(ARRAYS, name, reason)
            before = _versions(stand)

            for _ in range(3):
                _await_read(simulator)

            assert _versions(stand) == before


def _apply(stand: Namespace, simulator: Simulator, garbled: Simulator, full: Simulator) -> None:
    stand.secret("good", username=simulator.user, password="passw0rd")
    stand.secret("bad", username=simulator.user, password="wrong")

    def array(name: str, at: Simulator, secret: str = "good", **spec: Any) -> Mapping[str, Any]:
        common = {"resyncInterval": "1s", "credentialsSecretRef": {"name": secret}}
        return stand.array_of(at, name, **common, **spec)

    stand.apply(
        array("no-pool", simulator, pool="nowhere"),
        array("other", simulator, systemID="00000200C0FFEE77"),
        array("login", simulator, "bad"),
        array("no-secret", simulator, "missing"),
        array("garbled", garbled),
        array("hung-up", full),
        array("nothing", simulator, management={"addresses": ["127.0.0.3"], "port": 1}),
    )


def _await_read(simulator: Simulator) -> None:
    start = last(simulator)
    until("another read", lambda: any("lsnode" in entry["line"] for entry in simulator.control.log(start)))


def _versions(stand: Namespace) -> Mapping[str, str]:
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in stand.all(ARRAYS)}
