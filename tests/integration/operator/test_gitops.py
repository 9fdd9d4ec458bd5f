"""The health that Flux and Argo CD derive from our objects in every phase of their lifecycle."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tools.argo import health

from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.controller.kube.client import MANAGER
from flashsystem_operator.simulator import Simulator
from support.array_state import admin
from support.history import KINDS, Record, Version, recording
from support.kstatus import Kstatus, kstatus
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until

pytestmark = pytest.mark.long

WORKING, CURRENT, FAILED, TERMINATING = Kstatus.IN_PROGRESS, Kstatus.CURRENT, Kstatus.FAILED, Kstatus.TERMINATING

LIFECYCLES = {
    (ARRAYS, "no-login"): ((WORKING, FAILED), "Progressing Degraded"),
    # Ready, down, back, deleted while it is in use: an array that is down may come back, so it has not failed.
    (ARRAYS, "array"): (
        (WORKING, CURRENT, WORKING, CURRENT, TERMINATING),
        "Progressing Healthy Degraded Healthy Progressing",
    ),
    (HOSTS, "no-array"): ((WORKING,), "Progressing"),
    (HOSTS, "node"): ((WORKING, CURRENT, TERMINATING), "Progressing Healthy Progressing"),
    (HOSTS, "other"): ((WORKING, CURRENT, TERMINATING), "Progressing Healthy Progressing"),
    (ATTACHMENTS, "no-host"): ((WORKING, TERMINATING), "Progressing"),
    # Ready all through a pause and an array that is down; its spec changed; deleted, and blocked by a login.
    (ATTACHMENTS, "db"): (
        (WORKING, CURRENT, WORKING, CURRENT, TERMINATING),
        "Progressing Healthy Suspended Healthy Progressing Healthy Progressing",
    ),
    # Refused until db shares the volume with it; while the array is down, that is what it waits for.
    (ATTACHMENTS, "second"): (
        (WORKING, FAILED, WORKING, FAILED, WORKING, CURRENT, TERMINATING),
        "Progressing Degraded Progressing Degraded Progressing Healthy Progressing",
    ),
    # Its volume is created later; the attachment waits for it.
    (ATTACHMENTS, "early"): ((WORKING, CURRENT, TERMINATING), "Progressing Healthy Progressing"),
    # Paused when it was created, and again when it was deleted.
    (ATTACHMENTS, "held"): (
        (WORKING, CURRENT, TERMINATING),
        "Progressing Suspended Progressing Healthy Suspended Progressing",
    ),
    # Created while the array was down.
    (ATTACHMENTS, "late"): ((WORKING, CURRENT, TERMINATING), "Progressing Healthy Progressing"),
}
"""By object: the kstatus of its successive versions, and what Argo CD shows; repeated values are listed once."""

ARGO_HEALTH = {
    WORKING: {"Progressing", "Suspended", "Degraded"},  # Degraded: an array that is unreachable
    CURRENT: {"Healthy", "Suspended"},
    FAILED: {"Degraded"},
    TERMINATING: {"Progressing"},
}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """One dialect is enough: the status contract does not depend on the dialect."""
    with simulated(dialect="modern") as running:
        yield running


def test_kstatus_and_argo_cd_read_each_object_correctly_from_its_first_version_to_its_last(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    unresolved = (
        stand.array_of(simulator, "no-login", management={"addresses": ["192.0.2.1"]}),
        stand.host("no-array", array="nowhere"),
        stand.attachment("no-host", "nowhere", "vol0"),
    )
    with recording(stand, tmp_path, *unresolved) as record:
        run_all_phases(stand, simulator)
        for kind, name in LIFECYCLES:
            until(f"kubectl to see the deletion of {name}", partial(record.ended, kind, name))

    seen = {(kind, name): versions for kind in KINDS for name, versions in record.lives(kind).items()}
    assert {key: shown_statuses(key[0], versions) for key, versions in seen.items()} == LIFECYCLES
    for version in itertools.chain.from_iterable(seen.values()):
        assert_status_contract(version)
        assert_only_own_fields(version)
    assert_deletion_reason_is_shown(record)


def run_all_phases(stand: Stand, simulator: Simulator) -> None:
    """Go through all phases; each state is awaited before the next one begins."""
    stand.await_reason(ARRAYS, "no-login", "CredentialsNotFound", "Stalled")
    stand.await_reason(HOSTS, "no-array", "ArrayNotFound")
    stand.await_reason(ATTACHMENTS, "no-host", "HostNotFound")
    stand.array(simulator, resyncInterval="1s")
    stand.ready(ARRAYS, "array")
    stand.apply(stand.host("node"), stand.host("other"))
    stand.ready(HOSTS, "node", "other")
    stand.apply(stand.attachment("db", "node", "vol0"), stand.attachment("early", "other", "not-yet"), held(stand))
    stand.ready(ATTACHMENTS, "db")
    stand.apply(stand.attachment("second", "other", "vol0", access="Shared"))
    stand.await_reason(ATTACHMENTS, "second", "VolumeInUse")
    stand.await_reason(ATTACHMENTS, "early", "VolumeNotFound")
    admin(simulator, "mkvdisk -name not-yet -mdiskgrp Pool0 -iogrp 0 -size 1 -unit gb")
    stand.await_reason(ATTACHMENTS, "held", "Paused")
    stand.annotate(ATTACHMENTS, "held", paused=None)
    stand.ready(ATTACHMENTS, "early", "held")

    stand.annotate(ATTACHMENTS, "db", paused="true")
    stand.await_reason(ATTACHMENTS, "db", "Paused", "Paused")
    stand.annotate(ATTACHMENTS, "db", paused=None)
    until("the pause to end", lambda: not stand.condition(ATTACHMENTS, "db", "Paused"))

    simulator.control.change("availability", "refused")
    stand.await_reason(ARRAYS, "array", "Unreachable", "Reachable")
    stand.apply(stand.attachment("late", "other", "vol2"))
    stand.await_reason(ATTACHMENTS, "late", "ArrayNotReady")
    stand.await_reason(ATTACHMENTS, "second", "ArrayNotReady")
    simulator.control.change("availability", "up")
    stand.ready(ARRAYS, "array")
    stand.ready(ATTACHMENTS, "late")
    stand.await_reason(ATTACHMENTS, "second", "VolumeInUse")

    stand.patch(ATTACHMENTS, "db", {"access": "Shared"})
    stand.ready(ATTACHMENTS, "db", "second")
    delete_all(stand, simulator)


def delete_all(stand: Stand, simulator: Simulator) -> None:
    """Delete in an order that GitOps tools would not choose: the array first, while other objects use it."""
    foreground = ("--cascade=foreground", "--wait=false")  # as Argo CD does
    stand.kubectl("delete", ATTACHMENTS, "late", "early", "second", "no-host", *foreground)
    stand.annotate(ATTACHMENTS, "held", paused="true")
    stand.await_reason(ATTACHMENTS, "held", "Paused", "Paused")
    simulator.control.change("host_port", iqn("node"), logins=1)
    stand.delete(ARRAYS, "array", wait=False)
    stand.await_reason(ARRAYS, "array", "InUse")
    stand.delete(HOSTS, "node", "other", wait=False)
    stand.delete(ATTACHMENTS, "held", wait=False)
    stand.await_reason(ATTACHMENTS, "held", "Paused")
    stand.annotate(ATTACHMENTS, "held", paused=None)
    stand.delete(ATTACHMENTS, "db", wait=False)
    stand.await_reason(ATTACHMENTS, "db", "DetachBlocked")
    simulator.control.change("host_port", iqn("node"), logins=0)
    stand.delete(HOSTS, "no-array")
    stand.delete(ARRAYS, "no-login")
    for kind, name in LIFECYCLES:
        stand.gone(kind, name)


def held(stand: Stand) -> Mapping[str, Any]:
    """An attachment that is paused from its creation."""
    document = dict(stand.attachment("held", "node", "vol1"))
    return document | {"metadata": {**document["metadata"], "annotations": {"flashsystem.io/paused": "true"}}}


def shown_statuses(kind: str, versions: Sequence[Version]) -> tuple[tuple[Kstatus, ...], str]:
    shown = without_later_progress(versions) if kind == HOSTS else versions
    return without_repeats(map(kstatus, shown)), " ".join(without_repeats(health(version).status for version in shown))


def without_later_progress(versions: Sequence[Version]) -> list[Version]:
    """Drop InProgress after the first Current: a host object is removed in the pass that empties it or the next one."""
    first = next((place for place, version in enumerate(versions) if kstatus(version) is CURRENT), len(versions))
    return [each for place, each in enumerate(versions) if place < first or kstatus(each) is not WORKING]


def without_repeats(values: Any) -> tuple[Any, ...]:
    return tuple(value for value, _ in itertools.groupby(values))


def assert_status_contract(version: Version) -> None:
    """Check what must hold for every version in every phase."""
    meta, status, read = version["metadata"], version["status"], kstatus(version)
    statuses = {each["type"]: each["status"] for each in status.get("conditions", ())}
    current = status["observedGeneration"] == meta["generation"]
    assert status["observedGeneration"] <= meta["generation"]
    assert all(each["observedGeneration"] <= status["observedGeneration"] for each in status.get("conditions", ()))
    if statuses:
        assert [statuses[each] for each in ("Ready", "Reconciling", "Stalled")].count("True") == 1
    assert read is not CURRENT or (current and statuses["Ready"] == "True")
    assert read is not FAILED or (current and statuses["Stalled"] == "True")
    assert health(version).status in ARGO_HEALTH[read]
    assert health(version).message


def assert_only_own_fields(version: Version) -> None:
    """The operator is the field manager of status and of its finalizer, and of nothing else."""
    for entry in version["metadata"]["managedFields"]:
        if entry["manager"] != MANAGER:
            continue
        fields = entry["fieldsV1"]
        if entry.get("subresource") == "status":
            assert set(fields) == {"f:status"}
        else:
            assert set(fields) == {"f:metadata"}
            assert set(fields["f:metadata"]) == {"f:finalizers"}
            assert set(fields["f:metadata"]["f:finalizers"]) <= {".", f'v:"{FINALIZER}"'}


def assert_deletion_reason_is_shown(record: Record) -> None:
    """While an object is being deleted, Argo CD shows why it still exists."""

    def while_terminating(kind: str, name: str) -> str:
        versions = record.lives(kind)[name]
        return "\n".join(health(version).message for version in versions if kstatus(version) is TERMINATING)

    assert "logged in" in while_terminating(ATTACHMENTS, "db")
    assert "flashsystem.io/paused" in while_terminating(ATTACHMENTS, "held")
    assert "VolumeAttachments" in while_terminating(ARRAYS, "array")
    assert "VolumeAttachments: db and held" in while_terminating(HOSTS, "node")
