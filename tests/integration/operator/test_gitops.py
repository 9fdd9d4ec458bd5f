"""What Flux and Argo CD see of our objects in every phase of life, and that applying them again changes nothing."""

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

WORKING, CURRENT, FAILED, GOING = Kstatus.IN_PROGRESS, Kstatus.CURRENT, Kstatus.FAILED, Kstatus.TERMINATING

LIVES = {
    (ARRAYS, "no-login"): ((WORKING, FAILED), "Progressing Degraded"),
    # Ready, down, back, deleted while it is in use: an array that is down may come back, so it has not failed.
    (ARRAYS, "array"): (
        (WORKING, CURRENT, WORKING, CURRENT, GOING),
        "Progressing Healthy Degraded Healthy Progressing",
    ),
    (HOSTS, "no-array"): ((WORKING,), "Progressing"),
    (HOSTS, "node"): ((WORKING, CURRENT, GOING), "Progressing Healthy Progressing"),
    (HOSTS, "other"): ((WORKING, CURRENT, GOING), "Progressing Healthy Progressing"),
    (ATTACHMENTS, "no-host"): ((WORKING, GOING), "Progressing"),
    # Ready all through a pause and an array that is down; its spec changed; deleted, and blocked by a login.
    (ATTACHMENTS, "db"): (
        (WORKING, CURRENT, WORKING, CURRENT, GOING),
        "Progressing Healthy Suspended Healthy Progressing Healthy Progressing",
    ),
    # Refused until db shares the volume with it; while the array is down, that is what it waits for.
    (ATTACHMENTS, "second"): (
        (WORKING, FAILED, WORKING, FAILED, WORKING, CURRENT, GOING),
        "Progressing Degraded Progressing Degraded Progressing Healthy Progressing",
    ),
    # Its volume is made later, which is waited for.
    (ATTACHMENTS, "early"): ((WORKING, CURRENT, GOING), "Progressing Healthy Progressing"),
    # Paused when it was made, and again when it was deleted.
    (ATTACHMENTS, "held"): (
        (WORKING, CURRENT, GOING),
        "Progressing Suspended Progressing Healthy Suspended Progressing",
    ),
    # Made while the array was down.
    (ATTACHMENTS, "late"): ((WORKING, CURRENT, GOING), "Progressing Healthy Progressing"),
}
"""By object: what kstatus makes of its versions one after another, and what Argo CD shows; equal neighbours once."""

READS_AS = {
    WORKING: {"Progressing", "Suspended", "Degraded"},  # Degraded: an array that is out of reach
    CURRENT: {"Healthy", "Suspended"},
    FAILED: {"Degraded"},
    GOING: {"Progressing"},
}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """One dialect is enough: nothing of a status contract comes from the array's command line."""
    with simulated(dialect="modern") as running:
        yield running


def test_kstatus_and_argo_cd_read_each_object_rightly_from_its_first_version_to_its_last(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    strangers = (
        stand.array_of(simulator, "no-login", management={"addresses": ["192.0.2.1"]}),
        stand.host("no-array", array="nowhere"),
        stand.attachment("no-host", "nowhere", "vol0"),
    )
    with recording(stand, tmp_path, *strangers) as record:
        live(stand, simulator)
        for kind, name in LIVES:
            until(f"kubectl to see the end of {name}", partial(record.ended, kind, name))

    seen = {(kind, name): versions for kind in KINDS for name, versions in record.lives(kind).items()}
    assert {who: told(who[0], versions) for who, versions in seen.items()} == LIVES
    for version in itertools.chain.from_iterable(seen.values()):
        keeps_the_contract(version)
        writes_nothing_of_users(version)
    says_why_it_waits(record)


def live(stand: Stand, simulator: Simulator) -> None:
    """All phases: each line waits for what is to be seen before the next."""
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
    die(stand, simulator)


def die(stand: Stand, simulator: Simulator) -> None:
    """In an order that Git would not choose: the array first, and what needs it while it is in use."""
    foreground = ("--cascade=foreground", "--wait=false")  # as Argo CD deletes
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
    for kind, name in LIVES:
        stand.gone(kind, name)


def held(stand: Stand) -> Mapping[str, Any]:
    """An attachment that is paused from its birth."""
    made = dict(stand.attachment("held", "node", "vol1"))
    return made | {"metadata": {**made["metadata"], "annotations": {"flashsystem.io/paused": "true"}}}


def told(kind: str, versions: Sequence[Version]) -> tuple[tuple[Kstatus, ...], str]:
    shown = settled(versions) if kind == HOSTS else versions
    return once(map(kstatus, shown)), " ".join(once(health(version).status for version in shown))


def settled(versions: Sequence[Version]) -> list[Version]:
    """Without the work after a first rest: a host object is removed in the pass that empties it, or in the next one."""
    first = next((place for place, version in enumerate(versions) if kstatus(version) is CURRENT), len(versions))
    return [each for place, each in enumerate(versions) if place < first or kstatus(each) is not WORKING]


def once(words: Any) -> tuple[Any, ...]:
    return tuple(word for word, _ in itertools.groupby(words))


def keeps_the_contract(version: Version) -> None:
    """What must hold of any version whatever is going on."""
    meta, status, read = version["metadata"], version["status"], kstatus(version)
    truths = {each["type"]: each["status"] for each in status.get("conditions", ())}
    current = status["observedGeneration"] == meta["generation"]
    assert status["observedGeneration"] <= meta["generation"]
    assert all(each["observedGeneration"] <= status["observedGeneration"] for each in status.get("conditions", ()))
    if truths:
        assert [truths[each] for each in ("Ready", "Reconciling", "Stalled")].count("True") == 1
    assert read is not CURRENT or (current and truths["Ready"] == "True")
    assert read is not FAILED or (current and truths["Stalled"] == "True")
    assert health(version).status in READS_AS[read]
    assert health(version).message


def writes_nothing_of_users(version: Version) -> None:
    """The operator is named for status and for its finalizer, and for nothing else."""
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


def says_why_it_waits(record: Record) -> None:
    """What Argo CD shows of an object that is being deleted is the reason why it is still there."""

    def while_going(kind: str, name: str) -> str:
        versions = record.lives(kind)[name]
        return "\n".join(health(version).message for version in versions if kstatus(version) is GOING)

    assert "logged in" in while_going(ATTACHMENTS, "db")
    assert "flashsystem.io/paused" in while_going(ATTACHMENTS, "held")
    assert "VolumeAttachments" in while_going(ARRAYS, "array")
    assert "VolumeAttachments: db and held" in while_going(HOSTS, "node")
