"""From which host object a volume is unmapped after objects were renamed, and when the unmap has to wait."""

import pytest

from flashsystem_operator.planner.decision import Reason, Release
from flashsystem_operator.values import HostName
from support.builders import (
    bound,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
)
from support.decision_table import Case, hold, sentence
from support.detach_fixtures import ADMINS, DATA, MERGED, NODE, OURS, RENAMED, STRANGERS, decided, leaving, unmap

FORMER = {"name": "array", "system_id": "FEDC0000BEEF0000"}

CASES = [
    # -- which system it is on ---------------------------------------------------------------------------------------
    Case(
        "a mapping on another system than the currently connected one is waited for",
        decided(leaving(bound(OURS, DATA, array=FORMER)), inventory(DATA, OURS)),
        Reason.OTHER_SYSTEM,
        ("FEDC", "flashsystem.io/release"),
    ),
    Case(
        "a mapping with policy Retain on another system is reported as not unmapped",
        decided(leaving(bound(OURS, DATA, array=FORMER), deletion_policy="Retain"), inventory(DATA, OURS)),
        Release,
        ("not unmapped on system FEDC",),
    ),
    # -- which host object it is ------------------------------------------------------------------------------------
    Case(
        "a host object that was renamed is found by its initiators",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, RENAMED, mapped(RENAMED, DATA))),
        unmap(RENAMED.name),
    ),
    Case(
        "another machine's host object with the old name is not touched, and the message reports what stays on it",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, STRANGERS, mapped(STRANGERS, DATA))),
        Release,
        ("data stays mapped", "no longer has any of the initiators"),
    ),
    Case(
        "nor is one from which an administrator removed all initiators, and the message reports it",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, host_object(ADMINS.name), mapped(ADMINS, DATA)),
        ),
        Release,
        ("data stays mapped", "no longer has any of the initiators"),
    ),
    Case(
        "nothing is reported when no mapping of the operator is left under the old name",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, STRANGERS)),
        Release(),
    ),
    Case(
        "it is reported even when the operator has a host object for the machine by now",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, host_object(ADMINS.name), OURS, mapped(ADMINS, DATA)),
        ),
        Release,
        ("data stays mapped to host", "no longer has any of the initiators"),
    ),
    Case(
        "but not where it was renamed and another machine has its former name",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, STRANGERS, RENAMED, mapped(STRANGERS, DATA)),
        ),
        Release(),
    ),
    Case(
        "nor where the mapping belongs to another FlashSystemHost",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, STRANGERS, OURS, mapped(STRANGERS, DATA)),
            NODE,
            host("stranger"),
        ),
        Release(),
    ),
    Case(
        "two host objects that swapped their names are distinguished",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, STRANGERS, RENAMED, mapped(STRANGERS, DATA), mapped(RENAMED, DATA)),
        ),
        unmap(RENAMED.name),
    ),
    Case(
        "nothing is unmapped from a host object that another machine shares by now",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, MERGED, mapped(MERGED, DATA))),
        Release,
        ("merged", iqn("stranger")),
    ),
    Case(
        "the operator's host object stays its own even when its initiators were moved to another one",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, host_object(OURS.name), ADMINS, mapped(OURS, DATA))),
        unmap(OURS.name),
    ),
    Case(
        "two host objects of the operator that swapped their names are distinguished",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(
                DATA,
                host_object(OURS.name, "b"),
                host_object(own_name("b"), "node"),
                mapped(host_object(OURS.name), DATA),
                mapped(host_object(own_name("b")), DATA),
            ),
            NODE,
            host("b", status={"name": own_name("b"), "ownership": "Created", "ports": [{"iqn": iqn("b")}]}),
        ),
        unmap(own_name("b")),
    ),
    Case(
        "a host object with our name that has the initiators of another resource is not touched",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, host_object(OURS.name, "b"), mapped(OURS, DATA)),
            NODE,
            host("b"),
        ),
        Release,
        ("data stays mapped", "another's"),
    ),
    Case(
        "a volume is still unmapped from the operator's host object after the machine was reinstalled",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, host_object(OURS.name, "reinstalled"), mapped(OURS, DATA)),
        ),
        unmap(OURS.name),
    ),
    Case(
        "detaching works with the status alone when the host resource is gone",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), host("other")),
        unmap(ADMINS.name),
    ),
    Case(
        "a mapping is not forgotten when the spec of its host changes",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), host("node", "new-card")),
        unmap(ADMINS.name),
    ),
    # -- in doubt ----------------------------------------------------------------------------------------------------
    Case(
        "no conflicting command is sent while a command may still be running",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            in_doubt=frozenset({OURS.name}),
        ),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "no finalizer is removed while a mapping may still be created",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS), NODE, in_doubt=frozenset({OURS.name})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "no finalizer is removed while the host object itself may still be created",
        decided(leaving(bound(OURS.name, DATA)), inventory(DATA), NODE, in_doubt=frozenset({OURS.name})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "no finalizer is removed while the previous holder of the Lease may still have commands running",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS), NODE, all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a lost reply on one host does not block another host",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            in_doubt=frozenset({HostName("b")}),
        ),
        unmap(OURS.name),
    ),
    Case(
        "detaching works while the host resource is being deleted",
        decided(
            leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA)), host("node", meta={"deleting": True})
        ),
        unmap(OURS.name),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_host_to_unmap_from(case: Case) -> None:
    hold(case)
