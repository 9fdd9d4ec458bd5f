"""Which host object belongs to a FlashSystemHost, and how it is changed. Host objects of others are never changed."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import AddPorts, RemoveHost, RemovePort
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release
from flashsystem_operator.planner.host.host_plan import plan
from flashsystem_operator.values import host_object_name
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
    resource: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(resource, desired(resource, *others, **more), seen)


def node(*iqns: str, recorded: tuple[str, ...] = (), **more: Any) -> FlashSystemHost:
    """recorded: initiators that its status records as added by the operator."""
    return host(
        "node", *iqns, status={"ownership": "Created", "ports": [{"iqn": iqn(name)} for name in recorded]}, **more
    )


def gone(*others: FlashSystemHost | VolumeAttachment, seen: Inventory, **more: Any) -> Decision:
    return decided(node(meta={"deleting": True}), seen, *others, **more)


CASES = [
    Case("a host without volumes needs no host object", decided(node(), inventory()), Reason.NOT_NEEDED),
    Case("the operator's host object matches the spec", decided(node(), inventory(OURS), WANTED), Reason.READY, (OWN,)),
    # -- adoption ---------------------------------------------------------------------------------------------------
    Case(
        "an administrator's host object is used unchanged, whatever its name",
        decided(node(), inventory(host_object("My Host", "node")), WANTED),
        Reason.READY,
        ("My Host", "used unchanged"),
    ),
    Case(
        "an administrator's host object is not removed when no attachment uses it",
        decided(node(), inventory(host_object("admins", "node"))),
        Reason.READY,
    ),
    Case(
        "no ports are added to an administrator's host object",
        decided(node("node", "second"), inventory(host_object("admins", "node")), WANTED),
        Reason.MISSING_INITIATORS,
        (iqn("second"), "admins"),
    ),
    Case(
        "a host object with initiators of another machine is not adopted",
        decided(node(), inventory(host_object("admins", "node", "stranger")), WANTED),
        Reason.EXTRA_INITIATORS,
        (iqn("stranger"),),
    ),
    Case(
        "a Fibre Channel port counts as an extra initiator",
        decided(node(), inventory(host_object("admins", "node", wwpn())), WANTED),
        Reason.EXTRA_INITIATORS,
        ("2100000E1E30E597",),
    ),
    Case(
        "a host object that another installation created is never adopted, and the message names the remedy",
        decided(node(), inventory(FOREIGN), WANTED),
        Reason.INITIATOR_HELD_BY,
        (FOREIGN.name, "another installation", "--former-installation-ids"),
    ),
    Case(
        "initiators on several host objects are a conflict",
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
        "a host object of a resource that no longer exists gets a message with the remedy",
        decided(node(), inventory(host_object(own_name("other"), "node"))),
        Reason.INITIATOR_HELD_BY,
        (own_name("other"), "no longer exists", "remove it on the array"),
    ),
    Case(
        "of two resources that claim one initiator the older one has it",
        decided(TWINS[1], inventory(), TWINS[0]),
        Reason.INITIATOR_CLAIMED,
        (iqn("shared"), "storage/elder"),
    ),
    Case("the older one is not affected", decided(TWINS[0], inventory(), TWINS[1]), Reason.NOT_NEEDED),
    Case(
        "the resource whose host object on the array has the initiator has it, older or not",
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
        decided(node("new", recorded=("node",)), inventory(host_object(OWN, "node"), DATA, mapped(OURS, DATA)), WANTED),
        Act((AddPorts(OWN, (iqn("new"),)), RemovePort(OWN, iqn("node")))),
    ),
    Case(
        "a port that is still logged in is not removed",
        decided(
            node("node", recorded=("node", "old")), inventory(host_object(OWN, "node", port("old", logins=1))), WANTED
        ),
        Reason.PORT_LOGGED_IN,
        (iqn("old"), "when it has logged out"),
    ),
    Case(
        "a port that the operator did not add is not removed",
        decided(node(recorded=("node",)), inventory(host_object(OWN, "node", "by-hand")), WANTED),
        Reason.READY,
    ),
    Case(
        "the operator's host object is found by its initiators under another name, and is then used unchanged",
        decided(node(), inventory(host_object("renamed", "node")), WANTED),
        Reason.READY,
        ("renamed",),
    ),
    Case(
        "an initiator in capitals is the same initiator",
        decided(host("node", "NODE"), inventory(OURS), WANTED),
        Reason.READY,
    ),
    # -- a reinstalled machine --------------------------------------------------------------------------------------
    Case(
        "the ports of a reinstalled machine are replaced while nothing is mapped",
        decided(node("new"), inventory(host_object(OWN, "old")), WANTED),
        Act((AddPorts(OWN, (iqn("new"),)), RemovePort(OWN, iqn("old")))),
    ),
    Case(
        "the old ports are removed even with mapped volumes if this same resource listed them",
        decided(node("new", recorded=("old",)), inventory(host_object(OWN, "old"), DATA, mapped(OURS, DATA)), WANTED),
        Act((AddPorts(OWN, (iqn("new"),)), RemovePort(OWN, iqn("old")))),
    ),
    Case(
        "a host object with our name that another machine uses by now is left unchanged",
        decided(node("new"), inventory(host_object(OWN, "stranger"), DATA, mapped(OURS, DATA)), WANTED),
        Reason.HOST_HOLDS_OTHER_MAPPINGS,
        (OWN, iqn("stranger")),
    ),
    # -- removal ----------------------------------------------------------------------------------------------------
    Case(
        "an empty host object of the operator is removed after the last volume",
        decided(node(), inventory(OURS)),
        Act((RemoveHost(OWN),)),
    ),
    Case(
        "it stays while an attachment needs it",
        decided(node(), inventory(OURS), WANTED),
        Reason.READY,
    ),
    Case(
        "it stays while any volume is mapped to it, whatever created the mapping",
        decided(node(), inventory(OURS, DATA, mapped(OURS, DATA))),
        Reason.READY,
    ),
    Case(
        "it stays while volumes are mapped through its host cluster",
        decided(node(), inventory(OURS, DATA, mapped(OURS, DATA, cluster="c"))),
        Reason.READY,
    ),
    Case(
        "it stays while it is a member of a host cluster",
        decided(node(), inventory(host_object(OWN, "node", cluster="c"))),
        Reason.READY,
    ),
    Case(
        "it is not changed while a command may still be running",
        decided(node(), inventory(OURS), in_doubt=frozenset({OWN})),
        Reason.OUTCOME_UNKNOWN,
    ),
    # -- being deleted ----------------------------------------------------------------------------------------------
    Case(
        "a deleted host waits for its attachments, and the message names them",
        gone(WANTED, seen=inventory(OURS)),
        Reason.IN_USE,
        ("1 VolumeAttachment", "a"),
    ),
    Case(
        "it also waits for attachments that are being deleted",
        gone(attachment("b", "node", meta={"deleting": True}), seen=inventory(OURS)),
        Reason.IN_USE,
    ),
    Case("without attachments its empty host object is removed", gone(seen=inventory(OURS)), Act((RemoveHost(OWN),))),
    Case("a host object that is already gone is success", gone(seen=inventory()), Release()),
    Case(
        "a host object with mappings of others stays, and the message reports it",
        gone(seen=inventory(OURS, DATA, mapped(OURS, DATA))),
        Release,
        (OWN, "1 volume of others"),
    ),
    Case(
        "a host object in a host cluster stays, and the message reports it",
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
        "no finalizer is removed while mkhost may still be running",
        gone(seen=inventory(), in_doubt=frozenset({OWN})),
        Reason.OUTCOME_UNKNOWN,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_host(case: Case) -> None:
    hold(case)


def test_the_ports_of_a_host_object_that_was_adopted_earlier_are_not_removed() -> None:
    remembered = {"ownership": "Adopted", "ports": [{"iqn": iqn("node")}, {"iqn": iqn("second")}]}
    resource = host("node", status=remembered)

    decision = decided(resource, inventory(host_object(OWN, "node", "second"), DATA, mapped(OURS, DATA)), WANTED)

    hold(Case("", decision, Reason.READY))


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(host_object_name("another-cluster", "storage", "node", "node"), id="another installation's"),
        pytest.param(host_object_name(INSTALLATION, "elsewhere", "node", "node"), id="another namespace's"),
        pytest.param(own_name("node") + "x", id="one whose name only starts like ours"),
        pytest.param("node", id="an administrator's of the plain name"),
    ],
)
def test_an_empty_host_object_that_this_resource_did_not_create_is_never_removed(stranger: str) -> None:
    for resource in (node(), node(meta={"deleting": True})):
        decision = decided(resource, inventory(host_object(stranger, "node")))

        assert not isinstance(decision, Act)
