"""Trouble is said once: an array that stays as bad as it is costs the API server nothing."""

from collections.abc import Mapping
from typing import Any

from flashsystem_operator.simulator import Simulator
from support.simulated_arrays import last, simulated
from support.stand import ARRAYS, Stand, until

TROUBLE = {
    "no-pool": "PoolNotFound",
    "other": "OtherSystem",
    "login": "LoginFailed",
    "no-secret": "CredentialsNotFound",
    "garbled": "UnreadableAnswer",
    "hung-up": "Unreachable",
    "nothing": "Unreachable",
}


def test_what_stays_bad_is_not_written_again(stand: Stand, simulator: Simulator) -> None:
    with simulated({"system": {"id": "00000200C0FFEE00"}}, simulator.dialect) as garbled:
        garbled.control.fault("garble", "lsvdisk", garble="no_header", times=None)
        hung_up = {"sessions": 1, "other_sessions": 1}
        with simulated({"system": {"id": "00000200C0FFEE01"}, "limits": hung_up}, simulator.dialect) as full:
            _apply(stand, simulator, garbled, full)
            for name, reason in TROUBLE.items():
                stand.await_reason(ARRAYS, name, reason)
            before = _versions(stand)

            for _ in range(3):
                _looked_at_again(simulator)

            assert _versions(stand) == before


def _apply(stand: Stand, simulator: Simulator, garbled: Simulator, full: Simulator) -> None:
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


def _looked_at_again(simulator: Simulator) -> None:
    seen = last(simulator)
    until("another look", lambda: any("lsnode" in entry["line"] for entry in simulator.control.log(seen)))


def _versions(stand: Stand) -> Mapping[str, str]:
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in stand.all(ARRAYS)}
