"""The identity of an object is immutable; its settings can be changed unless that would harm a running host."""

from typing import Any

import pytest

from flashsystem_operator.api.metadata import Kind
from support.admission import LEFT_OUT, Asking

ARRAY, HOST, VOLUME, ATTACHMENT = Kind.ARRAY, Kind.HOST, Kind.VOLUME, Kind.ATTACHMENT


def to(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


def with_lun(asking: Asking, lun: int) -> None:
    """Write status.lun, as the operator does."""
    assert asking.change(ATTACHMENT, {"status": {"lun": lun}}, "status") == ""


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (ATTACHMENT, to(hostRef={"name": "node-2"}), "hostRef cannot be changed: create another VolumeAttachment"),
        (ATTACHMENT, to(volume={"name": "other"}), "volume cannot be changed: create another VolumeAttachment"),
        (ATTACHMENT, to(volume={"name": None, "uid": "6" * 32}), "volume cannot be changed: create another"),
        (ATTACHMENT, to(volume={"name": None, "ref": {"name": "data"}}), "volume cannot be changed: create another"),
        (VOLUME, to(arrayRef={"name": "fs-2"}), "arrayRef cannot be changed: a volume does not move between arrays"),
        (VOLUME, to(arrayRef={"namespace": "other"}), "arrayRef cannot be changed: a volume does not move"),
        (VOLUME, to(**{"import": {"name": "a"}}), "import cannot be added, changed or removed: create another"),
        (VOLUME, to(volumeNamePrefix="other"), "volumeNamePrefix cannot be added, changed or removed: the volume"),
        (VOLUME, to(pool="other"), "pool cannot be added, changed or removed: the operator does not move a volume"),
        (VOLUME, to(provisioning="Thin"), "provisioning cannot be added, changed or removed: create another"),
        (VOLUME, to(ioGroup="1"), "ioGroup cannot be added, changed or removed: create another"),
        (HOST, to(arrayRef={"name": "fs-2"}), "arrayRef cannot be changed: a host object does not move"),
        (HOST, to(arrayRef={"namespace": "other"}), "arrayRef cannot be changed: a host object does not move"),
        (
            HOST,
            to(hostNamePrefix="other"),
            "hostNamePrefix cannot be added, changed or removed: the host object keeps its name",
        ),
    ],
)
def test_the_identity_of_an_object_cannot_be_changed(
    kind: Kind, change: dict[str, Any], message: str, asking: Asking
) -> None:
    asking.made(kind)

    assert message in asking.change(kind, change)


@pytest.mark.parametrize("other", ["other", None])
def test_a_host_name_prefix_that_was_set_cannot_be_changed_or_removed(other: str | None, asking: Asking) -> None:
    asking.made(HOST, hostNamePrefix="first")

    assert "hostNamePrefix cannot be added, changed or removed" in asking.change(HOST, to(hostNamePrefix=other))


@pytest.mark.parametrize(
    ("field", "first", "other"),
    [
        ("volumeNamePrefix", "first", "other"),
        ("pool", "Pool0", "Pool1"),
        ("provisioning", "Thin", "Thick"),
        ("ioGroup", "0", "1"),
        ("import", {"name": "a"}, {"name": "b"}),
    ],
)
def test_what_a_volume_was_created_with_cannot_be_changed_or_removed(
    field: str, first: Any, other: Any, asking: Asking
) -> None:
    asking.made(VOLUME, **{field: first})

    for value in (other, None):
        assert f"{field} cannot be added, changed or removed" in asking.change(VOLUME, to(**{field: value}))


def test_a_size_can_be_increased_in_any_spelling_and_not_reduced_or_removed(asking: Asking) -> None:
    asking.made(VOLUME, size="10Gi")

    for larger in (10 << 30, "10737418241", (10 << 30) + 2, "11G", "256Ti"):
        assert asking.change(VOLUME, to(size=larger)) == ""
    for smaller in ("255Ti", 1, "256T"):
        assert "size cannot be reduced below the size that the volume has" in asking.change(VOLUME, to(size=smaller))
    assert "size cannot be removed" in asking.change(VOLUME, to(size=None))


def test_a_size_that_was_mistyped_can_be_corrected_down_to_the_one_that_the_volume_has(asking: Asking) -> None:
    asking.made(VOLUME, size="10Gi")
    assert asking.change(VOLUME, {"status": {"capacity": "10Gi"}}, "status") == ""
    assert asking.change(VOLUME, to(size="100Ti")) == ""

    assert "size cannot be reduced" in asking.change(VOLUME, to(size="10737418239"))
    assert asking.change(VOLUME, to(size="10737418240")) == ""
    assert asking.change(VOLUME, {"status": {"capacity": "unreadable"}}, "status") == ""
    assert "size cannot be reduced" in asking.change(VOLUME, to(size="1Gi"))


def test_a_status_can_report_a_larger_volume_than_the_spec_requests(asking: Asking) -> None:
    asking.made(VOLUME, size="10Gi")

    assert asking.change(VOLUME, {"status": {"capacity": "1Ti"}}, "status") == ""
    assert asking.change(VOLUME, {"metadata": {"labels": {"a": "b"}}}) == ""


def test_a_size_can_be_added_to_an_imported_volume(asking: Asking) -> None:
    asking.made(VOLUME, size=LEFT_OUT, **{"import": {"name": "a"}})

    assert asking.change(VOLUME, to(size="10Gi")) == ""
    assert "size cannot be removed" in asking.change(VOLUME, to(size=None))


