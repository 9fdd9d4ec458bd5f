"""Which host object belongs to a FlashSystemHost, and what is done to it. What is not ours is never changed."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import AddPorts, RemoveHost, RemovePort
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.planner.names import host_object_name
from support.builders import (
    INSTALLATION,
    array,
    attachment,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    port,
    volume,
    wwpn,
)
from support.decision_table import Case, hold, sentence

DATA = volume("data", 1)
OWN = own_name("node")
OURS = host_object(OWN, "node")
WANTED = attachment("a", "node")
TWINS = host("elder", "shared"), host("younger", "shared")
FOREIGN = host_object(host_object_name("another-cluster", "storage", "node", "node"), "node", "stranger")


def decided(
    wished: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(wished, desired(wished, *others, **more), seen)


def node(*iqns: str, put: tuple[str, ...] = (), **more: Any) -> FlashSystemHost:
    """put: initiators that its status remembers as put by us."""
    return host("node", *iqns, status={"ownership": "Created", "ports": [{"iqn": iqn(word)} for word in put]}, **more)


def gone(*others: FlashSystemHost | VolumeAttachment, seen: Inventory, **more: Any) -> Decision:
    return decided(node(meta={"deleting": True}), seen, *others, **more)


CASES = [
    Case("a host without volumes needs no host object", decided(node(), inventory()), Reason.NOT_NEEDED),
    Case("a host object of ours is as wished", decided(node(), inventory(OURS), WANTED), Reason.READY, (OWN,)),
    # -- adopting ---------------------------------------------------------------------------------------------------
    Case(
        "an administrator's host object is used as it is, whatever its name",
        decided(node(), inventory(host_object("My Host", "node")), WANTED),
        Reason.READY,
        ("My Host", "used unchanged"),
    ),
    Case(
        "an administrator's host object is not removed when nothing needs it",
        decided(node(), inventory(host_object("admins", "node"))),
        Reason.READY,
    ),
    Case(
        "an administrator's host object is not given ports",
        decided(node("node", "second"), inventory(host_object("admins", "node")), WANTED),
        Reason.MISSING_INITIATORS,
        (iqn("second"), "admins"),
    ),
    Case(
        "a host object that others log in with too is not adopted",
        decided(node(), inventory(host_object("admins", "node", "stranger")), WANTED),
        Reason.EXTRA_INITIATORS,
        (iqn("stranger"),),
    ),
    Case(
        "a Fibre Channel port is a further initiator too",
        decided(node(), inventory(host_object("admins", "node", wwpn())), WANTED),
        Reason.EXTRA_INITIATORS,
        ("2100000E1E30E597",),
    ),
    Case(
        "a host object that another installation made is never adopted, and the way out is told",
        decided(node(), inventory(FOREIGN), WANTED),
        Reason.INITIATOR_HELD_BY,
        (FOREIGN.name, "another installation", "--former-installation-ids"),
    ),
    Case(
        "initiators that are spread over host objects are a conflict",
        decided(node("one", "two"), inventory(host_object("a", "one"), host_object("b", "two"))),
        Reason.CONFLICT,
        ("a and b",),
    ),
    # -- of another resource ----------------------------------------------------------------------------------------
    Case(
        "another resource's host object is waited for, never adopted",
        decided(node(), inventory(host_object(own_name("other"), "node")), host("other", "moved")),
        Reason.INITIATOR_HELD_BY,
        ("storage/other",),
    ),
    Case(
        "a host object of a resource that is there no more tells the way out",
        decided(node(), inventory(host_object(own_name("other"), "node"))),
        Reason.INITIATOR_HELD_BY,
        (own_name("other"), "no longer exists", "remove it on the array"),
    ),
    Case(
        "of two that claim one initiator the elder has it",
        decided(TWINS[1], inventory(), TWINS[0]),
        Reason.INITIATOR_CLAIMED,
        (iqn("shared"), "storage/elder"),
    ),
    Case("the elder is not bothered", decided(TWINS[0], inventory(), TWINS[1]), Reason.NOT_NEEDED),
    Case(
        "the one that is proven on the array has it, elder or not",
        decided(TWINS[0], inventory(host_object(own_name("younger"), "shared")), TWINS[1]),
        Reason.INITIATOR_CLAIMED,
        ("storage/younger",),
    ),
    Case(
        "a claim from a namespace that may not use the array does not count",
        decided(
            host("younger", "shared"),
            inventory(),
            host("elder", "shared", meta={"namespace": "elsewhere", "creation_timestamp": "2020-01-01T00:00:00Z"}),
        ),
        Reason.NOT_NEEDED,
    ),
    Case(
        "an array serves its own namespace only",
        decided(node(), inventory(), of=array(meta={"namespace": "elsewhere"})),
        Reason.ARRAY_NOT_ALLOWED,
    ),
    # -- ports ------------------------------------------------------------------------------------------------------
    Case(
        "ports are added first and removed last",
        decided(node("new", put=("node",)), inventory(host_object(OWN, "node"), DATA, mapped(OURS, DATA)), WANTED),
        Act((AddPorts(OWN, (iqn("new"),)), RemovePort(OWN, iqn("node")))),
    ),
    Case(
        "a port that is still logged in is not pulled",
        decided(node("node", put=("node", "old")), inventory(host_object(OWN, "node", port("old", logins=1))), WANTED),
        Reason.PORT_LOGGED_IN,
        (iqn("old"), "when it has logged out"),
    ),
    Case(
        "a port that we never put is not stripped",
        decided(node(put=("node",)), inventory(host_object(OWN, "node", "by-hand")), WANTED),
        Reason.READY,
    ),
    Case(
        "a host object of ours is found by its initiators under another name, and is then used as it is",
        decided(node(), inventory(host_object("renamed", "node")), WANTED),
        Reason.READY,
        ("renamed",),
    ),
    Case(
        "an initiator in capitals is the same initiator",
        decided(host("node", "NODE"), inventory(OURS), WANTED),
        Reason.READY,
    ),
    # -- a machine installed anew -----------------------------------------------------------------------------------
    Case(
        "a machine that was installed anew gets its ports replaced while nothing is mapped",
        decided(node("new"), inventory(host_object(OWN, "old")), WANTED),
        Act((AddPorts(OWN, (iqn("new"),)), RemovePort(OWN, iqn("old")))),
    ),
    Case(
        "the old ports go although volumes are mapped if this very resource listed them",
        decided(node("new", put=("old",)), inventory(host_object(OWN, "old"), DATA, mapped(OURS, DATA)), WANTED),
        Act((AddPorts(OWN, (iqn("new"),)), RemovePort(OWN, iqn("old")))),
    ),
    Case(
        "a host object of our name that serves somebody else by now is left alone",
        decided(node("new"), inventory(host_object(OWN, "stranger"), DATA, mapped(OURS, DATA)), WANTED),
        Reason.HOST_HOLDS_OTHER_MAPPINGS,
        (OWN, iqn("stranger")),
    ),
    # -- removing ---------------------------------------------------------------------------------------------------
    Case(
        "an empty host object of ours goes with the last volume",
        decided(node(), inventory(OURS)),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "it stays while an attachment wants it",
        decided(node(), inventory(OURS), WANTED),
        Reason.READY,
    ),
    Case(
        "it stays while anything is mapped to it, by whomever",
        decided(node(), inventory(OURS, DATA, mapped(OURS, DATA))),
        Reason.READY,
    ),
    Case(
        "it stays while volumes come through its host cluster",
        decided(node(), inventory(OURS, DATA, mapped(OURS, DATA, cluster="c"))),
        Reason.READY,
    ),
    Case(
        "it stays while it is a member of a host cluster",
        decided(node(), inventory(host_object(OWN, "node", cluster="c"))),
        Reason.READY,
    ),
    Case(
        "nothing is done to it while a command may still be running",
        decided(node(), inventory(OURS), in_doubt=frozenset({OWN})),
        Reason.OUTCOME_UNKNOWN,
    ),
    # -- being deleted ----------------------------------------------------------------------------------------------
    Case(
        "a host waits for its attachments, and names them",
        gone(WANTED, seen=inventory(OURS)),
        Reason.IN_USE,
        ("1 VolumeAttachment", "a"),
    ),
    Case(
        "even for those that are being deleted",
        gone(attachment("b", "node", meta={"deleting": True}), seen=inventory(OURS)),
        Reason.IN_USE,
    ),
    Case("then its empty host object goes", gone(seen=inventory(OURS)), Act((RemoveHost(OWN),))),
    Case("a host object that is gone already is success", gone(seen=inventory()), Release()),
    Case(
        "one with mappings of others stays, and it is said",
        gone(seen=inventory(OURS, DATA, mapped(OURS, DATA))),
        Release,
        (OWN, "1 volume of others"),
    ),
    Case(
        "one in a host cluster stays, and it is said",
        gone(seen=inventory(host_object(OWN, "node", cluster="c-1"))),
        Release,
        (OWN, "c-1"),
    ),
    Case(
        "an administrator's host object stays, though empty",
        gone(seen=inventory(host_object("admins", "node"))),
        Release(),
    ),
    Case(
        "another resource's host object stays, though empty and with our initiators",
        gone(seen=inventory(host_object(own_name("other"), "node"))),
        Release(),
    ),
    Case(
        "no finalizer leaves while mkhost may still be running",
        gone(seen=inventory(), in_doubt=frozenset({OWN})),
        Reason.OUTCOME_UNKNOWN,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_host(case: Case) -> None:
    hold(case)


def test_the_ports_of_a_host_object_that_was_adopted_once_are_not_ours_to_remove() -> None:
    remembered = {"ownership": "Adopted", "ports": [{"iqn": iqn("node")}, {"iqn": iqn("second")}]}
    wished = host("node", status=remembered)

    decision = decided(wished, inventory(host_object(OWN, "node", "second"), DATA, mapped(OURS, DATA)), WANTED)

    hold(Case("", decision, Reason.READY))


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(host_object_name("another-cluster", "storage", "node", "node"), id="another installation's"),
        pytest.param(host_object_name(INSTALLATION, "elsewhere", "node", "node"), id="another namespace's"),
        pytest.param(own_name("node") + "x", id="one whose name only begins like ours"),
        pytest.param("node", id="an administrator's of the plain name"),
    ],
)
def test_an_empty_host_object_that_this_resource_did_not_make_is_never_removed(stranger: str) -> None:
    for wished in (node(), node(meta={"deleting": True})):
        decision = decided(wished, inventory(host_object(stranger, "node")))

        assert not isinstance(decision, Act)
