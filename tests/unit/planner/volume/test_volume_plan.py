"""How the volume of a FlashSystemVolume is found, created, imported and kept: at most one, and always the same."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.metadata import FINALIZER, VOLUME_UID
from flashsystem_operator.array.model import Inventory, Throttle
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    RemoveThrottle,
    RenameVolume,
    ThrottleVolume,
    planned_uid,
)
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Wait
from flashsystem_operator.values import PoolName, Provisioning, VolumeName, nguid
from support.builders import (
    POOL,
    array,
    inventory,
    managed_volume,
    mapped,
    of_volume,
    own_volume_name,
    uid,
    volume,
)
from support.decision_table import Case, hold, sentence
from support.volume_fixtures import (
    ANNOTATED,
    CHANGED,
    DATA,
    ELSEWHERE,
    FORMER,
    GIB,
    IN_FLIGHT,
    INTENT,
    LEAVING,
    LEGACY,
    MIB,
    NAME,
    NODE,
    OFFLINE,
    OTHERS_CLUSTER,
    RENAMED,
    SHRUNK,
    SLOW,
    SMALL,
    VOL0,
    bound_to,
    create,
    created,
    decided,
    drifted,
    expand,
    from_import,
    hidden_mapping,
    imported,
    importing,
    leaving,
    new,
    ready,
    without_pools,
)

CREATING = [
    Case("a volume that does not exist is created in the pool of its spec", new(), create()),
    Case(
        "without a pool in the spec, that of the array is used",
        decided(managed_volume(), inventory(), of=array(pool="Pool0")),
        create(),
    ),
    Case(
        "a FlashSystem 900 has only one pool, which need not be named",
        new(inventory(of=LEGACY, pools=[replace(POOL, name=PoolName("mdiskgrp0"))]), pool=None),
        Act((CreateVolume(NAME, PoolName("mdiskgrp0"), GIB, io_group="0", verb="mkvdisk"),)),
    ),
    Case("without any pool nothing is created", new(pool=None), Reason.POOL_NOT_FOUND, ("spec.pool of the array",)),
    Case("a pool that the array does not have is refused", new(pool="Pool9"), Reason.POOL_NOT_FOUND, ("Pool9",)),
    Case("a pool is not taken for granted while the pools were not read", new(without_pools()), Reason.POOL_NOT_FOUND),
    Case("the size is rounded up to whole blocks", new(size=str(GIB + 1)), create(GIB + 512)),
    Case(
        "provisioning and I/O group are those of the spec",
        new(provisioning="Thin", io_group="io_grp1"),
        create(provisioning=Provisioning.THIN, io_group="io_grp1", options=("-thin",)),
    ),
    Case(
        "what the array or pool cannot do is refused before any command",
        new(provisioning="ThinDeduplicated"),
        Reason.NOT_SUPPORTED,
        ("data reduction pool", "spec.provisioning"),
    ),
    Case("nothing is created in an offline pool", new(inventory(pools=[OFFLINE])), Reason.POOL_OFFLINE),
    Case(
        "a thick volume waits for free space",
        new(inventory(pools=[SMALL])),
        Reason.POOL_FULL,
        ("512 free", "1Gi are needed"),
    ),
    Case(
        "a thin volume may be larger than the free space",
        new(inventory(pools=[SMALL]), provisioning="Thin"),
        create(provisioning=Provisioning.THIN, options=("-thin",)),
    ),
    Case(
        "nothing is created on an array that is being deleted",
        decided(managed_volume(pool="Pool0"), inventory(), of=array(meta=LEAVING)),
        Reason.PARENT_DELETING,
    ),
    Case(
        "nor for a resource that has the finalizer already",
        decided(managed_volume(pool="Pool0", meta={"finalizers": (FINALIZER,)}), inventory(), of=array(meta=LEAVING)),
        Reason.PARENT_DELETING,
    ),
    Case(
        "a namespace that may not use the array gets no volume",
        decided(managed_volume(pool="Pool0", meta={"namespace": "team"}), inventory()),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "a namespace that may not create volumes gets none",
        decided(
            managed_volume(pool="Pool0", meta={"namespace": "team"}),
            inventory(),
            of=array(allowed_namespaces={"from": "All"}),
        ),
        Reason.VOLUME_CREATION_NOT_ALLOWED,
    ),
    # -- at most one volume ------------------------------------------------------------------------------------------
    Case(
        "a volume of the name that this resource did not create is neither used nor changed",
        new(inventory(DATA)),
        Reason.NAME_TAKEN,
        (f"spec.import.uid {DATA.uid}",),
    ),
    Case(
        "nor one of a name of a former installation id",
        decided(managed_volume(pool="Pool0"), inventory(replace(DATA, name=FORMER)), former=("former",)),
        Reason.NAME_TAKEN,
    ),
    Case(
        "a volume that the same plan creates is taken as created",
        new(inventory(replace(DATA, uid=planned_uid(NAME)))),
        InSync(Reason.READY, f"Volume {NAME} has 1Gi in pool Pool0."),
    ),
    Case(
        "after a lost reply nothing is created while the command may still run",
        decided(managed_volume(pool="Pool0", status=IN_FLIGHT), inventory(), in_doubt_volumes=frozenset({NAME})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "after a takeover nothing is created for a while",
        decided(managed_volume(pool="Pool0"), inventory(), all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "after a lost reply a volume that was not created is created",
        decided(managed_volume(pool="Pool0", status=IN_FLIGHT), inventory()),
        create(),
    ),
    Case(
        "after a lost reply the volume that was created is used",
        decided(managed_volume(pool="Pool0", status=IN_FLIGHT), inventory(DATA)),
        Reason.READY,
    ),
    Case(
        "also if the array rounded its size up",
        decided(
            managed_volume(
                pool="Pool0", size=str(GIB - 512), status={**IN_FLIGHT, "intent": {**INTENT, "size": GIB - 512}}
            ),
            inventory(DATA),
        ),
        Reason.READY,
    ),
    Case(
        "also if the spec has another size meanwhile, which it then gets",
        decided(managed_volume(pool="Pool0", size="2Gi", status=IN_FLIGHT), inventory(DATA)),
        Act((expand(2 * GIB),)),
    ),
    Case(
        "also on an array that does not show pools",
        decided(managed_volume(pool="Pool0", status=IN_FLIGHT), inventory(replace(DATA, pool=None))),
        Reason.READY,
    ),
    *(
        Case(
            f"after a lost reply a volume of the name is another one if it {why}",
            decided(managed_volume(pool="Pool0", status=IN_FLIGHT), seen),
            Reason.NAME_TAKEN,
        )
        for why, seen in {
            "has another size": inventory(replace(DATA, capacity=2 * GIB)),
            "is smaller": inventory(replace(DATA, capacity=GIB - 512)),
            "is in another pool": inventory(replace(DATA, pool=PoolName("Pool1"))),
            "has copies in several pools": inventory(replace(DATA, pool=PoolName("many"))),
            "is mapped to a host": inventory(DATA, NODE, mapped(NODE, DATA)),
            "is mapped to a host cluster": hidden_mapping(DATA),
        }.items()
    ),
    Case(
        "after a lost reply a volume of the name that another resource has is not used",
        decided(managed_volume(pool="Pool0", status=IN_FLIGHT), inventory(DATA), bound_to(DATA)),
        Reason.IMPORT_CONFLICT,
    ),
    Case(
        "a pending import by the name does not keep a volume from its creator",
        decided(
            managed_volume(pool="Pool0", status=IN_FLIGHT),
            inventory(DATA),
            importing(DATA, meta={"creation_timestamp": "2020-01-01T00:00:00Z"}),
        ),
        Reason.READY,
    ),
]

FINDING = [
    Case(
        "a bound volume is found by its UID under any name",
        created(inventory(RENAMED), drift_policy="Ignore"),
        Reason.READY,
        ("mine",),
    ),
    Case(
        "a bound volume that is gone is never created again", created(inventory()), Reason.VOLUME_GONE, (DATA.uid, NAME)
    ),
    Case(
        "nor if nothing but its UID is recorded",
        created(inventory(), status={"name": None, "origin": None}),
        Reason.VOLUME_GONE,
    ),
    Case(
        "another volume that has its name now is not used",
        created(inventory(replace(DATA, uid=uid(9)))),
        Reason.VOLUME_GONE,
    ),
    Case(
        "a volume that the array is deleting counts as gone",
        created(inventory(replace(DATA, status="deleting"))),
        Reason.VOLUME_GONE,
    ),
    Case(
        "a volume that shows its NGUID still exists",
        created(inventory(replace(DATA, uid=nguid(DATA.uid)))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        ("NVMe",),
    ),
    Case(
        "a volume is not searched on another system",
        created(inventory(), status=ELSEWHERE),
        Reason.OTHER_SYSTEM,
        ("00000204AAAAAAAA",),
    ),
    Case(
        "nor one that was about to be created there",
        decided(managed_volume(pool="Pool0", status={**IN_FLIGHT, **ELSEWHERE}), inventory()),
        Reason.OTHER_SYSTEM,
    ),
    Case(
        "nor if only its UID is left of the status",
        created(inventory(), status={**ELSEWHERE, "origin": None}),
        Reason.OTHER_SYSTEM,
    ),
    Case(
        "a resource without a volume is free to move to another system",
        decided(managed_volume(pool="Pool0", status=ELSEWHERE), inventory()),
        create(),
    ),
    Case(
        "a status with nothing but the UID still binds",
        created(inventory(DATA), status={"array": None, "origin": None, "name": None}),
        Reason.READY,
    ),
    Case(
        "a bound volume that has the name of another cluster's is not changed: this cluster may be a copy",
        created(inventory(replace(DATA, name=OTHERS_CLUSTER)), size="2Gi"),
        Reason.IMPORT_CONFLICT,
        ("--former-installation-ids",),
    ),
    Case(
        "a bound volume of a former installation id keeps its name",
        decided(
            managed_volume(status=of_volume(replace(DATA, name=FORMER))),
            inventory(replace(DATA, name=FORMER)),
            former=("former",),
        ),
        Reason.READY,
    ),
    # -- a status that was lost --------------------------------------------------------------------------------------
    Case(
        "a volume whose status was lost is found by the annotation",
        decided(managed_volume(meta=ANNOTATED), inventory(DATA)),
        Reason.READY,
    ),
    Case(
        "the annotation alone, which users can write, is no proof",
        decided(managed_volume(meta=ANNOTATED), inventory(RENAMED)),
        Reason.VOLUME_NOT_PROVEN,
        ("spec.import.uid",),
    ),
    Case(
        "a copy of a manifest with the annotation gets neither the volume nor another one",
        decided(managed_volume("copy", meta=ANNOTATED), inventory(DATA)),
        Reason.VOLUME_NOT_PROVEN,
    ),
    Case(
        "with the annotation of a volume that is gone no other one is created",
        decided(managed_volume(meta=ANNOTATED), inventory()),
        Reason.VOLUME_GONE,
    ),
    Case(
        "the annotation does not lead to a volume that another resource has",
        decided(managed_volume(meta=ANNOTATED), inventory(DATA), bound_to(DATA)),
        Reason.IMPORT_CONFLICT,
    ),
    Case(
        "an import whose status was lost is found again",
        decided(
            managed_volume(meta={"annotations": {VOLUME_UID: VOL0.uid}}, **from_import({"name": "vol0"})),
            inventory(VOL0),
        ),
        Reason.READY,
    ),
    Case(
        "an import whose status was lost does not change to another volume that has the name now",
        decided(managed_volume(meta=ANNOTATED, **from_import({"name": "vol0"})), inventory(VOL0, DATA)),
        Reason.VOLUME_NOT_PROVEN,
    ),
    Case(
        "an import whose status was lost waits for its volume",
        decided(managed_volume(meta=ANNOTATED, **from_import({"name": "vol0"})), inventory(DATA)),
        Reason.VOLUME_NOT_FOUND,
    ),
    Case(
        "an unreadable annotation is no annotation",
        decided(managed_volume(pool="Pool0", meta={"annotations": {VOLUME_UID: "data"}}), inventory()),
        create(),
    ),
]

FAR: dict[str, Any] = {"meta": {"namespace": "team"}}
OPEN = array(allowed_namespaces={"from": "All"})
IMPORTING = [
    Case(
        "a volume is imported by its name",
        imported(inventory(VOL0)),
        InSync(Reason.READY, "Volume vol0 has 1Gi in pool Pool0."),
    ),
    Case("a volume is imported by its UID", imported(inventory(VOL0), by={"uid": VOL0.uid}), Reason.READY),
    Case(
        "an import waits for a volume that does not exist",
        imported(inventory()),
        Reason.VOLUME_NOT_FOUND,
        ("named vol0",),
    ),
    Case(
        "an import waits for a UID that does not exist",
        imported(inventory(), by={"uid": VOL0.uid}),
        Reason.VOLUME_NOT_FOUND,
        (VOL0.uid,),
    ),
    Case("an import keeps the size of the volume", imported(inventory(replace(VOL0, capacity=4096))), Reason.READY),
    Case("an import with a size grows", imported(inventory(VOL0), size="2Gi"), Act((expand(2 * GIB, VOL0),))),
    Case("an import never shrinks", imported(inventory(replace(VOL0, capacity=4 * GIB)), size="2Gi"), Reason.READY),
    Case(
        "an import keeps its name, also one that the operator gave",
        imported(inventory(DATA), by={"uid": DATA.uid}),
        Reason.READY,
    ),
    Case("an import in the pool of the spec is accepted", imported(inventory(VOL0), pool="Pool0"), Reason.READY),
    Case(
        "an import in another pool than that of the spec is refused",
        imported(inventory(VOL0), pool="Pool1"),
        Reason.POOL_DIFFERS,
        ("in pool Pool0, not in Pool1",),
    ),
    Case(
        "where the array shows no pool, that of the spec is accepted",
        imported(inventory(replace(VOL0, pool=None)), pool="Pool1"),
        Reason.READY,
    ),
    Case(
        "a volume of another cluster is not imported",
        imported(inventory(replace(VOL0, name=OTHERS_CLUSTER)), by={"uid": VOL0.uid}),
        Reason.IMPORT_CONFLICT,
        ("another cluster",),
    ),
    Case(
        "a volume that shows its NGUID is not bound by that",
        imported(inventory(replace(VOL0, uid=nguid(VOL0.uid)))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        ("NVMe",),
    ),
    Case(
        "a volume that another resource has is not imported",
        imported(inventory(VOL0), bound_to(VOL0)),
        Reason.IMPORT_CONFLICT,
        ("FlashSystemVolume storage/other",),
    ),
    Case(
        "a volume that was just created for another resource is not imported",
        imported(inventory(volume(own_volume_name("other"), 5)), managed_volume("other"), by={"uid": VOL0.uid}),
        Reason.IMPORT_CONFLICT,
    ),
    Case(
        "of two imports of one volume the elder works",
        imported(inventory(VOL0), importing(VOL0, meta={"creation_timestamp": "2030-01-01T00:00:00Z"})),
        Reason.READY,
    ),
    Case(
        "of two imports of one volume the younger is refused",
        imported(inventory(VOL0), importing(VOL0, meta={"creation_timestamp": "2020-01-01T00:00:00Z"})),
        Reason.IMPORT_CONFLICT,
    ),
    Case(
        "an elder import by UID counts like one by name",
        imported(
            inventory(VOL0),
            managed_volume(
                "other", meta={"creation_timestamp": "2020-01-01T00:00:00Z"}, **from_import({"uid": VOL0.uid})
            ),
        ),
        Reason.IMPORT_CONFLICT,
    ),
    Case(
        "an elder import that is being deleted does not count",
        imported(inventory(VOL0), importing(VOL0, meta={**LEAVING, "creation_timestamp": "2020-01-01T00:00:00Z"})),
        Reason.READY,
    ),
    Case(
        "an elder import that is not allowed does not count",
        imported(
            inventory(VOL0), importing(VOL0, meta={"namespace": "team", "creation_timestamp": "2020-01-01T00:00:00Z"})
        ),
        Reason.READY,
    ),
    Case(
        "an elder import of another volume does not count",
        imported(inventory(VOL0), importing(DATA, meta={"creation_timestamp": "2020-01-01T00:00:00Z"})),
        Reason.READY,
    ),
    Case(
        "a namespace that may not take over objects of the array imports nothing",
        decided(managed_volume(**FAR, **from_import({"name": "vol0"})), inventory(VOL0), of=OPEN),
        Reason.ADOPTION_NOT_ALLOWED,
    ),
    Case(
        "a namespace without access to the volume does not learn whether its UID exists",
        decided(
            managed_volume(**FAR, **from_import({"uid": VOL0.uid})),
            inventory(VOL0),
            of=array(allowed_namespaces={"from": "All"}, volume_access=[{"namespaceSelector": {}, "volumes": ["db*"]}]),
            namespaces={"team": {}},
        ),
        Reason.VOLUME_NOT_ALLOWED,
        ("if the array has one",),
    ),
]

KEEPING = [
    Case(
        "a volume that is as the spec wants it is in sync",
        created(inventory(DATA)),
        InSync(Reason.READY, f"Volume {NAME} has 1Gi in pool Pool0."),
    ),
    # -- size --------------------------------------------------------------------------------------------------------
    Case("a volume grows to the size of the spec", created(inventory(DATA), size="3Gi"), Act((expand(3 * GIB),))),
    Case("a size within a block is rounded up", created(inventory(DATA), size=str(GIB + 1)), Act((expand(GIB + 512),))),
    Case(
        "a volume that is larger than the spec stays as it is",
        created(inventory(replace(DATA, capacity=4 * GIB)), size="2Gi"),
        Reason.READY,
    ),
    Case(
        "a volume that the array rounded up does not grow again",
        created(inventory(replace(DATA, capacity=GIB + MIB)), size=str(GIB + 512)),
        Reason.READY,
    ),
    Case(
        "nothing is sent while a command for the volume may still run",
        decided(
            managed_volume(status=of_volume(DATA), size="3Gi"), inventory(DATA), in_doubt_volumes=frozenset({NAME})
        ),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "also if it has another name meanwhile",
        decided(
            managed_volume(status=of_volume(DATA), size="3Gi"),
            inventory(RENAMED),
            in_doubt_volumes=frozenset({NAME, DATA.uid}),
        ),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "after a takeover nothing is changed for a while",
        decided(managed_volume(status=of_volume(DATA), size="3Gi"), inventory(DATA), all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "after a takeover a volume in sync is reported as such",
        decided(managed_volume(status=of_volume(DATA)), inventory(DATA), all_in_doubt=True),
        Reason.READY,
    ),
    Case(
        "a replicated volume is not grown",
        created(inventory(replace(DATA, replicated="is replicated")), size="3Gi"),
        Reason.REPLICATED,
    ),
    Case(
        "a volume grows when it is formatted",
        created(inventory(replace(DATA, formatting=True)), size="3Gi"),
        Reason.FORMATTING,
    ),
    Case(
        "a volume is not grown beyond the limits of its namespace",
        decided(
            managed_volume(status=of_volume(DATA), size="3Gi"),
            inventory(DATA),
            of=array(volume_creation={"maxVolumeSize": "2Gi"}),
        ),
        Reason.CAPACITY_EXCEEDED,
    ),
    Case(
        "a volume is not grown in an offline pool",
        created(inventory(DATA, pools=[OFFLINE]), size="3Gi"),
        Reason.POOL_OFFLINE,
    ),
    Case(
        "a thick volume is not grown in a full pool",
        created(inventory(replace(DATA, copies=1, thin=0), pools=[SMALL]), size="3Gi"),
        Reason.POOL_FULL,
    ),
    Case(
        "the array decides about a full pool if the provisioning is unknown",
        created(inventory(DATA, pools=[SMALL]), size="3Gi"),
        Act((expand(3 * GIB),)),
    ),
    Case(
        "the array decides about the space of a volume in several pools",
        created(inventory(replace(DATA, pool=PoolName("many"))), size="3Gi"),
        Act((expand(3 * GIB, replace(DATA, pool=None)),)),
    ),
    Case(
        "the array decides about the space of a pool that was not read",
        created(without_pools(DATA), size="3Gi"),
        Act((expand(3 * GIB),)),
    ),
    Case(
        "a volume that was shrunk outside the operator is grown again",
        created(inventory(SHRUNK), status={"capacity": "1Gi"}),
        Act((expand(GIB, SHRUNK),)),
    ),
    Case(
        "with driftPolicy Ignore a volume that was shrunk stays as it is",
        created(inventory(SHRUNK), status={"capacity": "1Gi"}, drift_policy="Ignore"),
        Reason.READY,
    ),
    Case(
        "and still does when the status has the smaller size",
        created(inventory(SHRUNK), status={"capacity": "512Mi", **ready()}, drift_policy="Ignore"),
        Reason.READY,
    ),
    Case(
        "a size that was increased grows also with driftPolicy Report",
        created(
            inventory(DATA),
            status={"capacity": "1Gi", **ready(), "observed_generation": 0},
            drift_policy="Report",
            size="2Gi",
        ),
        Act((expand(2 * GIB),)),
    ),
    Case(
        "also if the first attempt failed",
        created(inventory(DATA), status={"capacity": "1Gi", **ready("False")}, drift_policy="Report", size="2Gi"),
        Act((expand(2 * GIB),)),
    ),
    Case(
        "also while other drift is reported",
        created(
            inventory(DATA), status={"capacity": "1Gi", **drifted("NameChanged")}, drift_policy="Report", size="2Gi"
        ),
        Act((expand(2 * GIB),)),
    ),
    Case(
        "a recorded size that cannot be read does not count",
        created(inventory(SHRUNK), status={"capacity": "1.0.0"}, drift_policy="Report"),
        Act((expand(GIB, SHRUNK),)),
    ),
    # -- name --------------------------------------------------------------------------------------------------------
    Case(
        "a volume that was renamed outside the operator is renamed back",
        created(inventory(RENAMED)),
        Act((RenameVolume(RENAMED.name, DATA.uid, NAME),)),
    ),
    Case(
        "later commands of the plan use the new name",
        created(inventory(RENAMED), size="3Gi"),
        Act((RenameVolume(RENAMED.name, DATA.uid, NAME), expand(3 * GIB))),
    ),
    Case(
        "it is renamed back to the name that it had, of a former installation id",
        decided(managed_volume(status=of_volume(replace(DATA, name=FORMER))), inventory(RENAMED), former=("former",)),
        Act((RenameVolume(RENAMED.name, DATA.uid, FORMER),)),
    ),
    Case(
        "with driftPolicy Ignore it keeps its new name",
        created(inventory(RENAMED), drift_policy="Ignore"),
        Reason.READY,
    ),
    Case(
        "an imported volume is not renamed",
        decided(
            managed_volume(status=of_volume(VOL0, origin="Imported"), **from_import({"name": "vol0"})),
            inventory(replace(VOL0, name=VolumeName("mine"))),
        ),
        Reason.READY,
    ),
    # -- throttle ----------------------------------------------------------------------------------------------------
    Case(
        "a throttle is set",
        created(inventory(replace(DATA, throttle=Throttle())), **SLOW),
        Act((ThrottleVolume(NAME, DATA.uid, 500, 100),)),
    ),
    Case(
        "a throttle that is as the spec wants it stays",
        created(inventory(replace(DATA, throttle=Throttle("t", 500, 100))), **SLOW),
        Reason.READY,
    ),
    Case("a throttle that the spec does not mention stays", created(inventory(CHANGED)), Reason.READY),
    Case("a throttle that was not read is not changed", created(inventory(DATA), **SLOW), Reason.READY),
    Case(
        "of two limits one is removed by a new throttle",
        created(inventory(CHANGED), throttle={"iops": 900}),
        Act((RemoveThrottle(NAME, DATA.uid, "throttle0"), ThrottleVolume(NAME, DATA.uid, 900, None))),
    ),
    Case(
        "an array without throttles refuses them",
        created(inventory(DATA, of=LEGACY), **SLOW),
        Reason.NOT_SUPPORTED,
        ("cannot limit",),
    ),
    Case(
        "a throttle that was changed outside the operator is corrected",
        created(inventory(CHANGED), status={"throttle": {"iops": 500, "bandwidth": "100Mi"}}, **SLOW),
        Act((ThrottleVolume(NAME, DATA.uid, 500, 100, "throttle0"),)),
    ),
    Case(
        "with driftPolicy Ignore it is not",
        created(
            inventory(CHANGED), status={"throttle": {"iops": 500, "bandwidth": "100Mi"}}, drift_policy="Ignore", **SLOW
        ),
        Reason.READY,
    ),
    Case(
        "and still is not when the status has the changed one",
        created(
            inventory(CHANGED),
            status={"throttle": {"iops": 900, "bandwidth": "100Mi"}, **ready()},
            drift_policy="Ignore",
            **SLOW,
        ),
        Reason.READY,
    ),
    Case(
        "a throttle whose spec was changed is set also with driftPolicy Report",
        created(
            inventory(CHANGED),
            status={"throttle": {"iops": 900, "bandwidth": "100Mi"}, **ready(), "observed_generation": 0},
            drift_policy="Report",
            **SLOW,
        ),
        Act((ThrottleVolume(NAME, DATA.uid, 500, 100, "throttle0"),)),
    ),
    # -- permissions -------------------------------------------------------------------------------------------------
    Case(
        "a permission that was withdrawn stops changes",
        decided(
            managed_volume(**FAR, status=of_volume(DATA), drift_policy="Ignore", size="2Gi"),
            inventory(DATA),
            of=array(volume_creation={"from": "All"}),
        ),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    Case(
        "and keeps what is in sync",
        decided(managed_volume(**FAR, status=of_volume(DATA), drift_policy="Ignore"), inventory(DATA)),
        Reason.READY,
    ),
    Case(
        "a volume is kept in sync while its array is being deleted",
        decided(
            managed_volume(meta={"finalizers": (FINALIZER,)}, status=of_volume(DATA)),
            inventory(DATA),
            of=array(meta=LEAVING),
        ),
        Reason.READY,
    ),
]


@pytest.mark.parametrize("case", [*CREATING, *FINDING, *IMPORTING, *KEEPING], ids=sentence)
def test_plan(case: Case) -> None:
    hold(case)


def drift(decision: Decision) -> list[tuple[str, str]]:
    assert not isinstance(decision, Act), decision
    return [(note.kind, note.reason) for note in decision.notes]


def reported(seen: Inventory, status: dict[str, Any] | None = None, **spec: Any) -> list[tuple[str, str]]:
    return drift(created(seen, status=status, drift_policy="Report", **spec))


def test_drift_that_is_only_reported_is_a_condition() -> None:
    throttled = {"throttle": {"iops": 500, "bandwidth": "100Mi"}}

    assert reported(inventory(RENAMED)) == [("Drifted", "NameChanged")]
    assert reported(inventory(SHRUNK), {"capacity": "1Gi"}) == [("Drifted", "SizeChanged")]
    assert reported(inventory(CHANGED), throttled, **SLOW) == [("Drifted", "ThrottleChanged")]


@pytest.mark.parametrize("before", [ready(), drifted("SizeChanged")], ids=["Ready", "Drifted"])
def test_a_size_that_is_reported_stays_reported_when_the_status_has_it(before: dict[str, Any]) -> None:
    assert reported(inventory(SHRUNK), {"capacity": "512Mi", **before}) == [("Drifted", "SizeChanged")]


@pytest.mark.parametrize("before", [ready(), drifted("ThrottleChanged")], ids=["Ready", "Drifted"])
def test_a_throttle_that_is_reported_stays_reported_when_the_status_has_it(before: dict[str, Any]) -> None:
    seen = {"throttle": {"iops": 900, "bandwidth": "100Mi"}}

    assert reported(inventory(CHANGED), {**seen, **before}, **SLOW) == [("Drifted", "ThrottleChanged")]


def test_all_drift_of_a_volume_is_one_condition_because_the_api_server_accepts_one_of_each_type() -> None:
    changed = replace(CHANGED, name=RENAMED.name, capacity=SHRUNK.capacity)

    decision = created(inventory(changed), status=ready(), drift_policy="Report", **SLOW)

    assert drift(decision) == [("Drifted", "NameChanged")]
    assert all(part in decision.notes[0].message for part in ("renamed", "shrunk", "throttle"))


def test_a_volume_is_not_renamed_back_to_a_name_that_another_one_has() -> None:
    decision = created(inventory(RENAMED, replace(DATA, id="9", uid=uid(9))))

    assert isinstance(decision, InSync)
    assert drift(decision) == [("Drifted", "NameChanged")]
    assert "another volume has the name" in decision.notes[0].message


def test_drift_is_reported_also_while_something_else_keeps_the_volume_from_being_ready() -> None:
    replicated = replace(RENAMED, replicated="is replicated")

    decision = created(inventory(replicated), drift_policy="Report", size="3Gi")

    assert isinstance(decision, Refuse)
    assert drift(decision) == [("Drifted", "NameChanged")]


def test_what_ends_on_the_array_without_an_event_is_read_again_later() -> None:
    formatting = created(inventory(replace(DATA, formatting=True)), size="3Gi")
    full, still_mapped = new(inventory(pools=[SMALL])), leaving(inventory(DATA, NODE, mapped(NODE, DATA)))
    dependents, deleting = (
        leaving(inventory(replace(DATA, **change))) for change in ({"snapshots": 1}, {"status": "deleting"})
    )

    for each in (formatting, full, still_mapped, dependents, deleting):
        assert isinstance(each, Wait)
        assert each.retry == 60.0


def test_the_case_of_the_digits_in_the_annotation_does_not_matter() -> None:
    lettered = volume(NAME, 0xABCDEF)
    resource = managed_volume(meta={"annotations": {VOLUME_UID: lettered.uid.lower()}})

    assert lettered.uid.lower() != lettered.uid
    assert isinstance(decided(resource, inventory(lettered)), InSync)