def test_the_policies_and_the_throttle_of_a_volume_can_be_changed_at_any_time(asking: Asking) -> None:
    asking.made(VOLUME)

    for policy in ("Retain", "Delete", None):
        assert asking.change(VOLUME, to(deletionPolicy=policy)) == ""
    for delay in ("24h", "0s", None):
        assert asking.change(VOLUME, to(deletionDelay=delay)) == ""
    for throttle in ({"iops": 100}, {"iops": None, "bandwidth": "1Mi"}, None):
        assert asking.change(VOLUME, to(throttle=throttle)) == ""


def test_access_can_change_to_shared_and_not_back_to_exclusive(asking: Asking) -> None:
    asking.made(ATTACHMENT)

    assert asking.change(ATTACHMENT, to(access="Shared")) == ""
    assert "delete this VolumeAttachment, and create it again" in asking.change(ATTACHMENT, to(access="Exclusive"))
    # Without the field the default applies, which is Exclusive.
    assert "access cannot be changed from Shared to Exclusive" in asking.change(ATTACHMENT, to(access=None))


def test_a_deletion_policy_can_be_changed_at_any_time(asking: Asking) -> None:
    asking.made(ATTACHMENT)

    for policy in ("Retain", "Delete", None):
        assert asking.change(ATTACHMENT, to(deletionPolicy=policy)) == ""


def test_a_guard_can_be_changed_while_a_deletion_waits(asking: Asking) -> None:
    asking.made(ATTACHMENT)
    assert asking.change(ATTACHMENT, {"metadata": {"finalizers": ["example.com/in-use"]}}) == ""
    asking.cluster.kubectl("delete", ATTACHMENT.crd, "it", "--wait=false", f"--namespace={asking.namespace}")

    for guard in ("Warn", "Disabled", "Enforce", None):
        assert asking.change(ATTACHMENT, to(detachGuard=guard)) == ""
    asking.change(ATTACHMENT, {"metadata": {"finalizers": None}})


def test_the_outputs_of_an_attachment_can_be_changed_at_any_time(asking: Asking) -> None:
    asking.made(ATTACHMENT)

    for name in ("one", "other"):
        assert asking.change(ATTACHMENT, to(connectionSecret={"name": name})) == ""
        assert asking.change(ATTACHMENT, to(persistentVolume={"claimRef": {"name": name}})) == ""
    assert asking.change(ATTACHMENT, to(connectionSecret=None, persistentVolume=None)) == ""


@pytest.mark.parametrize("kind", [HOST, VOLUME, ATTACHMENT])
def test_a_drift_policy_can_be_changed_at_any_time(kind: Kind, asking: Asking) -> None:
    asking.made(kind)

    for policy in ("Report", "Ignore", None, "Correct"):
        assert asking.change(kind, to(driftPolicy=policy)) == ""


def test_a_lun_can_be_pinned_to_the_one_it_has_and_to_no_other(asking: Asking) -> None:
    asking.made(ATTACHMENT)
    refused = "lun cannot be changed or removed, only added with the LUN in status.lun"

    assert refused in asking.change(ATTACHMENT, to(lun=5))
    with_lun(asking, 5)
    assert refused in asking.change(ATTACHMENT, to(lun=6))
    assert asking.change(ATTACHMENT, to(lun=5)) == ""
    assert refused in asking.change(ATTACHMENT, to(lun=6))
    assert refused in asking.change(ATTACHMENT, to(lun=None))


def test_a_status_can_report_another_lun_than_the_pinned_one(asking: Asking) -> None:
    """An administrator may have moved it on the array; the operator must be able to report that."""
    asking.made(ATTACHMENT, lun=5)

    with_lun(asking, 6)
    assert asking.change(ATTACHMENT, {"metadata": {"labels": {"a": "b"}}}) == ""


def test_initiators_can_be_added_and_removed_except_the_last_one(asking: Asking) -> None:
    asking.made(HOST)
    one, two = "iqn.1994-05.com.redhat:node-1", "iqn.1994-05.com.redhat:node-1b"

    assert asking.change(HOST, to(initiators={"iscsi": [one, two]})) == ""
    assert asking.change(HOST, to(initiators={"iscsi": [two]})) == ""
    assert "at least 1 items" in asking.change(HOST, to(initiators={"iscsi": []}))


def test_an_array_can_change_its_address_and_its_host_keys(asking: Asking) -> None:
    asking.made(ARRAY)

    assert asking.change(ARRAY, to(management={"addresses": ["fs.example.com"], "port": 2222})) == ""
    assert asking.change(ARRAY, to(hostKeys=[], hostKeyPolicy="TrustOnFirstUse", pool="pool 1")) == ""
    assert "take it from `ssh-keyscan ADDRESS`" in asking.change(ARRAY, to(hostKeyPolicy="Pinned"))


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_new_object_is_never_mistaken_for_a_reconciled_one(kind: Kind, asking: Asking) -> None:
    stored = asking.made(kind)

    assert stored["status"] == {"observedGeneration": -1}
    assert stored["metadata"]["generation"] == 1


@pytest.mark.parametrize("count", [-1, 1_000_001])
def test_a_status_with_an_impossible_count_of_detaches_is_refused(asking: Asking, count: int) -> None:
    """A negative count would defeat the detach rate limit."""
    asking.made(ARRAY)

    counted = {"start": "2026-03-01T12:00:00Z", "count": count}
    assert "should be" in asking.change(ARRAY, {"status": {"detachWindow": counted}}, "status")
    assert asking.change(ARRAY, {"status": {"detachWindow": {**counted, "count": 0}}}, "status") == ""
