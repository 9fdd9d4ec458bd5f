"""When what nobody watches is read again."""

from flashsystem_operator.controller.outputs import APART, Rereading
from support.clock import Clock


def test_what_was_never_read_or_is_wished_otherwise_is_read_at_once() -> None:
    again = Rereading(Clock())
    assert again.is_due("a", "one")

    again.seen("a", "one")
    again.seen("b", "one")

    assert again.is_due("a", "two")
    assert not again.is_due("b", "one")
    again.forget("b")
    assert again.is_due("b", "one")


def test_few_are_read_at_each_look_and_many_as_often_as_the_api_server_bears() -> None:
    clock = Clock()
    again, many = Rereading(clock), [str(number) for number in range(10_000)]
    again.seen("0", "one")
    clock.now += 1
    assert again.is_due("0", "one")

    for uid in many:
        again.seen(uid, "one")
    for uid in many:
        again.seen(uid, "one")
    clock.now += 0.4 * APART * len(many)
    assert not any(again.is_due(uid, "one") for uid in many)
    clock.now += 0.6 * APART * len(many)
    assert all(again.is_due(uid, "one") for uid in many)


def test_those_that_are_gone_are_forgotten_and_make_nobody_wait() -> None:
    clock = Clock()
    again = Rereading(clock)
    for number in range(10_000):
        again.seen(str(number), "one")

    again.keep_only(["0"])
    again.seen("0", "one")

    clock.now += APART
    assert again.is_due("0", "one")
    assert again.is_due("1", "one")
