"""A deletion counts as recent for a fixed time after it was first seen, and no longer."""

from flashsystem_operator.controller.executor import DeletionDebounce
from support.builders import attachment
from support.clock import Clock


def test_each_deletion_is_recent_for_its_own_time() -> None:
    clock = Clock()
    debounce = DeletionDebounce(clock, 3.0)
    first, second = (attachment(name, "node", meta={"deleting": True}) for name in ("a", "b"))
    present = attachment("present", "node")

    assert debounce.seconds_left([first, present]) == {first.ref: 3.0}
    clock.now += 2
    assert debounce.seconds_left([first, second, present]) == {first.ref: 1.0, second.ref: 3.0}
    clock.now += 1
    assert debounce.seconds_left([first, second]) == {second.ref: 2.0}
    clock.now += 60
    assert debounce.seconds_left([first, second]) == {}


def test_the_deletion_of_a_recreated_object_is_another_deletion() -> None:
    clock = Clock()
    debounce = DeletionDebounce(clock, 3.0)
    first, again = (attachment("a", "node", meta={"deleting": True}) for _ in range(2))
    debounce.seconds_left([first])
    clock.now += 60

    assert debounce.seconds_left([again]) == {again.ref: 3.0}
