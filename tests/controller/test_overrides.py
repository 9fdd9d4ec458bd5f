"""Manual overrides: pause, plan, reconcile now, release, accept another system. None needs an edit of a finalizer."""

import shlex
from typing import Any

import pytest

from cluster.api import path_to
from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mappings, mark, writes
from support.local_operator import LocalOperator
from support.outcomes import stays_in_sync
from support.recorded_events import await_event
from support.simulated_arrays import last
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, until

pytestmark = pytest.mark.slow


def uid_of(stand: Namespace, kind: str, name: str) -> str:
    return str(stand.get(kind, name)["metadata"]["uid"])


def release(stand: Namespace, kind: str, name: str) -> None:
    stand.delete(kind, name, wait=False)
    stand.annotate(kind, name, release=uid_of(stand, kind, name))


def sent(simulator: Simulator, since: int) -> list[list[str]]:
    """The commands that changed something, with the names of their objects; sorted, as many run at once."""
    return sorted(["svctask", *command["named"]] for command in commands(simulator, since) if command["writes"])


def plans(stand: Namespace, *names: str) -> list[list[str]]:
    return sorted(shlex.split(line) for name in names for line in stand.status(ATTACHMENTS, name)["plan"])


def test_a_paused_array_is_read_and_not_changed(stand: Namespace, simulator: Simulator) -> None:
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
    assert sent(simulator, start) == sorted([*planned, *removed_hosts(simulator, start)])


def removed_hosts(simulator: Simulator, since: int) -> list[list[str]]:
    """The removals of empty host objects: a task of the host, which is in the plan of no attachment."""
    return [args for args in sent(simulator, since) if "rmhost" in args]


def test_the_commands_in_a_plan_are_the_commands_that_are_sent(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    stand.annotate(HOSTS, "worker-1", plan="true")
    stand.apply(stand.attachment("one", "worker-1", "vol0", lun=7), stand.attachment("two", "worker-1", "vol1"))
    stand.await_reason(ATTACHMENTS, "two", "Planned")
    stand.annotate(HOSTS, "worker-1", reconcile_requested_at="now")  # plan both in one pass
    until("a plan of both", lambda: stand.status(HOSTS, "worker-1").get("lastHandledReconcileAt") == "now")
    start, planned = mark(simulator), plans(stand, "one", "two")
    assert [args[1] for args in planned] == ["mkhost", "mkvdiskhostmap", "mkvdiskhostmap"]
    assert "finalizers" not in stand.get(ATTACHMENTS, "one")["metadata"]

    stand.annotate(HOSTS, "worker-1", plan=None)
    stand.ready(ATTACHMENTS, "one", "two")
    assert sent(simulator, start) == planned

    stand.annotate(ATTACHMENTS, "one", plan="true")
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ATTACHMENTS, "one", "Planned")
    start, planned = mark(simulator), plans(stand, "one")
    stand.annotate(ATTACHMENTS, "one", plan=None)
    stand.gone(ATTACHMENTS, "one")
    assert sent(simulator, start) == planned


def test_with_an_unreachable_array_everything_is_released_and_nothing_on_it_is_changed(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    before, start = mappings(simulator), last(simulator)
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
    assert mappings(simulator) == before
    assert writes(simulator, start) == []


def test_attachments_whose_host_and_array_are_gone_are_released_too(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    before = mappings(simulator)
    for kind, name in ((HOSTS, "worker-1"), (ARRAYS, "array")):
        release(stand, kind, name)
        stand.gone(kind, name)

    stand.delete(ATTACHMENTS, "one", wait=False)
    message = stand.await_reason(ATTACHMENTS, "one", "ArrayNotFound")
    assert uid_of(stand, ATTACHMENTS, "one") in message
    release(stand, ATTACHMENTS, "one")
    stand.gone(ATTACHMENTS, "one")
    assert mappings(simulator) == before


def test_a_secret_missing_after_a_restart_is_reported_with_both_ways_to_recover(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    stand.api.delete(path_to("v1", "secrets", "array", stand.namespace))
    operator.stop()
    operator.start()

    assert "flashsystem.io/release" in stand.await_reason(ARRAYS, "array", "CredentialsGone")
    stand.delete(ATTACHMENTS, "one", wait=False)
    stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")
    stand.secret("array", username=simulator.user, password="passw0rd")
    stand.gone(ATTACHMENTS, "one")
    assert mappings(simulator) == set()


def test_another_system_is_accepted_once_the_annotation_names_it(stand: Namespace, simulator: Simulator) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    control.change("blank")
    control.change("sessions")
    new = control.state()["system"]["id"]
    message = stand.await_reason(ARRAYS, "array", "OtherSystem")
    assert f"flashsystem.io/accept-system: {new}" in message

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
def test_a_reconcile_request_is_acknowledged_in_the_status_once_it_was_handled(
    stand: Namespace, simulator: Simulator, kind: str, name: str
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    start = mark(simulator)

    stand.annotate(kind, name, reconcile_requested_at="2026-11-23T12:00:00Z")

    def handled() -> Any:
        return stand.status(kind, name).get("lastHandledReconcileAt") == "2026-11-23T12:00:00Z"

    until("the request in the status", handled)
    assert commands(simulator, start)
