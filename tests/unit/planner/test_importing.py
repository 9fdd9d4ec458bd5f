"""An import proposes resources for an array exactly as it is; objects that do not fit are named, never dropped."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import Kind, ObjectRef, Resource
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.model import Host, Mapping, Volume
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.dry_run import dry_run_to_the_end
from flashsystem_operator.planner.importing import Import, ImportRequest, propose
from flashsystem_operator.values import VolumeUid, host_object_name
from support.builders import (
    INSTALLATION,
    NAMESPACE,
    NODE,
    array,
    attachment,
    body,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    metadata,
    own_name,
    volume,
    wwpn,
)

DATA, LOGS = volume("data", 1), volume("logs", 2)
BOX, ESX = host_object("Old_Box.7", "a", "b"), host_object("esx", "c")


def imported(*facts: Host | Volume | Mapping, within: Desired | None = None, **request: Any) -> Import:
    return propose(within or desired(), inventory(*facts), ImportRequest(NAMESPACE, **request))


def proposed(found: Import, kind: Kind) -> dict[str, Any]:
    """Return the proposed specs of this kind by name."""
    return {each.ref.name: each.document["spec"] for each in found.proposals if each.ref.kind is kind}


def reasons(found: Import) -> dict[str, str]:
    return {each.what: each.why for each in found.left}


def applied(found: Import, before: Desired) -> Desired:
    """Return the desired state after the proposals were applied."""
    kinds: dict[Kind, type[Resource]] = {
        Kind.HOST: FlashSystemHost,
        Kind.VOLUME: FlashSystemVolume,
        Kind.ATTACHMENT: VolumeAttachment,
    }
    created = [
        kinds[each.ref.kind].read({**each.document, "metadata": metadata(each.ref.name)}) for each in found.proposals
    ]
    return replace(
        before,
        hosts={**before.hosts, **{each.ref: each for each in created if isinstance(each, FlashSystemHost)}},
        volumes={**before.volumes, **{each.ref: each for each in created if isinstance(each, FlashSystemVolume)}},
        attachments={
            **before.attachments,
            **{each.ref: each for each in created if isinstance(each, VolumeAttachment)},
        },
    )


def managed(name: str, namespace: str = NAMESPACE, **status: Any) -> dict[ObjectRef, FlashSystemVolume]:
    """A FlashSystemVolume that exists already, by its reference."""
    spec = {"arrayRef": {"name": "array", "namespace": NAMESPACE}, "size": "1Gi"}
    found = FlashSystemVolume.read(
        {"metadata": metadata(name, namespace=namespace), "spec": spec, "status": {"origin": "Created", **status}}
    )
    return {found.ref: found}


def test_an_administrators_host_is_proposed_with_its_initiators_its_volumes_and_its_mappings() -> None:
    found = imported(BOX, DATA, mapped(BOX, DATA, 7))

    (name, spec), *others = proposed(found, Kind.HOST).items()
    assert name == "old-box-7"
    assert spec["arrayRef"] == {"name": "array"}
    assert spec["initiators"] == {"iscsi": [iqn("a"), iqn("b")]}
    assert others == []
    assert proposed(found, Kind.VOLUME) == {
        "data": {"arrayRef": {"name": "array"}, "import": {"uid": DATA.uid}, "deletionPolicy": "Retain"}
    }
    assert proposed(found, Kind.ATTACHMENT) == {
        "data": {
            "hostRef": {"name": "old-box-7"},
            "volume": {"ref": {"name": "data"}},
            "lun": 7,
            "access": "Exclusive",
            "deletionPolicy": "Retain",
        }
    }
    assert found.left == []


def test_a_host_with_ports_other_than_iscsi_is_proposed_with_these_allowed() -> None:
    found = imported(host_object("mixed", "d", wwpn()), BOX)

    assert {name: spec["initiators"] for name, spec in proposed(found, Kind.HOST).items()} == {
        "mixed": {"iscsi": [iqn("d")], "otherPorts": "Allow"},
        "old-box-7": {"iscsi": [iqn("a"), iqn("b")]},
    }


def test_applying_the_proposals_sends_no_command() -> None:
    mixed = host_object("mixed", "d", wwpn())
    facts = BOX, ESX, mixed, DATA, LOGS
    observed = inventory(
        *facts, mapped(BOX, DATA, 0), mapped(BOX, LOGS, 3), mapped(ESX, LOGS, 9), mapped(mixed, LOGS, 4)
    )
    found = propose(desired(), observed, ImportRequest(NAMESPACE))

    results = dry_run_to_the_end(applied(found, desired()), observed)

    assert len(results) == 9
    assert [result for result in results if result.steps or result.blocked] == []


def test_a_volume_mapped_to_several_hosts_is_shared_on_each_and_named_after_volume_and_host() -> None:
    found = proposed(imported(BOX, ESX, DATA, mapped(BOX, DATA, 1), mapped(ESX, DATA, 2)), Kind.ATTACHMENT)

    assert {name: (spec["access"], spec["lun"]) for name, spec in found.items()} == {
        "data-old-box-7": ("Shared", 1),
        "data-esx": ("Shared", 2),
    }


def test_a_volume_is_shared_even_when_only_one_of_its_hosts_is_imported() -> None:
    found = imported(BOX, ESX, DATA, mapped(BOX, DATA, 1), mapped(ESX, DATA, 2), hosts=("esx",))

    assert [spec["access"] for spec in proposed(found, Kind.ATTACHMENT).values()] == ["Shared"]


@pytest.mark.parametrize(
    ("box", "why"),
    [
        (host_object("fc", wwpn()), "only iSCSI"),
        (host_object("bare"), "no initiator"),
        (host_object("many", *(f"n{number}" for number in range(17))), "at most 16"),
        (host_object("odd", "not a name"), "not written as iSCSI names are"),
    ],
    ids=lambda value: value.name if isinstance(value, Host) else "",
)
def test_a_host_that_no_resource_can_represent_is_reported_with_its_mappings(box: Host, why: str) -> None:
    found = imported(box, DATA, mapped(box, DATA))

    assert found.proposals == []
    ((what, reason),) = reasons(found).items()
    assert box.name in what
    assert "1 volume" in what
    assert why in reason


def test_a_mapping_that_no_attachment_can_represent_is_reported() -> None:
    member = host_object("member", "a", cluster="cluster-1")
    odd = replace(volume("odd", 4), uid=VolumeUid(DATA.uid[:30]))
    found = imported(
        member,
        DATA,
        LOGS,
        odd,
        mapped(member, DATA, 0, cluster="cluster-1"),
        mapped(member, LOGS, 1, 4),
        mapped(member, odd, 2),
    )

    assert proposed(found, Kind.HOST).keys() == {"member"}
    assert proposed(found, Kind.ATTACHMENT) == {}
    assert reasons(found)["volume data on host member at LUN 0"].startswith("it comes through host cluster cluster-1")
    assert "by I/O group" in reasons(found)["volume logs on host member at LUN 1, 4"]
    assert "UID" in reasons(found)["volume odd on host member at LUN 2"]


def test_a_mapping_that_the_operator_would_refuse_is_not_proposed_and_the_reason_is_given() -> None:
    facts = (BOX, ESX, DATA, mapped(BOX, DATA, 1), mapped(ESX, DATA, 1))
    forbidding = desired(of=array(multi_host_mapping="Forbidden"))

    found = imported(*facts, within=forbidding)

    assert proposed(found, Kind.HOST).keys() == {"old-box-7", "esx"}
    assert proposed(found, Kind.ATTACHMENT) == {}
    assert all("multiHostMapping Forbidden" in why for why in reasons(found).values())
    assert len(found.left) == 2

    without_portals = propose(desired(), inventory(*facts, of=body(portals=())), ImportRequest(NAMESPACE))
    assert all("no usable iSCSI portal" in why for why in reasons(without_portals).values())
    assert len(without_portals.left) == 2


def test_a_namespace_that_may_not_use_the_array_gets_no_proposal_and_the_reason() -> None:
    found = propose(desired(), inventory(BOX, DATA, mapped(BOX, DATA)), ImportRequest("elsewhere"))

    assert found.proposals == []
    assert {what.partition(" ")[0] for what in reasons(found)} == {"host", "volume"}
    assert all("namespace" in why for why in reasons(found).values())


def test_existing_resources_are_not_proposed_again() -> None:
    present = (host("box", "a", "b"), attachment("one", "box", DATA.uid))

    found = imported(
        BOX, ESX, DATA, LOGS, mapped(BOX, DATA, 1), mapped(BOX, LOGS, 2), within=desired(*present), taken=frozenset()
    )

    assert found.there == 2
    assert proposed(found, Kind.HOST).keys() == {"esx"}
    assert proposed(found, Kind.VOLUME).keys() == {"data", "logs"}
    assert [spec["hostRef"]["name"] for spec in proposed(found, Kind.ATTACHMENT).values()] == ["box"]
    all_there = desired(*present, *managed("data", uid=DATA.uid).values())
    assert imported(BOX, DATA, mapped(BOX, DATA, 1), within=all_there).proposals == []


def test_a_host_that_has_a_resource_in_another_namespace_is_not_claimed_twice() -> None:
    present = host("box", "a", "b", meta={"namespace": NAMESPACE})
    found = propose(desired(present), inventory(BOX, DATA, mapped(BOX, DATA)), ImportRequest("elsewhere"))

    assert found.proposals == []
    assert "of another namespace" in reasons(found)["volume data on host Old_Box.7 at LUN 1"]


def test_a_host_object_of_this_installation_is_proposed_under_its_original_resource_name() -> None:
    """Its resources were lost, and the array still has what they requested."""
    ours = host_object(own_name("worker-1"), "a")

    found = imported(ours, DATA, mapped(ours, DATA))

    assert proposed(found, Kind.HOST).keys() == {"worker-1"}
    assert proposed(found, Kind.ATTACHMENT).keys() == {"data"}


def test_a_host_object_that_may_belong_to_an_operator_is_skipped_without_an_installation_id() -> None:
    ours = host_object(own_name("worker-1"), "a")

    found = imported(ours, within=replace(desired(), installation=""))

    assert found.proposals == []
    assert "--installation-id" in reasons(found)[f"host object {ours.name}"]


def test_an_empty_host_object_of_this_installation_is_retained_by_its_deletion_policy() -> None:
    """Without it, an empty host object of the operator would be removed as soon as it had a resource again."""
    ours = host_object(own_name("worker-1"), "a")

    found = imported(ours)

    assert proposed(found, Kind.HOST)["worker-1"]["deletionPolicy"] == "Retain"
    assert [result.steps for result in dry_run_to_the_end(applied(found, desired()), inventory(ours))] == [()]


@pytest.mark.parametrize(
    ("request_fields", "hosts", "attachments"),
    [
        ({"hosts": ("Old*",)}, {"old-box-7"}, {"data"}),
        ({"volumes": ("lo*",)}, {"esx"}, {"logs"}),
        ({"hosts": ("Old*",), "volumes": ("lo*",)}, set(), set()),
    ],
    ids=["by host", "by volume", "by both"],
)
def test_only_selected_objects_are_proposed(
    request_fields: dict[str, Any], hosts: set[str], attachments: set[str]
) -> None:
    found = imported(BOX, ESX, DATA, LOGS, mapped(BOX, DATA), mapped(ESX, LOGS), **request_fields)

    assert proposed(found, Kind.HOST).keys() == hosts
    assert proposed(found, Kind.ATTACHMENT).keys() == attachments
    assert found.left == []


def test_names_that_kubernetes_does_not_accept_or_already_has_are_replaced() -> None:
    boxes = [host_object(name, f"n{number}") for number, name in enumerate(("A.b", "a_b", "esx"))]
    odd = volume("__", 3)
    taken = frozenset({ObjectRef(Kind.HOST, NAMESPACE, "esx")})

    found = imported(*boxes, odd, mapped(boxes[0], odd), taken=taken)

    assert proposed(found, Kind.HOST).keys() == {"a-b", "a-b-2", "esx-2"}
    assert proposed(found, Kind.ATTACHMENT).keys() == {"fsattach"}


def test_existing_mappings_are_imported_although_the_node_is_offline() -> None:
    """An array that is not ready accepts nothing new; existing mappings are imported all the same."""
    offline = replace(NODE, online=False, status="offline")
    found = propose(
        desired(), inventory(BOX, DATA, mapped(BOX, DATA), of=body(nodes=(offline,))), ImportRequest(NAMESPACE)
    )

    assert proposed(found, Kind.ATTACHMENT).keys() == {"data"}


def test_a_host_object_of_the_operator_keeps_the_name_of_its_resource_whatever_the_prefix() -> None:
    found = imported(host_object(own_name("node"), "n"), BOX, prefix="fs2-")

    assert [each.ref.name for each in found.proposals] == ["fs2-old-box-7", "node"]


@pytest.mark.parametrize("name", ["worker-1.example.com", "10-0-0-5", "home", "h"])
def test_a_host_object_of_the_operator_keeps_exactly_the_name_of_its_resource(name: str) -> None:
    """Under another name it would belong to a resource that no longer exists, and could not be imported."""
    found = imported(host_object(own_name(name), "n"))

    assert proposed(found, Kind.HOST).keys() == {name}
    assert found.left == []


def test_no_host_object_of_an_administrator_gets_the_name_that_one_of_the_operator_keeps() -> None:
    found = imported(host_object("worker-1", "a"), host_object(own_name("worker-1"), "b"))

    assert [each.ref.name for each in found.proposals] == ["worker-1-2", "worker-1"]
    assert found.left == []


# -- volumes ---------------------------------------------------------------------------------------------------------


def test_a_volume_of_several_hosts_is_proposed_once_and_one_of_no_host_never() -> None:
    found = imported(BOX, ESX, DATA, LOGS, mapped(BOX, DATA, 1), mapped(ESX, DATA, 2))

    assert proposed(found, Kind.VOLUME).keys() == {"data"}
    assert {str(spec["volume"]) for spec in proposed(found, Kind.ATTACHMENT).values()} == {"{'ref': {'name': 'data'}}"}


def test_without_volumes_the_attachments_name_them_by_uid() -> None:
    found = imported(BOX, DATA, mapped(BOX, DATA), with_volumes=False)

    assert proposed(found, Kind.VOLUME) == {}
    assert proposed(found, Kind.ATTACHMENT)["data"]["volume"] == {"uid": DATA.uid}


def test_an_attachment_refers_to_a_volume_that_the_namespace_has_already() -> None:
    found = imported(BOX, DATA, mapped(BOX, DATA), within=desired(*managed("mine", uid=DATA.uid).values()))

    assert proposed(found, Kind.VOLUME) == {}
    assert proposed(found, Kind.ATTACHMENT)["data"]["volume"] == {"ref": {"name": "mine"}}
    assert found.there == 1


OF_ANOTHER_CLUSTER = host_object_name("another-cluster", NAMESPACE, "data", "data")


@pytest.mark.parametrize(
    ("name", "within", "why"),
    [
        (OF_ANOTHER_CLUSTER, desired(), "created by the operator of another cluster"),
        (OF_ANOTHER_CLUSTER, replace(desired(), installation=""), "give --installation-id"),
        (host_object_name(INSTALLATION, NAMESPACE, "data", "data"), desired(*managed("data").values()), "belongs to"),
    ],
    ids=[
        "created by the operator of another cluster",
        "perhaps created by the operator of this cluster, whose id is not known",
        "of a FlashSystemVolume that is not bound to it at present",
    ],
)
def test_a_volume_that_cannot_be_imported_is_left_out_with_the_reason_and_attached_by_its_uid(
    name: str, within: Desired, why: str
) -> None:
    theirs = volume(name, 5)

    found = imported(BOX, theirs, mapped(BOX, theirs), within=within, taken=frozenset(within.volumes))

    assert why in reasons(found)[f"volume {name}"]
    assert proposed(found, Kind.VOLUME) == {}
    assert [spec["volume"] for spec in proposed(found, Kind.ATTACHMENT).values()] == [{"uid": theirs.uid}]


def test_a_volume_of_another_namespace_is_not_claimed_and_not_reported() -> None:
    elsewhere = managed("theirs", "elsewhere", uid=DATA.uid)

    found = imported(BOX, DATA, mapped(BOX, DATA), within=desired(*elsewhere.values()))

    assert proposed(found, Kind.VOLUME) == {}
    assert proposed(found, Kind.ATTACHMENT)["data"]["volume"] == {"uid": DATA.uid}
    assert found.left == []


def test_a_volume_whose_attachment_cannot_be_imported_is_not_proposed_alone() -> None:
    facts = (BOX, ESX, DATA, mapped(BOX, DATA, 1), mapped(ESX, DATA, 1))

    found = imported(*facts, within=desired(of=array(multi_host_mapping="Forbidden")))

    assert proposed(found, Kind.VOLUME) == {}


def test_a_volume_that_is_being_deleted_is_not_proposed_and_neither_is_its_attachment_by_reference() -> None:
    going = replace(DATA, status="deleting")

    found = imported(BOX, going, mapped(BOX, going))

    assert "no longer on the array" in reasons(found)["volume data"]
    assert [spec["volume"] for spec in proposed(found, Kind.ATTACHMENT).values()] == [{"uid": DATA.uid}]


def test_a_volume_that_this_installation_created_keeps_the_name_of_its_resource() -> None:
    """Its resources were lost, and the array still has the volume with its data."""
    ours = volume(host_object_name(INSTALLATION, NAMESPACE, "db-data", "db-data"), 5)

    found = imported(BOX, ours, mapped(BOX, ours), prefix="fs2-")

    assert proposed(found, Kind.VOLUME).keys() == {"db-data"}
    results = dry_run_to_the_end(applied(found, desired()), inventory(BOX, ours, mapped(BOX, ours)))
    assert [result for result in results if result.steps or result.blocked] == []
