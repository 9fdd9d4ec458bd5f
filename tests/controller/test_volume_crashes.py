"""The operator ends, or a reply of the array is lost, at each write of the life of a volume: the outcome is the same.

Each flow is run once for each write to the array and to the API server that it has, and for each time at which that may
take effect: never, at once, or only after the array was read again.
"""

from collections.abc import Callable

import pytest

from support.builders import host
from support.interruption import Flow, Interruption, When, interrupted
from support.passes import attachment_ref, volume_ref
from support.volume_world import GIB, World, config, own_volume

REF, NAME = volume_ref("data"), own_volume("data")
OTHERS = {"theirs", "more"}


async def nothing(_: World) -> None:
    """Nothing is there first."""


async def a_volume(here: World) -> None:
    await here.created(driftPolicy="Correct")


def wanted(here: World) -> None:
    here.declare()


def attached(here: World) -> None:
    here.running.apply(host("node"))
    here.declare()
    spec = {"hostRef": {"name": "node"}, "volume": {"ref": {"name": "data"}}}
    here.running.api.create(attachment_ref("data"), spec)
    here.running.see(attachment_ref("data"))


def grown(here: World) -> None:
    here.running.edit(REF, size="3Gi")


def throttled(here: World) -> None:
    here.running.edit(REF, throttle={"iops": 1000})


def renamed(here: World) -> None:
    here.admin(f"chvdisk -name mine {NAME}")


def deleted(here: World) -> None:
    if here.running.api.exists(REF):
        here.running.delete(REF)


def is_there(size: int = 2 * GIB) -> Callable[[World], None]:
    """There is one volume, of this size, and the resource has it."""

    def check(here: World) -> None:
        assert here.uids.keys() == OTHERS | {NAME}
        assert here.volumes[NAME].capacity == size
        status = here.status(REF)
        assert (here.reason(REF), status["uid"], status["origin"]) == ("Ready", here.uids[NAME], "Created")
        annotations = here.running.api.read(REF)["metadata"]["annotations"]
        assert annotations["flashsystem.io/volume-uid"] == here.uids[NAME]

    return check


def is_gone(here: World) -> None:
    assert here.uids.keys() == OTHERS
    assert not here.running.api.exists(REF)


def is_attached(here: World) -> None:
    is_there()(here)
    assert [row["volume"] for row in here.array.state["mappings"]] == [NAME]
    assert here.reason(attachment_ref("data")) == "Attached"


def is_throttled(here: World) -> None:
    is_there()(here)
    assert [each.iops for each in here.array.system.throttles.values()] == [1000]


FLOWS = {
    "created": Flow(nothing, wanted, is_there()),
    "created, and its resource is deleted meanwhile": Flow(nothing, wanted, is_gone, deleted),
    "created and attached": Flow(nothing, attached, is_attached),
    "grown": Flow(a_volume, grown, is_there(3 * GIB)),
    "grown, and then even more": Flow(
        a_volume, grown, is_there(4 * GIB), lambda here: here.running.edit(REF, size="4Gi")
    ),
    "grown, and its resource is deleted meanwhile": Flow(a_volume, grown, is_gone, deleted),
    "throttled": Flow(a_volume, throttled, is_throttled),
    "renamed": Flow(a_volume, renamed, is_there()),
    "deleted": Flow(a_volume, deleted, is_gone),
}
CASES = [
    pytest.param(dialect, flow, id=f"{name}, {dialect}")
    for name, flow in FLOWS.items()
    for dialect in ("legacy", "modern")
    if name != "throttled" or dialect == "modern"
]
MOST = 60
"""Writes of a flow; a net."""


async def each_write(dialect: str, flow: Flow, when: When, *, ends: bool) -> int:
    """Go through the flow with an interruption at each of its writes; return their number."""
    for at in range(MOST):
        order = await interrupted(flow, config(dialect, *OTHERS), Interruption(at, when, ends))
        if not order.struck:
            return at
    raise AssertionError(f"more than {MOST} writes")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after", "late"])
@pytest.mark.parametrize(("dialect", "flow"), CASES)
async def test_an_operator_that_ends_at_any_write_costs_nothing_if_a_volume_is(
    dialect: str, flow: Flow, when: When
) -> None:
    assert await each_write(dialect, flow, when, ends=True) > 0


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after", "late"])
@pytest.mark.parametrize(("dialect", "flow"), CASES)
async def test_a_reply_that_is_lost_costs_nothing_if_a_volume_is(dialect: str, flow: Flow, when: When) -> None:
    assert await each_write(dialect, flow, when, ends=False) > 0
