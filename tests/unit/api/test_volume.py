"""FlashSystemVolume: what is read of a spec and a status, and Quantities as numbers of bytes."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.api.base import QUANTITY_PATTERN, DeletionPolicy, parse_quantity, quantity
from flashsystem_operator.api.metadata import Kind, ObjectRef, UnreadableResourceError
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeImport, VolumeOrigin

UID = "600507680C80000000000000000000AF"


def volume(status: Any = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "orders", "namespace": "team"},
        "spec": {"arrayRef": {"name": "fs"}} | spec,
        "status": status or {},
    }


def in_part(status: Any = None, **spec: Any) -> FlashSystemVolume:
    body = volume(status, **spec)
    with pytest.raises(UnreadableResourceError):
        FlashSystemVolume.read(body)
    return FlashSystemVolume.read_in_part(body, "why")


def test_a_volume_is_created_thick_in_the_pool_of_the_array_and_deleted_at_once_unless_the_spec_differs() -> None:
    read = FlashSystemVolume.read(volume(size="10Gi"))
    spec = read.spec

    assert read.ref == ObjectRef(Kind.VOLUME, "team", "orders")
    assert read.array == ObjectRef(Kind.ARRAY, "team", "fs")
    assert read.base_name == "orders"
    assert spec.size == 10 << 30
    assert (spec.import_, spec.provisioning, spec.pool, spec.deletion_policy, spec.deletion_delay) == (None,) * 5


def test_an_imported_volume_needs_no_size_and_may_name_its_pool() -> None:
    read = FlashSystemVolume.read(volume(**{"import": {"uid": UID.lower()}, "pool": "Pool0"}))

    assert read.spec.import_ == VolumeImport.model_validate({"uid": UID})
    assert (read.spec.size, read.spec.pool) == (None, "Pool0")


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="neither a size nor an import"),
        pytest.param({"import": {}}, id="an import of nothing"),
        pytest.param({"import": {"name": "a", "uid": UID}}, id="an import by name and uid"),
        pytest.param({"import": {"name": "a"}, "provisioning": "Thick"}, id="an import with a provisioning"),
        pytest.param({"import": {"name": "a"}, "ioGroup": "0"}, id="an import with an I/O group"),
        pytest.param({"import": {"name": "a"}, "volumeNamePrefix": "b"}, id="an import with a prefix of its name"),
        pytest.param({"size": 0}, id="a size of 0"),
        pytest.param({"size": "257Ti"}, id="a size above the limit of the arrays"),
        pytest.param({"size": True}, id="a size that is no number"),
        pytest.param({"size": "1Gi", "throttle": {}}, id="a throttle without a limit"),
        pytest.param({"size": "1Gi", "throttle": {"iops": 99}}, id="fewer operations than the array can limit to"),
        pytest.param({"size": "1Gi", "throttle": {"bandwidth": "512Ki"}}, id="a bandwidth below one MiB per second"),
        pytest.param({"size": "1Gi", "throttle": {"bandwidth": "0Mi"}}, id="a bandwidth of 0"),
        pytest.param({"size": "1Gi", "deletionDelay": "8761h"}, id="a delay of more than a year"),
    ],
)
def test_a_spec_that_the_operator_could_misunderstand_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(UnreadableResourceError):
        FlashSystemVolume.read(volume(**spec))


def test_a_bandwidth_is_read_as_bytes_per_second() -> None:
    throttle = FlashSystemVolume.read(volume(size=1, throttle={"bandwidth": "200Mi", "iops": 100})).spec.throttle

    assert throttle is not None
    assert (throttle.bandwidth, throttle.iops) == (200 << 20, 100)


def test_only_the_unreadable_parts_of_a_status_are_dropped() -> None:
    old = {"uid": UID, "origin": "Adopted", "attachments": "two", "intent": {"name": "a", "size": {}, "pool": "P"}}

    status = FlashSystemVolume.read(volume(old, size="1Gi")).status

    assert status.uid == UID
    assert (status.origin, status.attachments) == (None, None)
    assert status.intent is not None
    assert (status.intent.name, status.intent.size, status.intent.pool) == ("a", None, "P")


def test_a_status_is_written_as_the_crd_spells_it() -> None:
    read = FlashSystemVolume.read(volume({"deletionTime": "2026-01-01T00:00:00Z", "origin": "Imported"}, size="1Gi"))

    assert read.status.origin is VolumeOrigin.IMPORTED
    assert read.status.to_json()["deletionTime"] == "2026-01-01T00:00:00Z"


def test_a_volume_with_an_unreadable_spec_keeps_its_import_and_its_names() -> None:
    found = in_part(**{"import": {"name": "old"}, "provisioning": "Thin", "volumeNamePrefix": "db"})

    assert found.unreadable == "why"
    assert found.spec.import_ == VolumeImport.model_validate({"name": "old"})
    assert (found.base_name, found.array.name) == ("db", "fs")


def test_an_import_that_cannot_be_read_is_the_import_of_no_volume() -> None:
    assert in_part(**{"import": {"group": "g"}}).spec.import_ is None
    assert in_part(size="lots").spec.import_ is None
    assert in_part(size="10Gi", provisioning="Magic").spec.size == 10 << 30


def test_the_data_of_a_volume_with_an_unreadable_deletion_policy_is_retained() -> None:
    assert in_part(size="1Gi", deletionPolicy="Archive").spec.deletion_policy is DeletionPolicy.RETAIN


def test_a_volume_with_an_unreadable_reference_stays_on_the_recorded_array() -> None:
    status = {"array": {"name": "fs-2", "namespace": "storage"}}

    assert in_part(status, arrayRef={"selector": "any"}, size=1).array == ObjectRef(Kind.ARRAY, "storage", "fs-2")


# -- quantities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        (4096, 4096),
        ("1k", 1000),
        ("1Ki", 1024),
        ("10Gi", 10 << 30),
        ("1.5Ti", 3 << 39),
        ("0.125Ki", 128),
        ("2.50Mi", 5 << 19),
        ("1.001k", 1001),
        ("500G", 500 * 10**9),
        ("1E", 10**18),
        ("256Ti", 1 << 48),
    ],
)
def test_a_quantity_is_read_as_an_exact_number_of_bytes(text: str | int, number: int) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "Gi", "GB", "1GB", "1gi", "1K", "1m", "0x10", "1 Gi", " 1", "1\n"),
        *("1.1Gi", "0.5", "1.0005k", "1.", "1.Gi", ".5Gi", "-1", "+1", "1e3", "9" * 21),
        *(None, True, 1.0, -1),
    ],
    ids=repr,
)
def test_what_is_no_number_of_whole_bytes_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="write a Quantity such as 10Gi"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=1 << 63))
def test_a_number_of_bytes_is_written_as_a_quantity_without_loss(number: int) -> None:
    assert parse_quantity(quantity(number)) == number


@given(st.from_regex(QUANTITY_PATTERN, fullmatch=True).map(str.strip))
def test_every_accepted_quantity_is_a_whole_number_of_bytes(text: str) -> None:
    number = text.rstrip("kMGTPEKi")
    unit = text.removeprefix(number)
    size = 1024 ** "_KMGTPE".index(unit[0]) if unit.endswith("i") else 1000 ** "_kMGTPE".index(unit or "_")

    assert Fraction(number) * size == parse_quantity(text)


def test_a_quantity_is_written_in_the_largest_unit_that_is_exact() -> None:
    assert [quantity(number) for number in (0, 512, 1024, 1536, 10 << 30, 3 << 39, 1 << 60)] == [
        "0",
        "512",
        "1Ki",
        "1536",
        "10Gi",
        "1536Gi",
        "1Ei",
    ]
