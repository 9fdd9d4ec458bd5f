"""From which host object a volume is taken, however an administrator renamed things, and when it has to wait."""

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
    # -- which system it is ------------------------------------------------------------------------------------------
    Case(
        "a mapping on another system than the one that answers now is waited for",
        decided(leaving(bound(OURS, DATA, array=FORMER)), inventory(DATA, OURS)),
        Reason.OTHER_SYSTEM,
        ("FEDC", "flashsystem.io/release"),
    ),
    Case(
        "one that is to stay there is not said to be gone",
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
        "another machine's host object under the old name is not touched, and it is said what stays on it",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, STRANGERS, mapped(STRANGERS, DATA))),
        Release,
        ("data stays mapped", "no longer has any of the initiators"),
    ),
    Case(
        "nor is one of which an administrator took all initiators, and that is not silent",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, host_object(ADMINS.name), mapped(ADMINS, DATA)),
        ),
        Release,
        ("data stays mapped", "no longer has any of the initiators"),
    ),
    Case(
        "when nothing of ours is left under the old name, there is nothing to say of it",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, STRANGERS)),
        Release(),
    ),
    Case(
        "it is said even when the machine has a host object of ours by now",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, host_object(ADMINS.name), OURS, mapped(ADMINS, DATA)),
        ),
        Release,
        ("data stays mapped to host", "no longer has any of the initiators"),
    ),
    Case(
        "but not where it was renamed, and its former name is another machine's",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, STRANGERS, RENAMED, mapped(STRANGERS, DATA)),
        ),
        Release(),
    ),
    Case(
        "nor where another FlashSystemHost keeps what is there",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, STRANGERS, OURS, mapped(STRANGERS, DATA)),
            NODE,
            host("stranger"),
        ),
        Release(),
    ),
    Case(
        "two host objects that swapped their names are told apart",
        decided(
            leaving(bound(ADMINS, DATA)),
            inventory(DATA, STRANGERS, RENAMED, mapped(STRANGERS, DATA), mapped(RENAMED, DATA)),
        ),
        unmap(RENAMED.name),
    ),
    Case(
        "nothing is taken from a host object that another machine shares by now",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, MERGED, mapped(MERGED, DATA))),
        Release,
        ("merged", iqn("stranger")),
    ),
    Case(
        "our host object is ours even when its initiators went to another one",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, host_object(OURS.name), ADMINS, mapped(OURS, DATA))),
        unmap(OURS.name),
    ),
    Case(
        "two host objects of ours that swapped their names are told apart",
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
        "a host object of our name that bears another resource's initiators is not touched",
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
        "a host object of ours whose machine was installed anew is still left",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, host_object(OURS.name, "reinstalled"), mapped(OURS, DATA)),
        ),
        unmap(OURS.name),
    ),
    Case(
        "detaching works from the status alone when the host resource is gone",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), host("other")),
        unmap(ADMINS.name),
    ),
    Case(
        "a changed spec of the host does not make a mapping be forgotten",
        decided(leaving(bound(ADMINS, DATA)), inventory(DATA, ADMINS, mapped(ADMINS, DATA)), host("node", "new-card")),
        unmap(ADMINS.name),
    ),
    # -- unsettled ---------------------------------------------------------------------------------------------------
    Case(
        "nothing contrary is typed while a command may still be running",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            in_doubt=frozenset({OURS.name}),
        ),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "no finalizer leaves while a mapping may still come",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS), NODE, in_doubt=frozenset({OURS.name})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "no finalizer leaves while the host object itself may still come",
        decided(leaving(bound(OURS.name, DATA)), inventory(DATA), NODE, in_doubt=frozenset({OURS.name})),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "no finalizer leaves while a former holder of the Lease may have commands under way",
        decided(leaving(bound(OURS, DATA)), inventory(DATA, OURS), NODE, all_in_doubt=True),
        Reason.OUTCOME_UNKNOWN,
    ),
    Case(
        "a lost answer on one host holds up no other",
        decided(
            leaving(bound(OURS, DATA)),
            inventory(DATA, OURS, mapped(OURS, DATA)),
            NODE,
            in_doubt=frozenset({HostName("b")}),
        ),
        unmap(OURS.name),
    ),
    Case(
        "detaching works while parents are being deleted",
        decided(
            leaving(bound(OURS, DATA)), inventory(DATA, OURS, mapped(OURS, DATA)), host("node", meta={"deleting": True})
        ),
        unmap(OURS.name),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_leaving(case: Case) -> None:
    hold(case)
