"""What is taken away when an attachment is deleted, and what is not. A wrong unmap is an outage."""

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
"""What an attachment has that answers for its mapping."""

CASES = [
    Case(
        "what we mapped is unmapped",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA))),
        unmap(OURS.name),
    ),
    Case(
        "detaching leaves other hosts and other volumes alone",
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
        "a mapping that is gone already is success",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS)),
        Release(),
    ),
    Case(
        "a host object that is gone already is success", decided(leaving(bound(OURS, DATA)), inventory(DATA)), Release()
    ),
    Case("a volume that is gone already is success", decided(leaving(bound(OURS, DATA)), inventory(OURS)), Release()),
    Case(
        "an attachment that never had a volume is let go",
        decided(leaving(), inventory(OURS)),
        Release(),
    ),
    Case(
        "the volume is unmapped under the name that it has now",
        decided(leaving(bound(OURS, DATA)), inventory(volume("renamed", 1), OURS, mapped(OURS, volume("renamed", 1)))),
        unmap(OURS.name, volume("renamed", 1)),
    ),
    Case(
        "another volume under the old name is not touched",
        decided(leaving(bound(OURS, volume("data", 9))), inventory(DATA, OURS, mapped(OURS, DATA))),
        Release(),
    ),
    Case(
        "a UID of the spec, which nobody can change, is believed rather than one of the status",
        decided(
            leaving(bound(OURS, LOGS), volume=DATA.uid),
            inventory(DATA, LOGS, OURS, mapped(OURS, DATA), mapped(OURS, LOGS, 2)),
        ),
        unmap(OURS.name),
    ),
    Case(
        "another volume that got the old one's LUN is not touched",
        decided(leaving(bound(OURS, DATA, lun=1)), inventory(DATA, LOGS, OURS, mapped(OURS, LOGS, 1))),
        Release(),
    ),
    Case(
        "a mapping that comes through a host cluster is never ours to remove, and it is said that it stays",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA, cluster="cluster-1"))),
        Release,
        ("Volume data stays mapped", "host cluster cluster-1"),
    ),
    Case(
        "of two ways to a volume only the host's own is taken away",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA, cluster="cluster-1"), mapped(OURS, DATA, 2)),
        ),
        unmap(OURS.name),
    ),
    # -- other finalizers, other attachments ------------------------------------------------------------------------
    Case(
        "nothing is unmapped while a consumer says that it is still in use",
        decided(
            leaving(bound(OURS, DATA), finalizers=("example.com/in-use",)), inventory(DATA, OURS, mapped(OURS, DATA))
        ),
        Reason.WAITING_FOR_FINALIZERS,
        ("example.com/in-use",),
    ),
    Case(
        "nothing is unmapped while another live attachment is of the same pair",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("heir", "node", **HELD),
        ),
        Release,
        ("storage/heir", "stays mapped"),
    ),
    Case(
        "an attachment goes only when the heir that keeps the mapping is held by our finalizer",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("heir", "node", status=bound(OURS, DATA)),
        ),
        Reason.HANDING_OVER,
        ("storage/heir", "stays mapped"),
    ),
    Case(
        "an attachment goes only when what its heir will unmap is recorded",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("heir", "node", meta=GUARDED),
        ),
        Reason.HANDING_OVER,
        ("storage/heir",),
    ),
    Case(
        "an attachment stays while a command may still run on its host object that was renamed since",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, RENAMED), NODE, in_doubt=frozenset({ADMINS.name})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "what was to stay mapped in any case waits for no heir",
        decided(
            leaving(bound(OURS, DATA), deletion_policy="Retain"),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("heir", "node"),
        ),
        Release,
        ("storage/heir",),
    ),
    Case(
        "an heir by UID counts like one by name",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            attachment("heir", "node", DATA.uid, **HELD),
        ),
        Release,
        ("storage/heir",),
    ),
    Case(
        "an heir whose host resource is gone for now keeps the mapping all the same",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            host("other"),
            attachment("heir", "node", **HELD),
        ),
        Release,
        ("storage/heir",),
    ),
    Case(
        "nothing is unmapped from under another FlashSystemHost that the host object turned out to be",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, ADMINS, mapped(ADMINS, DATA)),
            host("node", "new-card"),
            host("successor", "node"),
            attachment("heir", "successor", status=bound(ADMINS, DATA)),
        ),
        Release,
        ("storage/heir",),
    ),
    Case(
        "an attachment of the same volume to another host is no heir",
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
        "of two attachments of one pair that both go, one does it",
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
        "what we mapped to an administrator's host object is unmapped",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        unmap(ADMINS.name),
    ),
    Case(
        "what was taken over stays on the array, and it is said",
        decided(leaving(bound(ADMINS, DATA, origin="Adopted")), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("data", "admins", "deletionPolicy Delete"),
    ),
    Case(
        "a lost record errs on the safe side on an administrator's host object",
        decided(leaving(bound(ADMINS, DATA, origin=None)), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("was there before",),
    ),
    Case(
        "what was taken over goes when the spec says Delete",
        decided(
            leaving(bound(ADMINS, DATA, origin="Adopted"), deletion_policy="Delete"),
            inventory(DATA, ADMINS, mapped(ADMINS, DATA)),
        ),
        unmap(ADMINS.name),
    ),
    Case(
        "what we mapped stays when the spec says Retain",
        decided(leaving(bound(OURS, DATA), deletion_policy="Retain"), inventory(DATA, OURS, mapped(OURS, DATA))),
        Release,
        ("Retain",),
    ),
    Case(
        "with a lost status only what is on our own host object can be meant",
        decided(leaving(), inventory(DATA, OURS, mapped(OURS, DATA))),
        unmap(OURS.name),
    ),
    Case(
        "with a lost status nothing is taken from an administrator's host object",
        decided(leaving(), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("Volume data stays mapped to host admins at LUN 1", "no longer shows"),
    ),
    Case(
        "nor when the spec says Delete: who mapped it is not known any more, and it is said that it stays",
        decided(leaving(deletion_policy="Delete"), inventory(DATA, ADMINS, mapped(ADMINS, DATA))),
        Release,
        ("Volume data stays mapped", "Unmap it on the array"),
    ),
    Case(
        "with a lost status and nothing on an administrator's host object there is nothing to say",
        decided(leaving(deletion_policy="Delete"), inventory(DATA, ADMINS)),
        Release(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_detach(case: Case) -> None:
    hold(case)
