"""When objects without a watch are read again."""

from flashsystem_operator.controller.outputs import APART, Rereading
from support.clock import Clock


def test_an_object_never_read_or_with_a_changed_desired_state_is_read_at_once() -> None:
    rereading = Rereading(Clock())
    assert rereading.is_due("a", "one")

    rereading.seen("a", "one")
    rereading.seen("b", "one")

    assert rereading.is_due("a", "two")
    assert not rereading.is_due("b", "one")
    rereading.forget("b")
    assert rereading.is_due("b", "one")


def test_few_objects_are_read_each_time_and_many_only_as_often_as_the_api_server_can_handle() -> None:
    clock = Clock()
    rereading, many = Rereading(clock), [str(number) for number in range(10_000)]
    rereading.seen("0", "one")
    clock.now += 1
    assert rereading.is_due("0", "one")

    for uid in many:
        rereading.seen(uid, "one")
    for uid in many:
        rereading.seen(uid, "one")
    clock.now += 0.4 * APART * len(many)
    assert not any(rereading.is_due(uid, "one") for uid in many)
    clock.now += 0.6 * APART * len(many)
    assert all(rereading.is_due(uid, "one") for uid in many)


def test_objects_that_are_gone_are_forgotten_and_delay_no_other_object() -> None:
    clock = Clock()
    rereading = Rereading(clock)
    for number in range(10_000):
        rereading.seen(str(number), "one")

    rereading.keep_only(["0"])
    rereading.seen("0", "one")

    clock.now += APART
    assert rereading.is_due("0", "one")
    assert rereading.is_due("1", "one")
