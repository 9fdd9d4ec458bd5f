"""Annotations are parsed once for an object, and the result is never used for another object."""

import pytest

from flashsystem_operator.api.metadata import PAUSED, RELEASE, VOLUME_UID, ObjectMeta

META = {"name": "one", "namespace": "team", "uid": "u-1", "annotations": {PAUSED: "true"}}


def test_annotations_are_parsed_once_for_each_object() -> None:
    meta = ObjectMeta.model_validate(META)

    assert meta.asked.paused
    assert meta.asked is meta.asked
    assert ObjectMeta(name="one", namespace="team").asked is not None


def test_the_annotations_of_a_changed_copy_are_parsed_again() -> None:
    meta = ObjectMeta.model_validate(META)
    assert not meta.released

    released = meta.model_copy(update={"annotations": {RELEASE: "u-1"}})

    assert released.released
    assert not released.asked.paused
    assert meta.asked.paused


def test_parsing_the_annotations_does_not_affect_equality() -> None:
    one, other = ObjectMeta.model_validate(META), ObjectMeta.model_validate(META)
    assert one.asked.paused

    assert one == other
    assert one.model_dump() == other.model_dump()
    assert one.model_dump(mode="json")["annotations"] == {PAUSED: "true"}


@pytest.mark.parametrize(
    ("written", "believed"),
    [
        pytest.param("600507680c80000000000000000000af", "600507680C80000000000000000000AF", id="a UID in either case"),
        pytest.param(f" {'6' * 32}\n", "6" * 32, id="blanks around it"),
        pytest.param("6" * 31, None, id="a digit too few"),
        pytest.param("orders", None, id="a name"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_uid_of_a_volume_is_believed_only_if_it_is_one(written: str, believed: str | None) -> None:
    meta = ObjectMeta.model_validate({**META, "annotations": {VOLUME_UID: written}})

    assert meta.asked.volume_uid == believed
