"""A lost reply over a real connection, or a kill, costs a pass: no second volume, no double growth, no wrong deletion.

Each command is interrupted for one of two volumes before it took effect, and for the other one after that.
"""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin
from support.local_operator import LocalOperator
from support.operator_process import LEASE_SECONDS
from support.outcomes import comes_to, stays_in_sync
from support.stand import ARRAYS, PATIENCE, VOLUMES, Namespace, until

pytestmark = [pytest.mark.slow, pytest.mark.long]

GIB = 1024**3
MOMENTS = ("before", "after")
"""When a command is interrupted; also parts of the names of volumes, of which either may be struck."""


@pytest.fixture
def settings() -> dict[str, Any]:
    """The Lease expires soon after a kill."""
    return {"lease_duration": LEASE_SECONDS}


def verbs(simulator: Simulator) -> dict[str, str]:
    """The verb that is interrupted for each kind of volume."""
    if simulator.dialect == "legacy":
        return {"create": "mkvdisk", "grow": "expandvdisksize", "rename": "chvdisk", "delete": "rmvdisk"}
    usual = {"create": "mkvolume", "grow": "expandvdisksize", "rename": "chvdisk", "delete": "rmvolume"}
    return {**usual, "throttle": "mkthrottle"}


def volume(stand: Namespace, simulator: Simulator, name: str) -> Any:
    return stand.volume(name, "2Gi", pool=simulator.control.state()["pools"][0]["name"])


def set_up(stand: Namespace, simulator: Simulator) -> list[str]:
    """Create what is changed later; return the names of all resources, in the order of the verbs."""
    names = [f"{kind}-{moment}" for kind in verbs(simulator) for moment in MOMENTS]
    present = [name for name in names if not name.startswith("create")]
    stand.apply(*(volume(stand, simulator, name) for name in present))
    stand.ready(VOLUMES, *present)
    return names


def change(stand: Namespace, simulator: Simulator) -> None:
    """Request changes that need each of the commands once for each moment, all at the same time."""
    stand.annotate(ARRAYS, "array", paused="true")
    for moment in MOMENTS:
        stand.apply(volume(stand, simulator, f"create-{moment}"))
        stand.patch(VOLUMES, f"grow-{moment}", {"size": "3Gi"})
        stand.delete(VOLUMES, f"delete-{moment}", wait=False)
        if "throttle" in verbs(simulator):
            stand.patch(VOLUMES, f"throttle-{moment}", {"throttle": {"iops": 1000}})
        admin(simulator, f"chvdisk -name taken-{moment} {stand.status(VOLUMES, f'rename-{moment}')['name']}")
    until(
        "all changes to be seen",
        lambda: all(
            any(c["type"] == "Paused" for c in stand.status(VOLUMES, f"{kind}-{moment}").get("conditions", []))
            for kind in ("create", "grow", "delete")
            for moment in MOMENTS
        ),
    )
    stand.annotate(ARRAYS, "array", paused=None)


def found(simulator: Simulator) -> tuple[list[tuple[str, int]], int]:
    """The volumes of the resources with their sizes in GiB, without the proof in their names; the throttles."""
    state = simulator.control.state()
    ours = [each for each in state["volumes"] if not each["name"].startswith("vol")]
    return sorted((each["name"].rpartition("-")[0], each["capacity"] // GIB) for each in ours), len(state["throttles"])


def expected(simulator: Simulator) -> tuple[list[tuple[str, int]], int]:
    kinds = verbs(simulator).keys() - {"delete"}
    volumes = sorted((f"{kind}-{moment}", 3 if kind == "grow" else 2) for kind in kinds for moment in MOMENTS)
    return volumes, 2 if "throttle" in kinds else 0


def interrupt(simulator: Simulator, fault: str, **more: Any) -> list[int]:
    """Interrupt the first command of each verb before it takes effect, and the second one after that."""
    return [
        simulator.control.fault(fault, verb, skip=skip, when=moment, **more)
        for verb in verbs(simulator).values()
        for skip, moment in enumerate(MOMENTS)
    ]


def ends_well(stand: Namespace, simulator: Simulator, names: list[str], uids: dict[str, str]) -> None:
    comes_to(expected(simulator), lambda: found(simulator))
    stand.ready(VOLUMES, *(name for name in names if not name.startswith("delete")))
    for moment in MOMENTS:
        stand.gone(VOLUMES, f"delete-{moment}")
    stays_in_sync(simulator)
    assert found(simulator) == expected(simulator)
    now = {each["metadata"]["name"]: each["status"]["uid"] for each in stand.all(VOLUMES)}
    assert {name: uid for name, uid in uids.items() if name in now}.items() <= now.items()
    assert {each["status"]["origin"] for each in stand.all(VOLUMES)} == {"Created"}


def uids_of(stand: Namespace) -> dict[str, str]:
    return {each["metadata"]["name"]: each["status"]["uid"] for each in stand.all(VOLUMES)}


@pytest.mark.parametrize("fault", ["cut", "drop"])
def test_a_lost_reply_leads_to_the_same_volumes(stand: Namespace, simulator: Simulator, fault: str) -> None:
    # A broken connection breaks all commands on it: one command at a time separates them.
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": 1}, resyncInterval="1s")
    names = set_up(stand, simulator)
    uids, faults = uids_of(stand), interrupt(simulator, fault)

    change(stand, simulator)

    ends_well(stand, simulator, names, uids)
    assert {each["state"] for each in simulator.control.faults() if each["id"] in faults} == {"spent"}


@pytest.mark.parametrize("fate", ["early", "late", "lost"])
def test_a_kill_while_commands_are_running_leads_to_the_same_volumes(
    stand: Namespace, simulator: Simulator, operator: LocalOperator, fate: str
) -> None:
    """fate: the commands continue before the restart, after it, or never."""
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": 16}, resyncInterval="1s")
    names = set_up(stand, simulator)
    uids, held = uids_of(stand), interrupt(simulator, "hold", dies_with_connection=fate == "lost")
    change(stand, simulator)
    for order in held:
        simulator.control.wait(order, seconds=PATIENCE)

    operator.kill()
    if fate == "early":
        for order in held:
            simulator.control.release(order)
    operator.start()
    if fate == "late":
        for order in held:
            simulator.control.release(order)

    ends_well(stand, simulator, names, uids)
