"""When the volume of a FlashSystemVolume is deleted, and above all when not. A wrong delete destroys data."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.metadata import VOLUME_UID
from flashsystem_operator.array.volume_commands import (
    RemoveVolume,
)
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release, Wait
from flashsystem_operator.values import HostName, nguid
from support.builders import (
    attachment,
    inventory,
    managed_volume,
    mapped,
    of_volume,
    uid,
)
from support.decision_table import Case, hold, sentence
from support.volume_fixtures import (
    ANNOTATED,
    DATA,
    DELAYED,
    DELETE,
    ELSEWHERE,
    GIB,
    IN_FLIGHT,
    INTENT,
    LEAVING,
    LEGACY,
    NAME,
    NODE,
    OTHERS_CLUSTER,
    REMOVE,
    RENAMED,
    RETAIN,
    VOL0,
    bound_to,
    decided,
    from_import,
    hidden_mapping,
    importing,
    leaving,
)

BY_REF = {"ref": {"name": "data"}}
ELDER, YOUNGER = {"creation_timestamp": "2020-01-01T00:00:00Z"}, {"creation_timestamp": "2030-01-01T00:00:00Z"}
IN_DOUBT = frozenset({NAME})
DELETING = [
    Case("a volume that the operator created is deleted", leaving(inventory(DATA)), REMOVE),
    Case(
        "on a FlashSystem 900 by its own command",
        leaving(inventory(DATA, of=LEGACY)),
        Act((RemoveVolume(NAME, DATA.uid, "rmvdisk"),)),
    ),
    Case("a volume that is gone already is success", leaving(inventory()), Release()),
    Case(
        "another volume that has its name now is never deleted",
        leaving(inventory(replace(DATA, uid=uid(9)))),
        Release(),
    ),
    Case(
        "a volume that was renamed is the same one",
        leaving(inventory(RENAMED)),
        Act((RemoveVolume(RENAMED.name, DATA.uid),)),
    ),
    Case(
        "a volume whose name another one has now is deleted, and not that",
        leaving(inventory(RENAMED, replace(DATA, id="9", uid=uid(9)))),
        Act((RemoveVolume(RENAMED.name, DATA.uid),)),
    ),
    Case(
        "a volume that shows its NGUID is not gone",
        leaving(inventory(replace(DATA, uid=nguid(DATA.uid)))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Case("a volume on another system is not gone", leaving(inventory(), status=ELSEWHERE), Reason.OTHER_SYSTEM),
    Case(
        "a deletion that the array has not completed is awaited",
        leaving(inventory(replace(DATA, status="deleting"))),
        Reason.DELETING,
    ),
    # -- what is to stay ---------------------------------------------------------------------------------------------
    Case(
        "deletionPolicy Retain keeps the volume",
        leaving(inventory(DATA), **RETAIN),
        Release(
            f"Volume {NAME} (UID {DATA.uid}) stays on the array with its data, since spec.deletionPolicy is Retain."
        ),
    ),
    Case(
        "an imported volume stays",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(VOL0, origin="Imported"), **from_import({"name": "vol0"})),
            inventory(VOL0),
        ),
        Release,
        ("it was imported",),
    ),
    Case(
        "an imported volume stays also if the status has it as created",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(DATA), **from_import({"uid": DATA.uid})), inventory(DATA)
        ),
        Release,
        ("it was imported",),
    ),
    Case(
        "an imported volume is deleted on request",
        decided(
            managed_volume(
                meta=LEAVING, status=of_volume(VOL0, origin="Imported"), **DELETE, **from_import({"name": "vol0"})
            ),
            inventory(VOL0),
        ),
        Act((RemoveVolume(VOL0.name, VOL0.uid),)),
    ),
    Case(
        "a volume of unknown origin under a foreign name stays",
        leaving(inventory(RENAMED), status={"origin": None}),
        Release,
    ),
    Case(
        "a volume of unknown origin that its name proves is deleted",
        leaving(inventory(DATA), status={"origin": None}),
        REMOVE,
    ),
    Case(
        "a volume with a name of another cluster's is not deleted: this cluster may be a copy",
        leaving(inventory(replace(DATA, name=OTHERS_CLUSTER))),
        Reason.IMPORT_CONFLICT,
        ("flashsystem.io/release",),
    ),
    Case(
        "a volume that another resource has is not deleted",
        leaving(inventory(DATA), bound_to(DATA)),
        Reason.IN_USE,
        ("FlashSystemVolume storage/other",),
    ),
    Case(
        "a volume that another resource is about to import is left to that",
        leaving(inventory(DATA), importing(DATA)),
        Release,
        ("storage/other has it too, or imports it",),
    ),
    Case(
        "an import that is not allowed keeps nothing",
        leaving(inventory(DATA), importing(DATA, meta={"namespace": "team"})),
        REMOVE,
    ),
    Case(
        "a volume that another resource kept when both are being deleted stays",
        leaving(inventory(DATA), bound_to(DATA, meta=LEAVING, **RETAIN)),
        Release,
    ),
    Case(
        "of two resources that are deleted with one volume the younger leaves it to the elder",
        leaving(inventory(DATA), bound_to(DATA, meta={**LEAVING, **ELDER}, **DELETE)),
        Release,
    ),
    Case(
        "of two resources that are deleted with one volume the elder deletes it",
        leaving(inventory(DATA), bound_to(DATA, meta={**LEAVING, **YOUNGER}, **DELETE)),
        REMOVE,
    ),
    Case("other volumes and their resources do not matter", leaving(inventory(DATA, VOL0), bound_to(VOL0)), REMOVE),
    Case(
        "a volume stays with the resource whose status was lost, and which it was created for",
        decided(
            managed_volume(
                "taker",
                meta=LEAVING,
                status=of_volume(DATA, origin="Imported"),
                **DELETE,
                **from_import({"uid": DATA.uid}),
            ),
            inventory(DATA),
            managed_volume(meta=ANNOTATED),
        ),
        Release,
    ),
    # -- what uses it ------------------------------------------------------------------------------------------------
    Case(
        "a finalizer of a consumer marks the volume as in use",
        leaving(inventory(DATA), finalizers=("example.com/in-use",)),
        Reason.WAITING_FOR_FINALIZERS,
        ("example.com/in-use",),
    ),
    Case(
        "a volume is not deleted while an attachment refers to it",
        leaving(inventory(DATA), attachment("a", "node", BY_REF)),
        Reason.IN_USE,
        ("1 VolumeAttachment: a",),
    ),
    Case(
        "nor while one that is being deleted does",
        leaving(inventory(DATA), attachment("a", "node", BY_REF, meta=LEAVING)),
        Reason.IN_USE,
    ),
    Case("nor while one has its UID", leaving(inventory(DATA), attachment("a", "node", DATA.uid)), Reason.IN_USE),
    Case("nor while one has its name", leaving(inventory(DATA), attachment("a", "node", NAME)), Reason.IN_USE),
    Case(
        "nor while one is bound to it",
        leaving(inventory(DATA), attachment("a", "node", "old", status={"volume": {"name": "old", "uid": DATA.uid}})),
        Reason.IN_USE,
    ),
    Case(
        "nor while one refers to it whose host is on no array",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(DATA)),
            inventory(DATA),
            referring={managed_volume().ref: (attachment("a", "missing", BY_REF),)},
        ),
        Reason.IN_USE,
        ("1 VolumeAttachment: a",),
    ),
    Case(
        "nor while one of another array has its UID",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(DATA)),
            inventory(DATA),
            referring={managed_volume().ref: (attachment("a", "far", DATA.uid),)},
        ),
        Reason.IN_USE,
    ),
    Case(
        "attachments of another namespace are only counted",
        leaving(inventory(DATA), attachment("a", "node", DATA.uid, meta={"namespace": "team"})),
        Reason.IN_USE,
        ("a VolumeAttachment of another namespace",),
    ),
    Case(
        "a volume that stays is released only when no attachment refers to it",
        leaving(inventory(DATA), attachment("a", "node", BY_REF), **RETAIN),
        Reason.IN_USE,
    ),
    Case(
        "also if the host of that is on no array",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(DATA), **RETAIN),
            inventory(DATA),
            referring={managed_volume().ref: (attachment("a", "missing", BY_REF),)},
        ),
        Reason.IN_USE,
    ),
    Case(
        "a volume that stays is released while attachments have its UID",
        leaving(inventory(DATA), attachment("a", "node", DATA.uid), **RETAIN),
        Release,
    ),
    Case(
        "an attachment that is bound to another volume of that name does not matter",
        leaving(inventory(DATA), attachment("a", "node", NAME, status={"volume": {"name": NAME, "uid": uid(9)}})),
        REMOVE,
    ),
    Case(
        "an attachment that refers to it counts also if it is bound to the volume of a former resource of this name",
        leaving(inventory(DATA), attachment("a", "node", BY_REF, status={"volume": {"name": NAME, "uid": uid(9)}})),
        Reason.IN_USE,
    ),
    Case(
        "a volume that is mapped to any host is not deleted",
        leaving(inventory(DATA, NODE, mapped(NODE, DATA))),
        Reason.STILL_MAPPED,
        ("node", "flashsystem.io/release"),
    ),
    Case(
        "a volume that is mapped through a host cluster is not deleted",
        leaving(inventory(DATA, NODE, mapped(NODE, DATA, cluster="c"))),
        Reason.STILL_MAPPED,
    ),
    Case(
        "a volume that is mapped to a host cluster without hosts is not deleted",
        leaving(hidden_mapping(DATA)),
        Reason.STILL_MAPPED,
        ("a host cluster",),
    ),
    Case(
        "a volume whose mapping may still be created is not deleted",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(DATA)),
            inventory(DATA),
            in_doubt_pairs=frozenset({(HostName("node"), DATA.uid)}),
        ),
        Reason.STILL_MAPPED,
    ),
    Case(
        "a volume with snapshots is not deleted",
        leaving(inventory(replace(DATA, snapshots=1))),
        Reason.HAS_DEPENDENTS,
        ("has snapshots",),
    ),
    Case(
        "a volume that is part of a copy is not deleted",
        leaving(inventory(replace(DATA, flashcopy_maps=1))),
        Reason.HAS_DEPENDENTS,
    ),
    Case(
        "a replicated volume is not deleted",
        leaving(inventory(replace(DATA, replicated="is replicated"))),
        Reason.HAS_DEPENDENTS,
    ),
    Case(
        "a volume that the array keeps for itself is not deleted",
        leaving(inventory(replace(DATA, reserved="is a quorum disk"))),
        Reason.HAS_DEPENDENTS,
    ),
    # -- commands in doubt -------------------------------------------------------------------------------------------
    Case(
        "a volume is not deleted while another command for it may still run",
        decided(managed_volume(meta=LEAVING, status=of_volume(DATA)), inventory(DATA), in_doubt_volumes=IN_DOUBT),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "also if it was renamed meanwhile",
        decided(
            managed_volume(meta=LEAVING, status=of_volume(DATA)),
            inventory(RENAMED),
            in_doubt_volumes=frozenset({DATA.uid}),
        ),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "after a takeover nothing is deleted for a while",
        decided(managed_volume(meta=LEAVING, status=of_volume(DATA)), inventory(DATA), all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a resource is not released while its volume may still be created",
        decided(managed_volume(meta=LEAVING, status=IN_FLIGHT), inventory(), in_doubt_volumes=IN_DOUBT),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "nor for a while after a takeover",
        decided(managed_volume(meta=LEAVING, status=IN_FLIGHT), inventory(), all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a volume that was created with a lost reply is deleted",
        decided(managed_volume(meta=LEAVING, status=IN_FLIGHT), inventory(DATA)),
        REMOVE,
    ),
    Case(
        "a volume that was not created after all is success",
        decided(managed_volume(meta=LEAVING, status=IN_FLIGHT), inventory()),
        Release(),
    ),
    Case(
        "a volume that is mapped since is not known to be the created one, and stays",
        decided(managed_volume(meta=LEAVING, status=IN_FLIGHT), inventory(DATA, NODE, mapped(NODE, DATA))),
        Release,
        ("stays on the array",),
    ),
    Case(
        "a recorded intent for a name that is not the resource's leads to nothing",
        decided(
            managed_volume(meta=LEAVING, status={**IN_FLIGHT, "intent": {**INTENT, "name": "vol0"}}), inventory(VOL0)
        ),
        Release,
        ("Volume vol0 stays",),
    ),
    Case(
        "a recorded intent without a name leads to nothing",
        decided(managed_volume(meta=LEAVING, status={**IN_FLIGHT, "intent": {"size": GIB}}), inventory(VOL0)),
        Release(),
    ),
    # -- a status that was lost --------------------------------------------------------------------------------------
    Case(
        "a resource that never had a volume is released",
        decided(managed_volume(meta=LEAVING), inventory(DATA)),
        Release(),
    ),
    Case(
        "a volume whose status was lost is found by the annotation and its name",
        decided(managed_volume(meta={**LEAVING, **ANNOTATED}), inventory(DATA)),
        REMOVE,
    ),
    Case(
        "the annotation alone deletes nothing",
        decided(managed_volume(meta={**LEAVING, "annotations": {VOLUME_UID: VOL0.uid}}, **DELETE), inventory(VOL0)),
        Release,
        (VOL0.uid, "stays"),
    ),
    Case(
        "nor with an import whose status was lost",
        decided(
            managed_volume(meta={**LEAVING, **ANNOTATED}, **DELETE, **from_import({"uid": DATA.uid})), inventory(DATA)
        ),
        Release,
    ),
    Case(
        "the message is the same for a UID that the array does not have",
        decided(managed_volume(meta={**LEAVING, **ANNOTATED}), inventory()),
        Release,
        (f"If the array has a volume with UID {DATA.uid}",),
    ),
    # -- the delay ---------------------------------------------------------------------------------------------------
    Case(
        "a volume is kept for the deletion delay of its array",
        leaving(inventory(DATA), of=DELAYED),
        Reason.DELETION_DELAYED,
        ("2026-02-01T02:00:00Z", "flashsystem.io/release"),
    ),
    Case(
        "a deletion delay of the spec comes before that",
        leaving(inventory(DATA), of=DELAYED, deletion_delay="30m"),
        REMOVE,
    ),
    Case("also one of zero", leaving(inventory(DATA), of=DELAYED, deletion_delay="0s"), REMOVE),
    Case("a volume is deleted when the deletion delay is over", leaving(inventory(DATA), deletion_delay="1h"), REMOVE),
    Case(
        "what is mapped is reported before the delay",
        leaving(inventory(DATA, NODE, mapped(NODE, DATA)), of=DELAYED),
        Reason.STILL_MAPPED,
    ),
]


@pytest.mark.parametrize("case", DELETING, ids=sentence)
def test_plan_of_a_deletion(case: Case) -> None:
    hold(case)


@pytest.mark.parametrize(("now", "retry"), [("2026-02-01T01:00:00Z", 3600.0), ("2026-02-01T01:59:59Z", 1.0)])
def test_a_delayed_deletion_is_due_when_the_delay_is_over(now: str, retry: float) -> None:
    resource = managed_volume(meta=LEAVING, status=of_volume(DATA))

    delayed = decided(resource, inventory(DATA), of=DELAYED, now=now)

    assert isinstance(delayed, Wait)
    assert (delayed.reason, delayed.retry) == (Reason.DELETION_DELAYED, retry)
    assert decided(resource, inventory(DATA), of=DELAYED, now="2026-02-01T02:00:00Z") == REMOVE


def test_a_deletion_policy_that_is_changed_while_the_deletion_waits_counts() -> None:
    def waiting(**spec: Any) -> Decision:
        return leaving(inventory(DATA), of=DELAYED, **spec)

    assert isinstance(waiting(), Wait)
    assert isinstance(waiting(**RETAIN), Release)
