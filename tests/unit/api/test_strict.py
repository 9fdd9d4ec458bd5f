"""Manifests of users are checked as strictly as by the API server. Each mistake is reported with field and remedy."""

from typing import Any

import pytest

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import Kind, Resource
from flashsystem_operator.api.validation import FieldError, field_errors
from flashsystem_operator.api.volume import FlashSystemVolume
from support.admission import GOOD, changed
from support.refusals import CASES, TAKEN, Case
from support.schemas import RESOURCES

VOLUME = {"arrayRef": {"name": "fs1"}, "size": "10Gi"}
META = {"name": "db-data", "namespace": "storage"}
ATTACHMENT = {"hostRef": {"name": "node-1"}, "volume": {"name": "db-data"}}
HOST = {"arrayRef": {"name": "fs1"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node-1"]}}


def found(kind: type[Resource], spec: Any, **more: Any) -> tuple[FieldError, ...]:
    body = {"apiVersion": "flashsystem.io/v1alpha1", "kind": kind.KIND.value, "metadata": META, "spec": spec}
    return field_errors(kind, {**body, **more})


def test_a_valid_object_has_no_mistake() -> None:
    labelled = {**META, "labels": {"team": "db"}, "annotations": {"note": "mine"}}

    assert found(VolumeAttachment, ATTACHMENT | {"lun": 7, "access": "Shared"}, metadata=labelled) == ()
    assert found(FlashSystemHost, HOST, status={"observedGeneration": -1}) == ()


@pytest.mark.parametrize(
    ("kind", "spec", "field", "remedy"),
    [
        (VolumeAttachment, ATTACHMENT | {"hostref": {"name": "node-1"}}, "spec.hostref", "write hostRef"),
        (VolumeAttachment, ATTACHMENT | {"host_ref": {"name": "node-1"}}, "spec.host_ref", "write hostRef"),
        (VolumeAttachment, ATTACHMENT | {"zebra": 1}, "spec.zebra", "remove it; known here are hostRef, volume"),
        (VolumeAttachment, ATTACHMENT | {"volume": {"nane": "x"}}, "spec.volume.nane", "write name"),
        (VolumeAttachment, {"volume": {"name": "x"}}, "spec.hostRef", "add it"),
        (VolumeAttachment, ATTACHMENT | {"volume": {}}, "spec.volume", "exactly one of name, uid (vdisk_UID) and ref"),
        (VolumeAttachment, ATTACHMENT | {"lun": "7"}, "spec.lun", "valid integer"),
        (VolumeAttachment, ATTACHMENT | {"lun": 2048}, "spec.lun", "2047"),
        (VolumeAttachment, ATTACHMENT | {"access": "shared"}, "spec.access", "'Exclusive' or 'Shared'"),
        (VolumeAttachment, ATTACHMENT | {"volume": {"ref": {"name": "A"}}}, "spec.volume.ref.name", "lower-case"),
        (FlashSystemVolume, VOLUME | {"size": "1.1Gi"}, "spec.size", "'1.1Gi' is not a number of whole bytes: write a"),
        (FlashSystemVolume, VOLUME | {"size": 1.5}, "spec.size", "write a Quantity such as 10Gi, 1.5Ti or 500G"),
        (
            FlashSystemVolume,
            VOLUME | {"size": "1Pi"},
            "spec.size",
            "must be from 1 to 256Ti, not 1Pi: write a",
        ),
        (FlashSystemVolume, {"arrayRef": {"name": "fs1"}}, "spec", "needs a size: add size; or add import"),
        (FlashSystemVolume, VOLUME | {"imports": {}}, "spec.imports", "write import"),
        (FlashSystemVolume, VOLUME | {"throttle": {}}, "spec.throttle", "needs iops, bandwidth or both: add one"),
        (FlashSystemVolume, VOLUME | {"throttle": {"bandwidth": "1G"}}, "spec.throttle.bandwidth", "such as 200Mi"),
        (FlashSystemVolume, VOLUME | {"deletionDelay": "1y"}, "spec.deletionDelay", "write numbers with units"),
        (FlashSystemHost, HOST | {"initiators": {"iscsi": ["iqn"]}}, "spec.initiators.iscsi[0]", "iqn.YYYY-MM"),
        (FlashSystemHost, HOST | {"initiators": {"iscsi": []}}, "spec.initiators.iscsi", "at least 1"),
        (FlashSystemArray, None, "spec", "write the desired settings"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_reported_with_its_field_and_a_remedy(
    kind: type[Resource], spec: Any, field: str, remedy: str
) -> None:
    reasons = {mistake.field: mistake.reason for mistake in found(kind, spec)}

    assert remedy in reasons[field]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"apiVersion": "flashsystem.io/v1"}, "apiVersion"),
        ({"specs": {}}, "specs"),
        ({"metadata": None}, "metadata"),
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": {"name": 7}}, "metadata.name"),
        ({"metadata": {"name": "Db_Data"}}, "metadata.name"),
        ({"metadata": {"name": "a", "namespace": "a.b"}}, "metadata.namespace"),
        (
            {"metadata": {"name": "a", "annotations": {"flashsystem.io/plan": True}}},
            "metadata.annotations.flashsystem.io/plan",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_fields_outside_the_spec_are_checked_too(more: dict[str, Any], field: str) -> None:
    assert [mistake.field for mistake in found(VolumeAttachment, ATTACHMENT, **more)] == [field]


def test_a_misspelt_annotation_of_the_operator_is_a_mistake_since_it_would_have_no_effect() -> None:
    metadata = {**META, "annotations": {"flashsystem.io/pause": "true", "example.com/pause": "true"}}

    (mistake,) = found(VolumeAttachment, ATTACHMENT, metadata=metadata)

    assert mistake.field == "metadata.annotations.flashsystem.io/pause"
    assert "write flashsystem.io/paused" in mistake.reason


def test_all_fields_that_do_not_go_with_an_import_are_named_together() -> None:
    spec = {"arrayRef": {"name": "fs1"}, "import": {"name": "old"}, "provisioning": "Thin", "ioGroup": "0"}

    (mistake,) = found(FlashSystemVolume, spec)

    assert "remove provisioning and ioGroup, or remove import" in mistake.reason


def test_the_annotation_that_the_operator_writes_is_no_mistake() -> None:
    metadata = {**META, "annotations": {"flashsystem.io/volume-uid": "6" * 32}}

    assert found(FlashSystemVolume, VOLUME, metadata=metadata) == ()


def test_all_mistakes_are_reported_at_once() -> None:
    spec = ATTACHMENT | {"lun": -1, "acess": "Shared"}

    assert {mistake.field for mistake in found(VolumeAttachment, spec)} == {"spec.lun", "spec.acess"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_what_the_api_server_refuses_is_a_mistake_here_too(case: Case) -> None:
    mistakes = found(RESOURCES[case.kind], changed(GOOD[case.kind], **case.fields))

    assert mistakes
    for mistake in mistakes:
        assert mistake.reason.strip()
        for library_phrase in ("Input should", "String should", "Tuple should"):
            assert library_phrase not in mistake.reason


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_what_the_api_server_accepts_is_no_mistake_here(kind: Kind, fields: dict[str, Any]) -> None:
    assert found(RESOURCES[kind], changed(GOOD[kind], **fields)) == ()


def test_an_item_that_is_wrong_does_not_make_its_list_too_short() -> None:
    (mistake,) = found(FlashSystemHost, HOST | {"initiators": {"iscsi": ["node-1"]}})

    assert mistake.field == "spec.initiators.iscsi[0]"
