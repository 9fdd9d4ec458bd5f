"""May one more host see this volume? A wrong yes is a destroyed file system."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.array.commands import MapVolume
from flashsystem_operator.array.inventory import Inventory
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
    """What is decided about an attachment of the volume to b while it is mapped to a."""
    wished = attachment("to-b", "b", **spec)
    around = desired(wished, *HOSTS, *others)
    return plan(wished, around, seen or inventory(DATA, A, B, mapped(A, DATA)))


def to_a(**more: Any) -> VolumeAttachment:
    return attachment("to-a", "a", **{"status": ON_A, **more})


def in_clusters(*names: str, seen: Inventory | None = None) -> Inventory:
    """A view in which host clusters of these names have the volume."""
    found = seen or inventory(DATA, A, B)
    found.host_clusters = {DATA.uid: frozenset(names)}
    return found


ALONGSIDE = Act((MapVolume(B.name, DATA.name, DATA.uid, Lun(1), alongside_others=True),))
ALONE = Act((MapVolume(B.name, DATA.name, DATA.uid, Lun(1), alongside_others=False),))

CASES = [
    Case(
        "a volume in use elsewhere is protected from a second writer",
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
        "Shared beside an Exclusive attachment is refused, and names it",
        of_b(to_a(), access="Shared"),
        Reason.VOLUME_IN_USE,
        ("to-a", "Shared there too"),
    ),
    Case("Shared beside Shared is mapped alongside", of_b(to_a(access="Shared"), access="Shared"), ALONGSIDE),
    Case("Shared beside a mapping that is not ours is mapped alongside", of_b(access="Shared"), ALONGSIDE),
    Case(
        "even an Exclusive attachment that only waits keeps further hosts out",
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
        "an array may forbid that any volume has two hosts",
        plan(
            wished := attachment("to-b", "b", access="Shared"),
            desired(wished, *HOSTS, of=array(multi_host_mapping="Forbidden")),
            inventory(DATA, A, B, mapped(A, DATA)),
        ),
        Reason.MULTI_HOST_MAPPING_FORBIDDEN,
        (A.name,),
    ),
    Case(
        "a volume that is on its way from one host to the other is waited for",
        of_b(to_a(meta={"deleting": True})),
        Reason.VOLUME_IN_USE,
        ("to-a", "when that is done"),
    ),
    Case(
        "Shared does not come in while an Exclusive attachment is deleted but still in use",
        of_b(to_a(meta=STILL_USED), access="Shared"),
        Reason.VOLUME_IN_USE,
        ("to-a", "not detached yet"),
    ),
    Case(
        "the same when the host object was renamed meanwhile",
        of_b(
            to_a(meta=STILL_USED, status=bound(host_object("admins", "a"), DATA)),
            seen=inventory(DATA, host_object("renamed", "a"), B, mapped(host_object("renamed", "a"), DATA)),
            access="Shared",
        ),
        Reason.VOLUME_IN_USE,
        ("to-a", "not detached yet"),
    ),
    Case(
        "a Shared attachment that is being deleted keeps nobody out",
        of_b(to_a(meta=STILL_USED, access="Shared"), access="Shared"),
        ALONGSIDE,
    ),
    Case(
        "a volume that its last host has let go of is free, and no force is used",
        of_b(seen=inventory(DATA, A, B)),
        ALONE,
    ),
    Case(
        "force is not used just because others may share",
        of_b(to_a(access="Shared"), seen=inventory(DATA, A, B), access="Shared"),
        ALONE,
    ),
    Case(
        "a mapping to somebody else through a host cluster is a mapping",
        of_b(seen=inventory(DATA, A, B, mapped(A, DATA, cluster="cluster-1"))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
    ),
    Case(
        "a mapping to a host cluster without members is a mapping, and the way out is told",
        of_b(seen=in_clusters("hc")),
        Reason.MAPPED_THROUGH_HOST_CLUSTER,
        ("host cluster hc, which has no hosts", "rmvolumehostclustermap"),
    ),
    Case(
        "a Shared volume is mapped beside a host cluster without members",
        of_b(seen=in_clusters("hc"), access="Shared"),
        ALONGSIDE,
    ),
    Case(
        "an array that forbids that any volume has two hosts forbids one beside a host cluster",
        plan(
            beside := attachment("to-b", "b", access="Shared"),
            desired(beside, *HOSTS, of=array(multi_host_mapping="Forbidden")),
            in_clusters("hc"),
        ),
        Reason.MULTI_HOST_MAPPING_FORBIDDEN,
        ("host cluster hc",),
    ),
    Case(
        "an Exclusive attachment that waits keeps a Shared one out, too, where a host cluster has the volume",
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
        "a host cluster whose member has the volume counts by its member",
        of_b(seen=in_clusters("cluster-1", seen=inventory(DATA, A, B, mapped(A, DATA, cluster="cluster-1")))),
        Reason.VOLUME_MAPPED_ELSEWHERE,
        (A.name,),
    ),
    Case(
        "in another namespace than the array's the name of a host cluster is not told",
        plan(
            far := attachment("to-b", "b", meta={"namespace": "tenant"}),
            desired(
                far,
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
