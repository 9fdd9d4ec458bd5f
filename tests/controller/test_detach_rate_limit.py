"""Detaches beyond the detach rate limit of the array wait, also across a restart, until they are allowed."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import looks, mappings, mark
from support.local_operator import LocalOperator
from support.operator_process import LEASE_SECONDS
from support.recorded_events import all_events
from support.stand import ARRAYS, ATTACHMENTS, Namespace, until

pytestmark = pytest.mark.slow

ALLOW = "flashsystem.io/allow-detaches"
NAMES = [f"a{number}" for number in range(5)]


@pytest.fixture
def settings() -> dict[str, Any]:
    """The Lease expires soon after a kill."""
    return {"lease_duration": LEASE_SECONDS}


def rate_limited(stand: Namespace, simulator: Simulator, maximum: int) -> None:
    """Attach five volumes to a machine that is not logged in, with a limit of so many detaches per hour."""
    stand.array(simulator, resyncInterval="2s", detachRateLimit={"max": maximum, "window": "1h"})
    stand.apply(stand.host("node"), *(stand.attachment(f"a{n}", "node", f"vol{n}") for n in range(5)))
    stand.ready(ATTACHMENTS, *NAMES)


def counted(stand: Namespace) -> int:
    return int(stand.status(ARRAYS, "array").get("detachWindow", {}).get("count", 0))


def waiting(stand: Namespace) -> dict[str, str]:
    """Return the messages of the attachments that wait for the detach rate limit, by name."""
    ready = {
        each["metadata"]["name"]: condition
        for each in stand.all(ATTACHMENTS)
        for condition in each["status"].get("conditions", [])
        if condition["type"] == "Ready"
    }
    return {
        name: condition["message"] for name, condition in ready.items() if condition["reason"] == "DetachRateLimited"
    }


def restart(operator: LocalOperator, simulator: Simulator) -> None:
    """Start the operator and wait until it has read the array, which takes a while on a busy machine."""
    start = mark(simulator)
    operator.start()
    until("a read after the restart", lambda: looks(simulator, start))


def allow(stand: Namespace, value: str) -> None:
    stand.annotate(ARRAYS, "array", allow_detaches=value)


def events(stand: Namespace) -> list[Any]:
    return [each for each in all_events(stand) if each["reason"] == "DetachRateLimited"]


def test_of_five_detaches_two_run_and_three_wait_across_a_restart_until_they_are_allowed(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    rate_limited(stand, simulator, 2)
    stand.delete(ATTACHMENTS, *NAMES, wait=False)
    until("three to wait", lambda: len(waiting(stand)) == 3)
    assert len(mappings(simulator)) == 3
    assert counted(stand) == 2
    stand.await_reason(ARRAYS, "array", "DetachRateLimited", "DetachRateLimited")
    until(
        "all to be reported", lambda: "3 deletions" in stand.condition(ARRAYS, "array", "DetachRateLimited")["message"]
    )
    assert stand.condition(ARRAYS, "array")["status"] == "True"
    until("the Event", lambda: events(stand))

    operator.kill()
    restart(operator, simulator)
    allow(stand, "some")
    until(
        "the invalid value to be reported",
        lambda: ["'some', does not have this form" in each for each in waiting(stand).values()] == [True] * 3,
    )
    assert all(f"{ALLOW}: COUNT/UNTIL" in each for each in waiting(stand).values())
    assert len(mappings(simulator)) == 3
    assert len(events(stand)) == 1

    allow(stand, "2/2099-12-31T00:00:00Z")
    until("two to be allowed", lambda: len(mappings(simulator)) == 1)
    assert len(until("the last one", lambda: waiting(stand))) == 1
    assert counted(stand) == 4

    (last,) = waiting(stand)
    stand.annotate(ATTACHMENTS, last, force_detach=last)
    stand.await_reason(ATTACHMENTS, last, "DetachRateLimited")
    uid = stand.get(ATTACHMENTS, last)["metadata"]["uid"]
    stand.annotate(ATTACHMENTS, last, force_detach=uid)
    stand.gone(ATTACHMENTS, last)
    assert counted(stand) == 5
    until("the condition to be removed", lambda: not stand.condition(ARRAYS, "array", "DetachRateLimited"))


def test_a_detach_is_counted_before_it_is_sent(stand: Namespace, simulator: Simulator, operator: LocalOperator) -> None:
    """After a crash in between, a detach may be counted that was not done, but never the opposite."""
    rate_limited(stand, simulator, 1)
    held = simulator.control.fault("hold", "rmvdiskhostmap", times=None)
    stand.delete(ATTACHMENTS, "a0", wait=False)
    simulator.control.wait(held, "holding")
    assert counted(stand) == 1

    operator.kill()
    simulator.control.forget(held)
    restart(operator, simulator)
    stand.delete(ATTACHMENTS, "a1", wait=False)
    stand.await_reason(ATTACHMENTS, "a1", "DetachRateLimited")
    assert {volume for _, volume, _ in mappings(simulator)} >= {"vol1", "vol2", "vol3", "vol4"}
