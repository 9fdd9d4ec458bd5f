"""Two clusters on one array leave each other's host objects unchanged, and a moved cluster recognizes its own."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import AddPorts, HostStep, MapVolume, RemoveHost, RemovePort, UnmapVolume
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.controller import observer
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.decision import Act, Decision, Reason, Release
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.values import Lun, host_object_name
from support.builders import (
    NAMESPACE,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    port,
    volume,
)
from support.decision_table import Case, hold, sentence

BEFORE = "the-cluster-before"
DATA = volume("data", 1)
KEPT = host_object(host_object_name(BEFORE, NAMESPACE, "node", "node"), "node")
THIRDS = host_object(host_object_name("a-third-cluster", NAMESPACE, "node", "node"), "node")
NEW = own_name("node")


def moved(*resources: FlashSystemHost | VolumeAttachment) -> Desired:
    return desired(*resources, former=(BEFORE, "one-before-that"))


def of_host(seen: Inventory, *others: VolumeAttachment, **more: Any) -> Decision:
    resource = host("node", **more)
    return host_plan.plan(resource, moved(resource, *others), seen)


def of_attachment(seen: Inventory, **more: Any) -> Decision:
    resource = attachment("a", "node", **more)
    return attach.plan(resource, moved(host("node"), resource), seen)


CASES = [
    Case(
        "a host object of a former installation id keeps its name",
        of_host(inventory(KEPT), attachment("a", "node")),
        Reason.READY,
        (KEPT.name,),
    ),
    Case(
        "volumes are mapped to it",
        of_attachment(inventory(DATA, KEPT)),
        Act((MapVolume(KEPT.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),)),
    ),
    Case(
        "initiators are added to it",
        of_host(inventory(KEPT), attachment("a", "node"), initiators={"iscsi": [iqn("node"), iqn("second")]}),
        Act((AddPorts(KEPT.name, (iqn("second"),)),)),
    ),
    Case(
        "a volume that is mapped to it is detached",
        of_attachment(
            inventory(DATA, KEPT, mapped(KEPT, DATA)), meta={"deleting": True}, status=bound(KEPT, DATA, origin=None)
        ),
        Act((UnmapVolume(KEPT.name, DATA.name, DATA.uid),)),
    ),
    Case("it is removed when it is empty", of_host(inventory(KEPT)), Act((RemoveHost(KEPT.name),))),
    Case(
        "it is removed with its resource too",
        of_host(inventory(KEPT), meta={"deleting": True}),
        Act((RemoveHost(KEPT.name),)),
    ),
    Case(
        "the same machine, reinstalled, is found by the former name",
        of_host(
            inventory(host_object(KEPT.name, "old")),
            attachment("a", "node"),
            status={"ownership": "Created", "ports": [{"iqn": iqn("old")}]},
        ),
        Act((AddPorts(KEPT.name, (iqn("node"),)), RemovePort(KEPT.name, iqn("old")))),
    ),
    Case("without a host object none is needed", of_host(inventory()), Reason.NOT_NEEDED),
    Case(
        "the host object of another FlashSystemHost is waited for as before",
        of_host(inventory(host_object(host_object_name(BEFORE, NAMESPACE, "other", "other"), port("node")))),
        Reason.INITIATOR_HELD_BY,
        ("no longer exists",),
    ),
    Case(
        "an id that is not a former one proves no ownership, and the message names the remedy",
        of_host(inventory(host_object(host_object_name("a-third-cluster", NAMESPACE, "node", "node"), port("node")))),
        Reason.INITIATOR_HELD_BY,
        ("another installation", "--former-installation-ids"),
    ),
    Case(
        "a volume is not unmapped from a host object of another installation to which the machine belongs by now",
        of_attachment(
            inventory(DATA, THIRDS, mapped(THIRDS, DATA)),
            meta={"deleting": True},
            status=bound(host_object(NEW, "node"), DATA),
        ),
        Release(
            f"Volume data stays mapped to host {THIRDS.name} at LUN 1: the machine now belongs to another installation "
            "of this operator.",
            on=(THIRDS.name,),
        ),
    ),
    Case(
        "a copy of a cluster unmaps nothing from the original's host objects, and the message names the remedy",
        of_attachment(
            inventory(DATA, THIRDS, mapped(THIRDS, DATA)), meta={"deleting": True}, status=bound(THIRDS, DATA)
        ),
        Reason.INITIATOR_HELD_BY,
        ("another installation", "--former-installation-ids", "flashsystem.io/release"),
    ),
    Case(
        "a copy's resource is released when nothing is mapped there any more",
        of_attachment(inventory(DATA, THIRDS), meta={"deleting": True}, status=bound(THIRDS, DATA)),
        Release(),
    ),
    Case(
        "another installation's empty host object is not removed",
        of_host(
            inventory(host_object(host_object_name("a-third-cluster", NAMESPACE, "node", "node"), "node")),
            meta={"deleting": True},
        ),
        Release(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_after_a_move_to_another_cluster(case: Case) -> None:
    hold(case)


def test_the_host_object_of_a_new_host_is_named_with_the_new_installation_id() -> None:
    resource = attachment("a", "node")
    state = moved(host("node"), resource)

    (decision,) = batch.plan(state, inventory(DATA), [resource.ref]).values()

    assert isinstance(decision, Act)
    assert {step.host for step in decision.steps if isinstance(step, HostStep)} == {NEW}


def test_all_possible_names_of_a_deleted_host_are_looked_up_on_the_array() -> None:
    leaving = host("node", meta={"deleting": True})
    due: list[ObjectRef] = [leaving.ref]

    assert observer.doubtful_focus(moved(leaving), inventory(), due).hosts == {*moved().names_of(leaving)}
