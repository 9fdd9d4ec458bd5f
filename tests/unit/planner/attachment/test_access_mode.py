"""Whether one more host may access a volume. A wrong yes destroys a file system."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner.attachment.attach import plan
from flashsystem_operator.planner.decision import Act, Decision, Reason
from flashsystem_operator.values import Lun
from support.builders import array, attachment, bound, desired, host, host_object, inventory, mapped, own_name, volume
from support.decision_table import Case, hold, sentence

DATA = volume("data", 1)
A, B = host_object(own_name("a"), "a"), host_object(own_name("b"), "b")
HOSTS = host("a"), host("b")
ON_A = bound(A, DATA)
STILL_USED = {"deleting": True, "finalizers": (FINALIZER, "example.com/in-use")}


def of_b(*others: FlashSystemHost | VolumeAttachment, seen: Inventory | None = None, **spec: Any) -> Decision:
    """Return the decision on an attachment of the volume to b while it is mapped to a."""
    new_attachment = attachment("to-b", "b", **spec)
    state = desired(new_attachment, *HOSTS, *others)
    return plan(new_attachment, state, seen or inventory(DATA, A, B, mapped(A, DATA)))


def to_a(**more: Any) -> VolumeAttachment:
    return attachment("to-a", "a", **{"status": ON_A, **more})


def in_clusters(*names: str, seen: Inventory | None = None) -> Inventory:
    """An inventory in which the volume is mapped to the host clusters of these names."""
    found = seen or inventory(DATA, A, B)
    found.host_clusters = {DATA.uid: frozenset(names)}
    return found


ALONGSIDE = Act((MapVolume(B.name, DATA.name, DATA.uid, Lun(1), alongside_others=True),))
ALONE = Act((MapVolume(B.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),))

CASES = [
    Case(
        "a volume that is mapped to another host is protected from a second writer",
        of_b(to_a()),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        (A.name, "spec.access to Shared on every attachment"),
    ),
    Case(
        "a mapping that no resource explains protects the volume too",
        of_b(),
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Case(
        "Shared next to an Exclusive attachment is refused, and the message names that attachment",
        of_b(to_a(), access="Shared"),
        Reason.VOLUME_IN_USE,
        ("to-a", "Shared there too"),
    ),
    Case("Shared next to Shared is mapped alongside", of_b(to_a(access="Shared"), access="Shared"), ALONGSIDE),
    Case(
        "Shared next to a mapping that is not managed by the operator is mapped alongside",
        of_b(access="Shared"),
        ALONGSIDE,
    ),
    Case(
        "even an Exclusive attachment that is still waiting blocks further hosts",
        of_b(
            to_a(access="Shared"),
            host("c"),
            attachment("to-c", "c", status=bound(own_name("c"), DATA)),
            access="Shared",
        ),
        Reason.VOLUME_IN_USE,
        ("to-c",),
    ),
    Case(
        "an array may forbid that a volume is mapped to two hosts",
        plan(
            new_attachment := attachment("to-b", "b", access="Shared"),
            desired(new_attachment, *HOSTS, of=array(multi_host_mapping="Forbidden")),
            inventory(DATA, A, B, mapped(A, DATA)),
        ),
        Reason.MULTI_HOST_MAPPING_FORBIDDEN,
        (A.name,),
    ),
    Case(
        "a volume that moves from one host to another is waited for",
        of_b(to_a(meta={"deleting": True})),
        Reason.VOLUME_IN_USE,
        ("to-a", "when that is done"),
    ),
    Case(
        "Shared is refused while an Exclusive attachment is being deleted but is still in use",
        of_b(to_a(meta=STILL_USED), access="Shared"),
        Reason.VOLUME_IN_USE,
        ("to-a", "not detached yet"),
    ),
    Case(
        "the same applies when the host object was renamed in the meantime",
        of_b(
            to_a(meta=STILL_USED, status=bound(host_object("admins", "a"), DATA)),
            seen=inventory(DATA, host_object("renamed", "a"), B, mapped(host_object("renamed", "a"), DATA)),
            access="Shared",
        ),
        Reason.VOLUME_IN_USE,
        ("to-a", "not detached yet"),
    ),
    Case(
        "a Shared attachment that is being deleted blocks no other attachment",
        of_b(to_a(meta=STILL_USED, access="Shared"), access="Shared"),
        ALONGSIDE,
    ),
    Case(
        "a volume that is no longer mapped to any host is free, and no force is used",
        of_b(seen=inventory(DATA, A, B)),
        ALONE,
    ),
    Case(
        "force is not used merely because other attachments are Shared",
        of_b(to_a(access="Shared"), seen=inventory(DATA, A, B), access="Shared"),
        ALONE,
    ),
    Case(
        "a mapping to another host through a host cluster counts as a mapping",
        of_b(seen=inventory(DATA, A, B, mapped(A, DATA, cluster="cluster-1"))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Case(
        "a mapping to a host cluster without members counts as a mapping, and the message names the remedy",
        of_b(seen=in_clusters("hc")),
        Reason.MAPPED_THROUGH_HOST_CLUSTER,
        ("host cluster hc, which has no hosts", "rmvolumehostclustermap"),
    ),
    Case(
        "a Shared volume is mapped in addition to a host cluster without members",
        of_b(seen=in_clusters("hc"), access="Shared"),
        ALONGSIDE,
    ),
    Case(
        "an array that forbids two hosts for one volume also forbids a host in addition to a host cluster",
        plan(
            next_to_cluster := attachment("to-b", "b", access="Shared"),
            desired(next_to_cluster, *HOSTS, of=array(multi_host_mapping="Forbidden")),
            in_clusters("hc"),
        ),
        Reason.MULTI_HOST_MAPPING_FORBIDDEN,
        ("host cluster hc",),
    ),
    Case(
        "a waiting Exclusive attachment also blocks a Shared one where the volume is mapped to a host cluster",
        of_b(
            host("c"),
            attachment("to-c", "c", status=bound(own_name("c"), DATA)),
            seen=in_clusters("hc"),
            access="Shared",
        ),
        Reason.VOLUME_IN_USE,
        ("to-c",),
    ),
    Case(
        "a host cluster with a member that has the volume counts through that member",
        of_b(seen=in_clusters("cluster-1", seen=inventory(DATA, A, B, mapped(A, DATA, cluster="cluster-1")))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        (A.name,),
    ),
    Case(
        "the name of a host cluster is not disclosed outside the array's namespace",
        plan(
            other_namespace := attachment("to-b", "b", meta={"namespace": "tenant"}),
            desired(
                other_namespace,
                host("b", meta={"namespace": "tenant"}),
                of=array(allowed_namespaces={"from": "All"}),
                namespaces={"tenant": {}},
            ),
            in_clusters("hc", seen=inventory(DATA)),
        ),
        Reason.MAPPED_THROUGH_HOST_CLUSTER,
        ("mapped to a host cluster, which",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=sentence)
def test_sharing(case: Case) -> None:
    hold(case)
