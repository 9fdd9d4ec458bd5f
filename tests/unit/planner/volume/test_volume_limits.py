"""Who may create and grow volumes, and how many bytes; and the volumes of attachments that refer to them."""

from typing import Any

import pytest

from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Refusal, recorded_bytes, with_volumes
from support.builders import array, attachment, desired, managed_volume, of_volume, uid, volume
from support.volume_fixtures import DATA, GIB

NAMESPACES = {"storage": {"team": "a"}, "team-b": {"team": "b"}}
ALL = {"from": "All"}
TEAM_A = {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}}


def creation(
    namespace: str = "storage", pool: str | None = "Pool0", size: int = GIB, others: int = 0, **rule: Any
) -> Any:
    tenancy = desired(of=array(volume_creation=rule), namespaces=NAMESPACES).tenancy
    refused: Refusal = tenancy.volume_creation(namespace, pool, size, others)
    return refused and refused.reason


@pytest.mark.parametrize(
    ("reason", "given"),
    [
        pytest.param(None, {}, id="the array's own namespace may create volumes by default"),
        pytest.param(Reason.VOLUME_CREATION_NOT_ALLOWED, {"namespace": "team-b"}, id="and no other one"),
        pytest.param(None, {"namespace": "team-b", **ALL}, id="with from All every namespace may"),
        pytest.param(None, TEAM_A, id="a selector allows the namespaces with its labels"),
        pytest.param(Reason.VOLUME_CREATION_NOT_ALLOWED, {"namespace": "team-b", **TEAM_A}, id="and no others"),
        pytest.param(
            Reason.NAMESPACE_UNKNOWN, {"namespace": "new", **TEAM_A}, id="a namespace without known labels waits"
        ),
        pytest.param(None, {"pools": ["Pool*"]}, id="a pool that a pattern allows may be used"),
        pytest.param(Reason.VOLUME_CREATION_NOT_ALLOWED, {"pools": ["Gold*"]}, id="and no other pool"),
        pytest.param(Reason.VOLUME_CREATION_NOT_ALLOWED, {"pools": ["pool0"]}, id="the case of a pool's name matters"),
        pytest.param(None, {"pools": ["Gold*"], "pool": None}, id="an unknown pool is not judged"),
        pytest.param(None, {"maxVolumeSize": "1Gi"}, id="a volume may have the largest size"),
        pytest.param(Reason.CAPACITY_EXCEEDED, {"maxVolumeSize": "1Gi", "size": GIB + 512}, id="and no larger one"),
        pytest.param(
            None, {"maxCapacityPerNamespace": "3Gi", "others": 2 * GIB}, id="a namespace may have its capacity"
        ),
        pytest.param(
            Reason.CAPACITY_EXCEEDED, {"maxCapacityPerNamespace": "3Gi", "others": 2 * GIB + 1}, id="and no more"
        ),
    ],
)
def test_who_may_create_volumes(reason: Reason | None, given: dict[str, Any]) -> None:
    assert creation(**given) == reason


def test_a_refusal_of_a_size_shows_the_limit_and_the_field() -> None:
    tenancy = desired(of=array(volume_creation={"maxCapacityPerNamespace": "3Gi"})).tenancy

    refused = tenancy.volume_creation("storage", "Pool0", 2 * GIB, 2 * GIB)

    assert isinstance(refused, Refuse)
    assert all(part in refused.message for part in ("would have 4Gi", "3Gi", "maxCapacityPerNamespace"))


def test_an_operator_for_named_namespaces_reports_a_selector_that_it_cannot_judge() -> None:
    tenancy = desired(of=array(volume_creation=TEAM_A), namespaced=True).tenancy

    refused = tenancy.volume_creation("storage", "Pool0", GIB, 0)

    assert not isinstance(refused, Wait)
    assert refused is not None
    assert refused.reason is Reason.NAMESPACED_INSTALLATION
    note = tenancy.unusable()
    assert note is not None
    assert "spec.volumeCreation" in note.message


ELDER, YOUNGER = {"creation_timestamp": "2020-01-01T00:00:00Z"}, {"creation_timestamp": "2030-01-01T00:00:00Z"}
OTHER = volume("other", 7)


