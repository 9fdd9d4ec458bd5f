"""Reading objects of the API server: the spec strictly, the status without its unreadable parts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.api.array import FlashSystemArray, From
from flashsystem_operator.api.attachment import Access, AttachmentStatus, Connection, Target, VolumeAttachment
from flashsystem_operator.api.base import Condition
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectRef, UnreadableResourceError

READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Attached",
    "message": "It is.",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def attachment(status: Any = None, **spec: Any) -> dict[str, Any]:
    body = {
        "apiVersion": "flashsystem.io/v1alpha1",
        "kind": "VolumeAttachment",
        "metadata": {"name": "data", "namespace": "team", "uid": "u", "generation": 3, "managedFields": []},
        "spec": {"hostRef": {"name": "node-1"}, "volume": {"name": "db data"}} | spec,
    }
    return body if status is None else body | {"status": status}


def array(**spec: Any) -> dict[str, Any]:
    defaults = {
        "management": {"addresses": ["array.example.com"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeyPolicy": "TrustOnFirstUse",
    }
    return {"metadata": {"name": "fs", "namespace": "team"}, "spec": defaults | spec}


def test_an_object_is_read_with_its_defaults() -> None:
    read = VolumeAttachment.read(attachment())

    assert read.ref == ObjectRef(Kind.ATTACHMENT, "team", "data")
    assert read.host == ObjectRef(Kind.HOST, "team", "node-1")
    assert (read.spec.access, read.spec.lun, read.spec.deletion_policy) == (Access.EXCLUSIVE, None, None)
    assert read.status == AttachmentStatus()
    assert read.status.observed_generation == -1


@pytest.mark.parametrize(
    "spec",
    [
        {"management": {"addresses": ["10.0.0.300"]}},
        {"management": {"addresses": ["fd00:::1"]}},
        {"management": {"addresses": ["fs..example.com"]}},
        {"hostAdoption": {"from": "Selector", "selector": {"matchLabels": {"a b": "c"}}}},
        {"volumeAccess": [{"namespaceSelector": {}, "volumes": ["["]}]},
    ],
)
def test_a_value_that_can_never_match_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(UnreadableResourceError):
        FlashSystemArray.read(array(**spec))


def test_an_attachment_of_a_flashsystem_volume_refers_to_one_in_its_namespace() -> None:
    read = VolumeAttachment.read(attachment(volume={"ref": {"name": "orders"}}))

    assert read.volume_ref == ObjectRef(Kind.VOLUME, "team", "orders")
    assert VolumeAttachment.read(attachment()).volume_ref is None


def test_only_the_namespace_of_the_array_creates_volumes_unless_it_allows_others() -> None:
    creation = FlashSystemArray.read(array()).spec.volume_creation
    other = FlashSystemArray.read(array(volumeCreation={"from": "All", "maxVolumeSize": "1Ti"})).spec.volume_creation

    assert (creation.from_, creation.pools, creation.max_volume_size) == (From.SAME, (), None)
    assert (other.from_, other.max_volume_size, other.max_capacity_per_namespace) == (From.ALL, 1 << 40, None)


def test_a_block_device_has_no_file_system() -> None:
    block = {"claimRef": {"name": "data"}, "volumeMode": "Block"}

    assert VolumeAttachment.read(attachment(persistentVolume=block | {"fsType": "ext4"})).spec.persistent_volume
    with pytest.raises(UnreadableResourceError, match="remove fsType"):
        VolumeAttachment.read(attachment(persistentVolume=block | {"fsType": "xfs"}))


def test_two_spellings_of_an_initiator_are_equal() -> None:
    body = {
        "metadata": {"name": "node-1", "namespace": "team"},
        "spec": {"arrayRef": {"name": "fs"}, "initiators": {"iscsi": ["IQN.1994-05.com.RedHat:Node-1"]}},
    }

    read = FlashSystemHost.read(body)

    assert read.spec.initiators.iscsi == ("iqn.1994-05.com.redhat:node-1",)
    assert read.array == ObjectRef(Kind.ARRAY, "team", "fs")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("5m", 300.0), ("2h", 7200.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("1s500ms", 1.5)],
)
def test_a_duration_is_converted_to_seconds(text: str, seconds: float) -> None:
    assert FlashSystemArray.read(array(resyncInterval=text)).spec.resync_interval == seconds


def test_every_spelling_of_an_ipv6_address_is_read_as_the_same_address() -> None:
    read = FlashSystemArray.read(array(iscsi={"portalAddresses": ["FD00:0:0:0::1", "10.0.0.1"]}))

    assert read.spec.iscsi.portal_addresses == ("fd00::1", "10.0.0.1")


def test_the_error_of_an_unreadable_spec_names_field_reason_and_remedy() -> None:
    with pytest.raises(UnreadableResourceError) as refused:
        VolumeAttachment.read(attachment(lun=4096))

    message = str(refused.value)
    assert message.startswith("spec.lun cannot be read: ")
    assert "2047" in message
    assert message.endswith("apply the CRDs of this release.")


def test_none_or_two_selectors_are_refused_even_if_the_crd_accepts_them() -> None:
    ref = {"name": "orders"}
    for selector in ({}, {"name": "a", "uid": "6" * 32}, {"name": "a", "ref": ref}, {"uid": "6" * 32, "ref": ref}):
        with pytest.raises(UnreadableResourceError, match=r"exactly one of name, uid \(vdisk_UID\) and ref"):
            VolumeAttachment.read(attachment(volume=selector))


def test_a_pinned_array_without_a_key_is_refused_with_a_remedy() -> None:
    with pytest.raises(UnreadableResourceError, match="ssh-keyscan ADDRESS"):
        FlashSystemArray.read(array(hostKeyPolicy="Pinned"))


def test_what_another_release_added_is_ignored() -> None:
    read = VolumeAttachment.read(attachment({"lun": 5, "plan": ["x"]}, detachGuard="Disabled"))

    assert read.status.lun == 5


def test_only_the_unreadable_parts_of_a_status_are_dropped() -> None:
    old = {
        "observedGeneration": "three",
        "lun": 7,
        "origin": "Borrowed",
        "conditions": [READY, {"type": "Stalled"}, *[{"nothing": 1}] * 9, READY | {"type": "Reconciling"}],
        "connection": {"volumeUID": "60050768", "lun": -3},
        "volume": None,
        "host": "node-1",
    }

    status = VolumeAttachment.read(attachment(old)).status

    assert status.lun == 7
    assert status.origin is None
    assert status.observed_generation == -1
    assert [condition.type for condition in status.conditions] == ["Ready", "Reconciling"]
    assert status.connection == Connection(volume_uid="60050768")
    assert status.host is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(READY)), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["conditions", "lun", "origin", "connection", "host", "volume", "array", "observedGeneration"])


@given(JSON | st.dictionaries(FIELDS, JSON))
def test_an_object_is_read_whatever_its_status_contains(status: Any) -> None:
    assert VolumeAttachment.read(attachment(status)).spec.host_ref.name == "node-1"


def test_a_status_is_read_as_it_was_written() -> None:
    status = AttachmentStatus(
        conditions=(Condition.model_validate(READY),),
        observed_generation=3,
        lun=VolumeAttachment.read(attachment(lun=0)).spec.lun,
        connection=Connection(volume_uid="7", targets=(Target(portal="[fd00::1]:3260", iqn="iqn.a"),)),
    )

    written = status.to_json()

    assert VolumeAttachment.read(attachment(json.loads(json.dumps(written)))).status == status
    assert written["lun"] == 0
    assert written["connection"] == {
        "protocol": "iscsi",
        "volumeUID": "7",
        "targets": [{"portal": "[fd00::1]:3260", "iqn": "iqn.a"}],
    }


def test_creating_an_invalid_status_raises_an_error() -> None:
    with pytest.raises(ValueError, match="lun"):
        AttachmentStatus.model_validate({"lun": 4096})


def test_a_message_is_cut_to_the_length_that_the_api_server_accepts() -> None:
    condition = Condition.model_validate(READY | {"message": "x" * 40_000})

    assert len(condition.message) == 32_768


def test_the_finalizers_of_others_are_distinguished_from_ours() -> None:
    body = attachment()
    body["metadata"] |= {"finalizers": [FINALIZER, "backup.example.com/hold"], "deletionTimestamp": READY["type"]}

    meta = VolumeAttachment.read(body).metadata

    assert (meta.guarded, meta.deleting, meta.other_finalizers) == (True, True, ("backup.example.com/hold",))
