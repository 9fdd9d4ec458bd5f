"""What stands in a PersistentVolume, when it is as wished, and when somebody uses it."""

from typing import Any

import pytest

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.planner.decision import Reason, Release, Wait
from flashsystem_operator.planner.outputs.persistent_volume import (
    body,
    is_in_use,
    is_ours,
    is_up_to_date,
    may_be_in_use,
    name_of,
)
from flashsystem_operator.planner.text import quantity
from support.builders import attachment, bound, desired, inventory
from support.builders import mapped as mapping
from support.detach_fixtures import DATA, LOGS, NODE, OURS, decided, leaving, unmap

N1, N2 = "iqn.1986-03.com.ibm:n1", "iqn.1986-03.com.ibm:n2"


def wishing(**wished: Any) -> VolumeAttachment:
    return attachment("one", "a", persistent_volume={"claim_ref": {"name": "db"}, **wished})


def said(*paths: tuple[str, str], capacity: int = 1 << 30, lun: int = 1) -> AttachmentStatus:
    """A status that tells these portals, each with its target name."""
    both = (("10.0.0.1:3260", N1), ("10.0.0.2:3260", N2))
    connection = {"lun": lun, "targets": [{"portal": portal, "iqn": iqn} for portal, iqn in paths or both]}
    volume = {"capacity": quantity(capacity)} if capacity else {}
    return AttachmentStatus.model_validate({"connection": connection, "volume": volume})


def made(of: VolumeAttachment, about: AttachmentStatus, found: Any = None, secret: str | None = None) -> Any:
    wished = body(of, about, found, secret)
    assert wished is not None
    return wished


def test_only_portals_of_one_target_name_are_told() -> None:
    source = made(wishing(), said(("1:3260", N1), ("2:3260", N2), ("3:3260", N1)))["spec"]["iscsi"]

    assert (source["targetPortal"], source["portals"], source["iqn"]) == ("1:3260", ["3:3260"], N1)


def test_the_target_that_is_used_is_kept_as_long_as_it_is_told() -> None:
    of, one, two = wishing(), ("10.0.0.1:3260", N1), ("10.0.0.2:3260", N2)
    alone = made(of, said(two))

    assert is_up_to_date(alone, made(of, said(one, two), alone))
    assert not is_up_to_date(alone, made(of, said(one), alone))


@pytest.mark.parametrize(
    ("size", "written"),
    [(1 << 30, "1Gi"), (3 << 29, "1536Mi"), (5 << 40, "5Ti"), (1024, "1Ki"), (1000, "1000")],
)
def test_the_capacity_is_exact(size: int, written: str) -> None:
    assert made(wishing(), said(capacity=size))["spec"]["capacity"] == {"storage": written}


def test_nothing_is_made_while_there_is_nothing_to_tell() -> None:
    assert body(attachment("one", "a"), said(), None, None) is None
    assert body(wishing(), AttachmentStatus(), None, None) is None
    assert body(wishing(), said(capacity=0), None, None) is None


def test_the_claim_is_always_of_the_attachments_namespace_and_data_is_retained() -> None:
    of = wishing()
    spec = made(of, said())["spec"]

    assert spec["claimRef"]["namespace"] == of.metadata.namespace
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"


def test_a_device_has_no_file_system() -> None:
    assert "fsType" not in made(wishing(volume_mode="Block"), said())["spec"]["iscsi"]
    assert made(wishing(fs_type="xfs"), said())["spec"]["iscsi"]["fsType"] == "xfs"


def test_with_chap_nodes_are_led_to_the_connection_secret() -> None:
    source = made(wishing(), said(), secret="way")["spec"]["iscsi"]

    assert source["chapAuthSession"] is True
    assert source["secretRef"] == {"name": "way", "namespace": "storage"}


@pytest.mark.parametrize("change", [{"lun": 2}, {"capacity": 2 << 30}], ids=str)
def test_what_was_made_of_something_else_is_not_as_wished(change: dict[str, int]) -> None:
    of = wishing()

    assert not is_up_to_date(made(of, said(**change)), made(of, said()))
    assert is_up_to_date(made(of, said()), made(of, said()))


def test_a_volume_that_grew_under_a_bound_claim_is_as_wished() -> None:
    of = wishing()
    before = made(of, said()) | {"status": {"phase": "Bound"}}

    assert is_up_to_date(before, made(of, said(capacity=2 << 30), before))
    assert not is_up_to_date(before, made(of, said(lun=2), before))


@pytest.mark.parametrize("phase", ["Released", "Failed"])
def test_one_that_was_used_up_is_made_anew_for_the_next_claim(phase: str) -> None:
    of = wishing()
    used = made(of, said()) | {"status": {"phase": phase}}

    assert not is_up_to_date(used, made(of, said(), used))
    assert not is_in_use(used)


@pytest.mark.parametrize(
    ("phase", "claimed", "used"),
    [("Available", False, False), ("Available", True, True), ("Bound", True, True), ("", True, True)],
)
def test_it_is_in_use_from_the_moment_in_which_a_claim_is_written_into_it(
    phase: str,
    claimed: bool,
    used: bool,
) -> None:
    found = made(wishing(), said())
    claim = found["spec"]["claimRef"] | ({"uid": "7"} if claimed else {})

    assert is_in_use(found | {"spec": found["spec"] | {"claimRef": claim}, "status": {"phase": phase}}) == used


def test_one_of_another_attachment_is_not_ours() -> None:
    one, two = wishing(), wishing()

    assert is_ours(one, made(one, said()))
    assert not is_ours(two, made(one, said()))
    assert name_of(one) == f"fsattach-{one.metadata.uid}"


def test_a_volume_that_is_in_use_stays_mapped_and_is_unmapped_when_it_is_not() -> None:
    gone, used = leaving(bound(OURS, DATA)), Wait(Reason.PERSISTENT_VOLUME_IN_USE, "It is in use.")
    seen = inventory(DATA, OURS, mapping(OURS, DATA))

    assert decided(gone, seen, in_use={gone.ref: used}) == used
    assert decided(gone, seen) == unmap(OURS.name)


def test_whose_turn_has_not_come_is_asked_too_when_another_leaves_the_same_volume() -> None:
    had, meta = {"persistent_volume": {"name": "pv"}}, {"deleting": True}
    one = attachment("one", "node", status=bound(OURS, DATA), meta=meta)
    two = attachment("two", "node", status=bound(OURS, DATA) | had, meta=meta)
    live = attachment("live", "node", status=bound(OURS, DATA) | had)
    elsewhere = attachment("elsewhere", "node", status=bound(OURS, LOGS) | had, meta=meta)
    around = desired(NODE, one, two, live, elsewhere)

    assert may_be_in_use(around, [one.ref]) == (two,)
    assert may_be_in_use(around, [elsewhere.ref]) == (elsewhere,)
    assert may_be_in_use(around, [live.ref]) == ()


def test_a_volume_that_two_deleted_attachments_share_stays_while_one_of_them_is_in_use() -> None:
    one, used = leaving(bound(OURS, DATA)), Wait(Reason.PERSISTENT_VOLUME_IN_USE, "It is in use.")
    two = attachment("two", "node", status=bound(OURS, DATA), meta={"deleting": True})

    decision = decided(one, inventory(DATA, OURS, mapping(OURS, DATA)), NODE, two, in_use={two.ref: used})
    assert isinstance(decision, Release)
    assert "stays mapped" in decision.left
