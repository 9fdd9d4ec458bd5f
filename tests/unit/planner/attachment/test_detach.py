"""What is unmapped when an attachment is deleted, and what is not. A wrong unmap is an outage."""

from typing import Any

import pytest

from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.planner.decision import Reason, Release
from support.builders import (
    attachment,
    bound,
    host,
    host_object,
    inventory,
    mapped,
    volume,
)
from support.decision_table import Case, hold, sentence
from support.detach_fixtures import ADMINS, DATA, LOGS, NODE, OURS, RENAMED, decided, leaving, unmap

GUARDED = {"finalizers": (FINALIZER,)}
HELD: dict[str, Any] = {"meta": GUARDED, "status": bound(OURS, DATA)}
"""The metadata and status of an attachment that owns its mapping."""

CASES = [
    Case(
        "a mapping that the operator created is removed",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA))),
        unmap(OURS.name),
    ),
    Case(
        "detaching does not change other hosts or other volumes",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(
                DATA,
                LOGS,
                OURS,
                host_object("b", "b"),
                mapped(OURS, DATA),
                mapped(OURS, LOGS, 2),
                mapped(host_object("b", "b"), DATA),
            ),
        ),
        unmap(OURS.name),
    ),
    Case(
        "a mapping that is already gone is success",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS)),
        Release(),
    ),
    Case(
        "a host object that is already gone is success", decided(leaving(bound(OURS, DATA)), inventory(DATA)), Release()
    ),
    Case("a volume that is already gone is success", decided(leaving(bound(OURS, DATA)), inventory(OURS)), Release()),
    Case(
        "an attachment that never had a volume is released",
        decided(leaving(), inventory(OURS)),
        Release(),
    ),
    Case(
        "the volume is unmapped under its current name",
        decided(leaving(bound(OURS, DATA)), inventory(volume("renamed", 1), OURS, mapped(OURS, volume("renamed", 1)))),
        unmap(OURS.name, volume("renamed", 1)),
    ),
    Case(
        "another volume with the old name is not touched",
        decided(leaving(bound(OURS, volume("data", 9))), inventory(DATA, OURS, mapped(OURS, DATA))),
        Release(),
    ),
    Case(
        "the UID in the spec, which is immutable, takes precedence over the UID in the status",
        decided(
            leaving(bound(OURS, LOGS), volume=DATA.uid),
            inventory(DATA, LOGS, OURS, mapped(OURS, DATA), mapped(OURS, LOGS, 2)),
        ),
        unmap(OURS.name),
    ),
    Case(
        "another volume that was given the LUN of the old one is not touched",
        decided(leaving(bound(OURS, DATA, lun=1)), inventory(DATA, LOGS, OURS, mapped(OURS, LOGS, 1))),
        Release(),
    ),
    Case(
        "a mapping through a host cluster is never removed, and the message reports that it stays",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA, cluster="cluster-1"))),
        Release,
        ("Volume data stays mapped", "host cluster cluster-1"),
    ),
    Case(
        "of two mappings of a volume only the host's own is removed",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA, cluster="cluster-1"), mapped(OURS, DATA, 2)),
        ),
        unmap(OURS.name),
    ),
    # -- other finalizers, other attachments ------------------------------------------------------------------------
    Case(
        "nothing is unmapped while the finalizer of a consumer marks it as in use",
        decided(
            leaving(bound(OURS, DATA), finalizers=("example.com/in-use",)), inventory(DATA, OURS, mapped(OURS, DATA))
        ),
        Reason.WAITING_FOR_FINALIZERS,
        ("example.com/in-use",),
    ),
    Case(
        "nothing is unmapped while another live attachment has the same volume and host",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("successor", "node", **HELD),
        ),
        Release,
        ("storage/successor", "stays mapped"),
    ),
    Case(
        "an attachment is released only when the successor that keeps the mapping has the operator's finalizer",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("successor", "node", status=bound(OURS, DATA)),
        ),
        Reason.HANDING_OVER,
        ("storage/successor", "stays mapped"),
    ),
    Case(
        "an attachment is released only when the status of its successor records what is to be unmapped",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("successor", "node", meta=GUARDED),
        ),
        Reason.HANDING_OVER,
        ("storage/successor",),
    ),
    Case(
        "an attachment stays while a command may still be running on its host object, which was renamed since",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, RENAMED), NODE, in_doubt=frozenset({ADMINS.name})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "an attachment with policy Retain does not wait for its successor",
        decided(
            leaving(bound(OURS, DATA), deletion_policy="Retain"),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("successor", "node"),
        ),
        Release,
        ("storage/successor",),
    ),
    Case(
        "a successor that selects the volume by UID counts like one that selects it by name",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("successor", "node", DATA.uid, **HELD),
        ),
        Release,
        ("storage/successor",),
    ),
    Case(
        "a successor whose host resource is missing for now keeps the mapping nevertheless",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            host("other"),
            attachment("successor", "node", **HELD),
        ),
        Release,
        ("storage/successor",),
    ),
    Case(
        "nothing is unmapped while the host object now belongs to another FlashSystemHost",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, ADMINS, mapped(ADMINS, DATA)),
            host("node", "new-card"),
            host("replacement", "node"),
            attachment("successor", "replacement", status=bound(ADMINS, DATA)),
        ),
        Release,
        ("storage/successor",),
    ),
    Case(
        "an attachment of the same volume to another host is no successor",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            host("b"),
            attachment("other", "b", access="Shared"),
        ),
        unmap(OURS.name),
    ),
    Case(
        "of two attachments of one pair that are both deleted, one unmaps",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("twin", "node", status=bound(OURS, DATA), meta={"deleting": True}),
        ),
        unmap(OURS.name),
    ),
    # -- whose mapping it is ----------------------------------------------------------------------------------------
    Case(
        "a mapping that the operator created on an administrator's host object is removed",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        unmap(ADMINS.name),
    ),
    Case(
        "an adopted mapping stays on the array, and the message reports it",
        decided(leaving(bound(ADMINS, DATA, origin="Adopted")), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("data", "admins", "deletionPolicy Delete"),
    ),
    Case(
        "without a recorded origin a mapping on an administrator's host object stays",
        decided(leaving(bound(ADMINS, DATA, origin=None)), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("was there before",),
    ),
    Case(
        "an adopted mapping is removed when the policy is Delete",
        decided(
            leaving(bound(ADMINS, DATA, origin="Adopted"), deletion_policy="Delete"),
            inventory(DATA, ADMINS, mapped(ADMINS, DATA)),
        ),
        unmap(ADMINS.name),
    ),
    Case(
        "a mapping that the operator created stays when the policy is Retain",
        decided(leaving(bound(OURS, DATA), deletion_policy="Retain"), inventory(DATA, OURS, mapped(OURS, DATA))),
        Release,
        ("Retain",),
    ),
    Case(
        "with a lost status the mapping on the operator's own host object is removed",
        decided(leaving(), inventory(DATA, OURS, mapped(OURS, DATA))),
        unmap(OURS.name),
    ),
    Case(
        "with a lost status nothing is unmapped from an administrator's host object",
        decided(leaving(), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("Volume data stays mapped to host admins at LUN 1", "no longer shows"),
    ),
    Case(
        "nor when the policy is Delete: the origin of the mapping is unknown, and the message reports that it stays",
        decided(leaving(deletion_policy="Delete"), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("Volume data stays mapped", "Unmap it on the array"),
    ),
    Case(
        "with a lost status and no mapping on an administrator's host object nothing is reported",
        decided(leaving(deletion_policy="Delete"), inventory(DATA, ADMINS)),
        Release(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_detach(case: Case) -> None:
    hold(case)
