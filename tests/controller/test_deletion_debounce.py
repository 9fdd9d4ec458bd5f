"""A deletion is fresh for a while after it was first heard of, and no longer."""

from flashsystem_operator.controller.pass_memory import DeletionDebounce
from support.builders import attachment
from support.clock import Clock


def test_each_deletion_is_fresh_for_its_own_time() -> None:
    clock = Clock()
    settling = DeletionDebounce(clock, 3.0)
    first, second = (attachment(name, "node", meta={"deleting": True}) for name in ("a", "b"))
    there = attachment("there", "node")

    assert settling.seconds_left([first, there]) == {first.ref: 3.0}
    clock.now += 2
    assert settling.seconds_left([first, second, there]) == {first.ref: 1.0, second.ref: 3.0}
    clock.now += 1
    assert settling.seconds_left([first, second]) == {second.ref: 2.0}
    clock.now += 60
    assert settling.seconds_left([first, second]) == {}


def test_a_namesake_is_another_deletion() -> None:
    clock = Clock()
    settling = DeletionDebounce(clock, 3.0)
    first, again = (attachment("a", "node", meta={"deleting": True}) for _ in range(2))
    settling.seconds_left([first])
    clock.now += 60

    assert settling.seconds_left([again]) == {again.ref: 3.0}
