"""Detaches beyond the detach rate limit of the array wait, also across a restart, until they are allowed."""

from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import looks, mappings, mark
from support.operator_process import Operator
from support.stand import ARRAYS, ATTACHMENTS, Stand, until

ALLOW = "flashsystem.io/allow-detaches"
NAMES = [f"a{number}" for number in range(5)]


def rate_limited(stand: Stand, simulator: Simulator, maximum: int) -> None:
    """Attach five volumes to a machine that is not logged in, with a limit of so many detaches per hour."""
    stand.array(simulator, resyncInterval="2s", detachRateLimit={"max": maximum, "window": "1h"})
    stand.apply(stand.host("node"), *(stand.attachment(f"a{n}", "node", f"vol{n}") for n in range(5)))
    stand.ready(ATTACHMENTS, *NAMES)


def counted(stand: Stand) -> int:
    return int(stand.status(ARRAYS, "array").get("detachWindow", {}).get("count", 0))


def waiting(stand: Stand) -> dict[str, str]:
    """Return the messages of the attachments that wait for the detach rate limit, by name."""
    found = stand.cluster.get(ATTACHMENTS, f"--namespace={stand.namespace}")["items"]
    ready = {
        each["metadata"]["name"]: condition
        for each in found
        for condition in each["status"].get("conditions", [])
        if condition["type"] == "Ready"
    }
    return {
        name: condition["message"] for name, condition in ready.items() if condition["reason"] == "DetachRateLimited"
    }


def restart(operator: Operator, simulator: Simulator) -> None:
    """Start the operator and wait until it has read the array, which takes a while on a busy machine."""
    start = mark(simulator)
    operator.start()
    until("a read after the restart", lambda: looks(simulator, start))


def allow(stand: Stand, value: str) -> None:
    stand.kubectl("annotate", "--overwrite", ARRAYS, "array", f"{ALLOW}={value}")


def events(stand: Stand) -> list[Any]:
    selector = "--field-selector=reason=DetachRateLimited"
    found: list[Any] = stand.cluster.get("events", selector, f"--namespace={stand.namespace}")["items"]
    return found


def test_of_five_detaches_two_run_and_three_wait_across_a_restart_until_they_are_allowed(
    stand: Stand, simulator: Simulator, operator: Operator
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
    stand.kubectl("annotate", ATTACHMENTS, last, f"flashsystem.io/force-detach={last}")
    stand.await_reason(ATTACHMENTS, last, "DetachRateLimited")
    uid = stand.get(ATTACHMENTS, last)["metadata"]["uid"]
    stand.kubectl("annotate", "--overwrite", ATTACHMENTS, last, f"flashsystem.io/force-detach={uid}")
    stand.gone(ATTACHMENTS, last)
    assert counted(stand) == 5
    until("the condition to be removed", lambda: not stand.condition(ARRAYS, "array", "DetachRateLimited"))


def test_a_detach_is_counted_before_it_is_sent(stand: Stand, simulator: Simulator, operator: Operator) -> None:
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
