"""More detaches at once than the array's brake allows wait, over a restart too, until they are let through."""

from typing import Any

from flashsystem_operator.simulator import Simulator
from support.array_state import looks, mappings, mark
from support.operator_process import Operator
from support.stand import ARRAYS, ATTACHMENTS, Stand, until

ALLOW = "flashsystem.io/allow-detaches"
NAMES = [f"a{number}" for number in range(5)]


def braked(stand: Stand, simulator: Simulator, most: int) -> None:
    """Five volumes of a machine that is not logged in, and a brake of so many in an hour."""
    stand.array(simulator, resyncInterval="2s", detachRateLimit={"max": most, "window": "1h"})
    stand.apply(stand.host("node"), *(stand.attachment(f"a{n}", "node", f"vol{n}") for n in range(5)))
    stand.ready(ATTACHMENTS, *NAMES)


def counted(stand: Stand) -> int:
    return sum(each["count"] for each in stand.status(ARRAYS, "array").get("detaches", []))


def waiting(stand: Stand) -> dict[str, str]:
    """What those say that wait for the brake."""
    found = stand.cluster.get(ATTACHMENTS, f"--namespace={stand.namespace}")["items"]
    ready = {
        each["metadata"]["name"]: said
        for each in found
        for said in each["status"].get("conditions", [])
        if said["type"] == "Ready"
    }
    return {name: said["message"] for name, said in ready.items() if said["reason"] == "DetachRateLimited"}


def restart(operator: Operator, simulator: Simulator) -> None:
    """Wait until the next one has looked at the array: on a busy machine the start takes its time."""
    start = mark(simulator)
    operator.start()
    until("a look after the restart", lambda: looks(simulator, start))


def allow(stand: Stand, value: str) -> None:
    stand.kubectl("annotate", "--overwrite", ARRAYS, "array", f"{ALLOW}={value}")


def events(stand: Stand) -> list[Any]:
    selector = "--field-selector=reason=DetachRateLimited"
    found: list[Any] = stand.cluster.get("events", selector, f"--namespace={stand.namespace}")["items"]
    return found


def test_of_five_two_go_and_three_wait_over_a_restart_until_they_are_let_through(
    stand: Stand, simulator: Simulator, operator: Operator
) -> None:
    braked(stand, simulator, 2)
    stand.delete(ATTACHMENTS, *NAMES, wait=False)
    until("three to wait", lambda: len(waiting(stand)) == 3)
    assert len(mappings(simulator)) == 3
    assert counted(stand) == 2
    stand.await_reason(ARRAYS, "array", "DetachRateLimited", "DetachRateLimited")
    until("all to be told", lambda: "3 deletions" in stand.condition(ARRAYS, "array", "DetachRateLimited")["message"])
    assert stand.condition(ARRAYS, "array")["status"] == "True"
    until("the Event", lambda: events(stand))

    operator.kill()
    restart(operator, simulator)
    allow(stand, "some")
    until(
        "the bad value to be told",
        lambda: ["'some', does not have this form" in each for each in waiting(stand).values()] == [True] * 3,
    )
    assert all(f"{ALLOW}: COUNT/UNTIL" in each for each in waiting(stand).values())
    assert len(mappings(simulator)) == 3
    assert len(events(stand)) == 1

    allow(stand, "2/2099-12-31T00:00:00Z")
    until("two to be let through", lambda: len(mappings(simulator)) == 1)
    assert len(until("the last one", lambda: waiting(stand))) == 1
    assert counted(stand) == 4

    (last,) = waiting(stand)
    stand.kubectl("annotate", ATTACHMENTS, last, f"flashsystem.io/force-detach={last}")
    stand.await_reason(ATTACHMENTS, last, "DetachRateLimited")
    uid = stand.get(ATTACHMENTS, last)["metadata"]["uid"]
    stand.kubectl("annotate", "--overwrite", ATTACHMENTS, last, f"flashsystem.io/force-detach={uid}")
    stand.gone(ATTACHMENTS, last)
    assert counted(stand) == 5
    until("the array to say so", lambda: not stand.condition(ARRAYS, "array", "DetachRateLimited"))


def test_what_is_about_to_go_is_counted_before_it_goes(stand: Stand, simulator: Simulator, operator: Operator) -> None:
    """A crash in between then counts what was not done, and never the other way round."""
    braked(stand, simulator, 1)
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
