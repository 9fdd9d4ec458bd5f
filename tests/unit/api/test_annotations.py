"""What annotations ask for is read once for an object, and never taken from another object."""

from flashsystem_operator.api.metadata import PAUSED, RELEASE, ObjectMeta

META = {"name": "one", "namespace": "team", "uid": "u-1", "annotations": {PAUSED: "true"}}


def test_what_annotations_ask_for_is_read_once_for_each_object() -> None:
    meta = ObjectMeta.model_validate(META)

    assert meta.asked.paused
    assert meta.asked is meta.asked
    assert ObjectMeta(name="one", namespace="team").asked is not None


def test_a_copy_with_other_annotations_is_read_anew() -> None:
    meta = ObjectMeta.model_validate(META)
    assert not meta.released

    let_go = meta.model_copy(update={"annotations": {RELEASE: "u-1"}})

    assert let_go.released
    assert not let_go.asked.paused
    assert meta.asked.paused


def test_whether_they_were_read_makes_no_two_of_equal_ones() -> None:
    one, other = ObjectMeta.model_validate(META), ObjectMeta.model_validate(META)
    assert one.asked.paused

    assert one == other
    assert one.model_dump() == other.model_dump()
    assert one.model_dump(mode="json")["annotations"] == {PAUSED: "true"}
