"""The written ways out: pause, plan, look again, let go, accept another system. None needs a finalizer edited."""

import shlex
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mappings, mark, writes
from support.operator_process import Operator
from support.outcomes import stays_in_sync
from support.recorded_events import await_event
from support.simulated_arrays import last
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until


def uid_of(stand: Stand, kind: str, name: str) -> str:
    return str(stand.get(kind, name)["metadata"]["uid"])


def release(stand: Stand, kind: str, name: str) -> None:
    stand.delete(kind, name, wait=False)
    stand.annotate(kind, name, release=uid_of(stand, kind, name))


def typed(simulator: Simulator, since: int) -> list[list[str]]:
    """The commands that changed something, with the names of what they are about; in no order: many come at once."""
    return sorted(["svctask", *command["named"]] for command in commands(simulator, since) if command["writes"])


def plans(stand: Stand, *names: str) -> list[list[str]]:
    return sorted(shlex.split(line) for name in names for line in stand.status(ATTACHMENTS, name)["plan"])


def test_a_paused_array_is_looked_at_and_not_touched(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    stand.annotate(ARRAYS, "array", paused="true")
    stand.await_reason(ARRAYS, "array", "Paused", which="Paused")
    start = mark(simulator)

    stand.apply(stand.host("worker-2"), stand.attachment("two", "worker-2", "vol1"))
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ATTACHMENTS, "two", "Paused")
    stand.await_reason(ATTACHMENTS, "one", "Paused")
    stays_in_sync(simulator)
    planned = plans(stand, "one", "two")
    assert writes(simulator, start) == []
    assert stand.condition(ARRAYS, "array")["status"] == "True"

    stand.annotate(ARRAYS, "array", paused=None)
    stand.gone(ATTACHMENTS, "one")
    stand.ready(ATTACHMENTS, "two")
    assert "plan" not in stand.status(ATTACHMENTS, "two")
    assert typed(simulator, start) == sorted([*planned, *removed_hosts(simulator, start)])


def removed_hosts(simulator: Simulator, since: int) -> list[list[str]]:
    """Host objects that were left empty: that is the host's own to do."""
    return [words for words in typed(simulator, since) if "rmhost" in words]


def test_what_a_plan_says_is_what_is_sent(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    stand.annotate(HOSTS, "worker-1", plan="true")
    stand.apply(stand.attachment("one", "worker-1", "vol0", lun=7), stand.attachment("two", "worker-1", "vol1"))
    stand.await_reason(ATTACHMENTS, "two", "Planned")
    stand.annotate(HOSTS, "worker-1", reconcile_requested_at="now")  # of both at once, which came one after the other
    until("a plan of both", lambda: stand.status(HOSTS, "worker-1").get("lastHandledReconcileAt") == "now")
    start, planned = mark(simulator), plans(stand, "one", "two")
    assert [words[1] for words in planned] == ["mkhost", "mkvdiskhostmap", "mkvdiskhostmap"]
    assert "finalizers" not in stand.get(ATTACHMENTS, "one")["metadata"]

    stand.annotate(HOSTS, "worker-1", plan=None)
    stand.ready(ATTACHMENTS, "one", "two")
    assert typed(simulator, start) == planned

    stand.annotate(ATTACHMENTS, "one", plan="true")
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ATTACHMENTS, "one", "Planned")
    start, planned = mark(simulator), plans(stand, "one")
    stand.annotate(ATTACHMENTS, "one", plan=None)
    stand.gone(ATTACHMENTS, "one")
    assert typed(simulator, start) == planned


def test_with_a_dead_array_everything_is_let_go_and_nothing_of_it_touched(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    there, seen = mappings(simulator), last(simulator)
    simulator.control.change("availability", "refused")
    simulator.control.change("sessions")
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ARRAYS, "array", "Unreachable")
    assert "flashsystem.io/release" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")

    stand.annotate(ATTACHMENTS, "one", release="another-uid")
    assert stand.get(ATTACHMENTS, "one")["metadata"]["finalizers"]
    for kind, name in ((ATTACHMENTS, "one"), (HOSTS, "worker-1"), (ARRAYS, "array")):
        release(stand, kind, name)
        stand.gone(kind, name)

    assert "flashsystem.io/release" in await_event(stand, "one", "LeftOnArray")
    simulator.control.change("availability", "up")
    assert mappings(simulator) == there
    assert writes(simulator, seen) == []


def test_attachments_whose_host_and_array_are_gone_are_let_go_too(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    there = mappings(simulator)
    for kind, name in ((HOSTS, "worker-1"), (ARRAYS, "array")):
        release(stand, kind, name)
        stand.gone(kind, name)

    stand.delete(ATTACHMENTS, "one", wait=False)
    said = stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    assert uid_of(stand, ATTACHMENTS, "one") in said
    release(stand, ATTACHMENTS, "one")
    stand.gone(ATTACHMENTS, "one")
    assert mappings(simulator) == there


def test_a_secret_that_is_gone_after_a_restart_is_told_with_both_ways_out(
    stand: Stand, simulator: Simulator, operator: Operator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    stand.kubectl("delete", "secret", "array")
    operator.stop()
    operator.ensure()

    assert "flashsystem.io/release" in stand.await_reason(ARRAYS, "array", "CredentialsGone")
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
    stand.secret("array", username=simulator.user, password="passw0rd")
    stand.gone(ATTACHMENTS, "one")
    assert mappings(simulator) == set()


def test_another_system_counts_once_somebody_says_so(stand: Stand, simulator: Simulator) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    control.change("blank")
    control.change("sessions")
    new = control.state()["system"]["id"]
    said = stand.await_reason(ARRAYS, "array", "OtherSystem")
    assert f"flashsystem.io/accept-system: {new}" in said

    stand.annotate(ARRAYS, "array", accept_system="0000000000000001")
    stand.annotate(ARRAYS, "array", accept_system="not an id")
    stand.await_reason(ARRAYS, "array", "OtherSystem")
    stand.annotate(ARRAYS, "array", accept_system=new)
    stand.ready(ARRAYS, "array")
    assert stand.status(ARRAYS, "array")["systemID"] == new
    assert uid_of(stand, ATTACHMENTS, "one") in stand.await_reason(ATTACHMENTS, "one", "OtherSystem")
    start = mark(simulator)
    assert uid_of(stand, HOSTS, "worker-1") in stand.await_reason(HOSTS, "worker-1", "OtherSystem")
    for kind, name in ((ATTACHMENTS, "one"), (HOSTS, "worker-1")):
        release(stand, kind, name)
        stand.gone(kind, name)
    assert writes(simulator, start) == []


@pytest.mark.parametrize(("kind", "name"), [(ARRAYS, "array"), (HOSTS, "worker-1"), (ATTACHMENTS, "one")])
def test_who_asks_for_another_look_is_told_when_it_was_made(
    stand: Stand, simulator: Simulator, kind: str, name: str
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    start = mark(simulator)

    stand.annotate(kind, name, reconcile_requested_at="2026-11-23T12:00:00Z")

    def handled() -> Any:
        return stand.status(kind, name).get("lastHandledReconcileAt") == "2026-11-23T12:00:00Z"

    until("the echo", handled)
    assert commands(simulator, start)