@pytest.mark.parametrize(
    ("counted", "other"),
    [
        pytest.param(
            2, managed_volume("other", size="2Gi", meta=ELDER), id="an older one that does not exist yet counts"
        ),
        pytest.param(0, managed_volume("other", size="2Gi", meta=YOUNGER), id="a younger one does not"),
        pytest.param(
            2,
            managed_volume("other", size="2Gi", meta=YOUNGER, status=of_volume(OTHER)),
            id="but it does when it exists",
        ),
        pytest.param(
            2,
            managed_volume("other", size="2Gi", meta=YOUNGER, status={"intent": {"name": "x"}}),
            id="and while it is being created",
        ),
        pytest.param(
            3,
            managed_volume("other", size="2Gi", status=of_volume(OTHER, capacity="3Gi")),
            id="one that is larger than its spec counts as it is",
        ),
        pytest.param(
            4,
            managed_volume("other", size="4Gi", status=of_volume(OTHER, capacity="3Gi")),
            id="one that grows counts as its spec wants it",
        ),
        pytest.param(
            3,
            managed_volume("other", status=of_volume(OTHER, capacity="3Gi"), **{"import": {"name": "other"}}),
            id="an imported one counts too",
        ),
        pytest.param(
            1,
            managed_volume("other", status=of_volume(OTHER, capacity="large")),
            id="a recorded size that cannot be read counts as the spec's",
        ),
        pytest.param(
            2,
            managed_volume("other", size="2Gi", status=of_volume(OTHER), meta={"deleting": True}),
            id="one that is being deleted counts until it is gone",
        ),
        pytest.param(
            0,
            managed_volume("other", size="2Gi", status=of_volume(OTHER), meta={"namespace": "team-b"}),
            id="one of another namespace does not count",
        ),
    ],
)
def test_which_volumes_count_for_the_capacity_of_a_namespace(counted: int, other: Any) -> None:
    def refused(most: int) -> Refusal:
        resource = managed_volume(meta={"creation_timestamp": "2025-01-01T00:00:00Z"})
        state = desired(resource, other, of=array(volume_creation={"maxCapacityPerNamespace": f"{most}Gi"}))
        return state.volume_refused(resource, GIB, "Pool0")

    assert refused(counted + 1) is None
    assert counted == 0 or refused(counted) is not None


@pytest.mark.parametrize(
    ("recorded", "size"), [("1Gi", GIB), ("512", 512), ("", 0), ("1.1Gi", 0), ("much", 0), ("-1", 0)]
)
def test_a_recorded_size_that_cannot_be_read_counts_as_nothing(recorded: str, size: int) -> None:
    assert recorded_bytes(recorded) == size


# -- attachments that refer to a FlashSystemVolume --------------------------------------------------------------------

BY_REF = {"ref": {"name": "data"}}
MANAGED = managed_volume(status=of_volume(DATA))


def uid_of(attached: Any, *volumes: Any) -> str | None:
    found = with_volumes({attached.ref: attached}, {each.ref: each for each in volumes})
    return found[attached.ref].spec.volume.uid


def test_an_attachment_that_refers_to_a_volume_has_its_uid() -> None:
    assert uid_of(attachment("a", "node", BY_REF), MANAGED) == DATA.uid


def test_an_attachment_stays_bound_to_its_volume_when_the_resource_is_gone_or_another_one() -> None:
    """The resource may be deleted by force, and created again under the same name."""
    bound = attachment("a", "node", BY_REF, status={"volume": {"name": "old", "uid": uid(9)}})

    assert uid_of(bound) == uid(9)
    assert uid_of(bound, MANAGED) == uid(9)


def test_an_attachment_has_no_volume_before_the_resource_has_one() -> None:
    assert uid_of(attachment("a", "node", BY_REF)) is None
    assert uid_of(attachment("a", "node", BY_REF), managed_volume()) is None
    assert uid_of(attachment("a", "node", BY_REF), managed_volume("other", status=of_volume(DATA))) is None


def test_a_reference_reaches_only_the_namespace_of_the_attachment() -> None:
    foreign = managed_volume(meta={"namespace": "team-b"}, status=of_volume(DATA))

    assert uid_of(attachment("a", "node", BY_REF), foreign) is None


def test_attachments_by_name_or_uid_are_left_as_they_are() -> None:
    by_name, by_uid = attachment("a", "node", "data"), attachment("b", "node", uid(3))

    assert uid_of(by_name, MANAGED) is None
    assert uid_of(by_uid, MANAGED) == uid(3)
