"""Annotations are parsed once for an object, and the result is never used for another object."""

from flashsystem_operator.api.metadata import PAUSED, RELEASE, ObjectMeta

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
