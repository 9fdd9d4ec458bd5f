"""The content of a PersistentVolume, when it is up to date, and when it is in use."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.planner.decision import Reason, Release, Wait
from flashsystem_operator.planner.outputs import (
    is_in_use,
    is_our_volume,
    is_up_to_date,
    may_be_in_use,
    persistent_volume_name,
    volume_body,
)
from flashsystem_operator.planner.text import quantity
from support.builders import attachment, bound, desired, inventory
from support.builders import mapped as mapping
from support.detach_fixtures import DATA, LOGS, NODE, OURS, decided, leaving, unmap

N1, N2 = "iqn.1986-03.com.ibm:n1", "iqn.1986-03.com.ibm:n2"


def with_claim(**spec: Any) -> VolumeAttachment:
    return attachment("one", "a", persistent_volume={"claim_ref": {"name": "db"}, **spec})


def status_with(*paths: tuple[str, str], capacity: int = 1 << 30, lun: int = 1) -> AttachmentStatus:
    """A status with these portals, each with its target name."""
    default_paths = (("10.0.0.1:3260", N1), ("10.0.0.2:3260", N2))
    connection = {"lun": lun, "targets": [{"portal": portal, "iqn": iqn} for portal, iqn in paths or default_paths]}
    volume = {"capacity": quantity(capacity)} if capacity else {}
    return AttachmentStatus.model_validate({"connection": connection, "volume": volume})


def render(resource: VolumeAttachment, about: AttachmentStatus, found: Any = None, secret: str | None = None) -> Any:
    manifest = volume_body(resource, about, found, secret)
    assert manifest is not None
    return manifest


def test_only_portals_of_one_target_name_are_listed() -> None:
    source = render(with_claim(), status_with(("1:3260", N1), ("2:3260", N2), ("3:3260", N1)))["spec"]["iscsi"]

    assert (source["targetPortal"], source["portals"], source["iqn"]) == ("1:3260", ["3:3260"], N1)


def test_the_target_in_use_is_kept_as_long_as_the_status_lists_it() -> None:
    resource, one, two = with_claim(), ("10.0.0.1:3260", N1), ("10.0.0.2:3260", N2)
    alone = render(resource, status_with(two))

    assert is_up_to_date(alone, render(resource, status_with(one, two), alone))
    assert not is_up_to_date(alone, render(resource, status_with(one), alone))


@pytest.mark.parametrize(
    ("size", "written"),
    [(1 << 30, "1Gi"), (3 << 29, "1536Mi"), (5 << 40, "5Ti"), (1024, "1Ki"), (1000, "1000")],
)
def test_the_capacity_is_exact(size: int, written: str) -> None:
    assert render(with_claim(), status_with(capacity=size))["spec"]["capacity"] == {"storage": written}


def test_nothing_is_created_while_there_is_nothing_to_publish() -> None:
    assert volume_body(attachment("one", "a"), status_with(), None, None) is None
    assert volume_body(with_claim(), AttachmentStatus(), None, None) is None
    assert volume_body(with_claim(), status_with(capacity=0), None, None) is None


def test_the_claim_is_always_of_the_attachments_namespace_and_data_is_retained() -> None:
    resource = with_claim()
    spec = render(resource, status_with())["spec"]

    assert spec["claimRef"]["namespace"] == resource.metadata.namespace
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"


def test_a_block_device_has_no_file_system() -> None:
    assert "fsType" not in render(with_claim(volume_mode="Block"), status_with())["spec"]["iscsi"]
    assert render(with_claim(fs_type="xfs"), status_with())["spec"]["iscsi"]["fsType"] == "xfs"


def test_with_chap_the_persistent_volume_refers_to_the_connection_secret() -> None:
    source = render(with_claim(), status_with(), secret="way")["spec"]["iscsi"]

    assert source["chapAuthSession"] is True
    assert source["secretRef"] == {"name": "way", "namespace": "storage"}


@pytest.mark.parametrize("change", [{"lun": 2}, {"capacity": 2 << 30}], ids=str)
def test_a_persistent_volume_that_was_created_from_another_status_is_out_of_date(change: dict[str, int]) -> None:
    resource = with_claim()

    assert not is_up_to_date(render(resource, status_with(**change)), render(resource, status_with()))
    assert is_up_to_date(render(resource, status_with()), render(resource, status_with()))


def test_a_volume_that_grew_under_a_bound_claim_is_up_to_date() -> None:
    resource = with_claim()
    before = render(resource, status_with()) | {"status": {"phase": "Bound"}}

    assert is_up_to_date(before, render(resource, status_with(capacity=2 << 30), before))
    assert not is_up_to_date(before, render(resource, status_with(lun=2), before))


@pytest.mark.parametrize("phase", ["Released", "Failed"])
def test_a_released_or_failed_one_is_created_again_for_the_next_claim(phase: str) -> None:
    resource = with_claim()
    previous = render(resource, status_with()) | {"status": {"phase": phase}}

    assert not is_up_to_date(previous, render(resource, status_with(), previous))
    assert not is_in_use(previous)


@pytest.mark.parametrize(
    ("phase", "claimed", "expected"),
    [("Available", False, False), ("Available", True, True), ("Bound", True, True), ("", True, True)],
)
def test_it_is_in_use_as_soon_as_a_claim_is_written_into_it(
    phase: str,
    claimed: bool,
    expected: bool,
) -> None:
    found = render(with_claim(), status_with())
    claim = found["spec"]["claimRef"] | ({"uid": "7"} if claimed else {})

    assert is_in_use(found | {"spec": found["spec"] | {"claimRef": claim}, "status": {"phase": phase}}) == expected


def test_a_persistent_volume_of_another_attachment_is_not_ours() -> None:
    one, two = with_claim(), with_claim()

    assert is_our_volume(one, render(one, status_with()))
    assert not is_our_volume(two, render(one, status_with()))
    assert persistent_volume_name(one) == f"fsattach-{one.metadata.uid}"


def test_a_volume_that_is_in_use_stays_mapped_and_is_unmapped_when_it_is_not() -> None:
    gone, in_use_reason = leaving(bound(OURS, DATA)), Wait(Reason.PERSISTENT_VOLUME_IN_USE, "It is in use.")
    seen = inventory(DATA, OURS, mapping(OURS, DATA))

    assert decided(gone, seen, in_use={gone.ref: in_use_reason}) == in_use_reason
    assert decided(gone, seen) == unmap(OURS.name)


def test_the_use_of_an_attachment_that_is_not_due_is_checked_when_another_detaches_its_volume() -> None:
    recorded, meta = {"persistent_volume": {"name": "pv"}}, {"deleting": True}
    one = attachment("one", "node", status=bound(OURS, DATA), meta=meta)
    two = attachment("two", "node", status=bound(OURS, DATA) | recorded, meta=meta)
    live = attachment("live", "node", status=bound(OURS, DATA) | recorded)
    elsewhere = attachment("elsewhere", "node", status=bound(OURS, LOGS) | recorded, meta=meta)
    state = desired(NODE, one, two, live, elsewhere)

    assert may_be_in_use(state, [one.ref]) == (two,)
    assert may_be_in_use(state, [elsewhere.ref]) == (elsewhere,)
    assert may_be_in_use(state, [live.ref]) == ()


def test_a_volume_that_two_deleted_attachments_share_stays_while_one_of_them_is_in_use() -> None:
    one, in_use_reason = leaving(bound(OURS, DATA)), Wait(Reason.PERSISTENT_VOLUME_IN_USE, "It is in use.")
    two = attachment("two", "node", status=bound(OURS, DATA), meta={"deleting": True})

    decision = decided(one, inventory(DATA, OURS, mapping(OURS, DATA)), NODE, two, in_use={two.ref: in_use_reason})
    assert isinstance(decision, Release)
    assert "stays mapped" in decision.left
