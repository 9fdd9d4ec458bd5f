"""The brake lets so many volumes go and no more, counts before they go, and forgets nothing that still counts."""

from typing import Any

import pytest

from flashsystem_operator.api.array import ArrayStatus, Detaches, FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import remember
from flashsystem_operator.api.metadata import ALLOW_DETACHES, FORCE_DETACH
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.controller.array_status import Reports
from flashsystem_operator.planner.decision import Act, Reason, Wait
from flashsystem_operator.planner.safety import detach_rate_limit
from flashsystem_operator.planner.safety.detach_rate_limit import RateLimiter
from support.builders import array, attachment, desired, uid
from support.detach_fixtures import DATA, OURS

NOW = "2026-03-01T12:00:00Z"
ACT = Act((UnmapVolume(OURS.name, DATA.name, DATA.uid),))


def at(minute: int, count: int) -> dict[str, Any]:
    return {"time": f"2026-03-01T11:{minute:02}:00Z", "count": count}


def braked(*detaches: dict[str, Any], allow: str | None = None, **status: Any) -> FlashSystemArray:
    """An array with a brake of 3 in 10 minutes."""
    annotations = {} if allow is None else {ALLOW_DETACHES: allow}
    return array(
        detach_rate_limit={"max": 3, "window": "10m"},
        status={"detaches": list(detaches), **status},
        meta={"annotations": annotations},
    )


def leaving(name: str = "a", **meta: Any) -> VolumeAttachment:
    return attachment(name, "node", meta={"deleting": True, **meta})


def lets_go(of: FlashSystemArray, *, most: int = 50, **around: Any) -> int:
    """How many of one plan go."""
    brakes, gone = RateLimiter.of(desired(of=of, now=NOW, **around)), 0
    for number in range(most):
        each = leaving(f"a{number}")
        if isinstance(brakes.judge(each, ACT), Act):
            brakes.take(each)
            gone += 1
    return gone


def test_without_a_brake_all_go() -> None:
    assert lets_go(array()) == 50


@pytest.mark.parametrize(
    ("counted", "go"),
    [
        ([], 3),
        ([at(55, 1)], 2),
        ([at(55, 1), at(58, 2)], 0),
        ([at(55, 9)], 0),
        ([at(49, 3)], 3),
        ([at(50, 3)], 3),
        ([at(51, 3)], 0),
        ([{"time": "2026-03-01T13:00:00Z", "count": 2}], 1),
    ],
    ids=[
        "none yet",
        "one",
        "all",
        "more",
        "long ago",
        "a window ago",
        "just within",
        "a clock that went back",
    ],
)
def test_so_many_go_in_a_window_and_no_more(counted: list[dict[str, Any]], go: int) -> None:
    assert lets_go(braked(*counted)) == go


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
        "2026-03-01T12:00:01Z",
        "2026-03-01T12:30:00",
        "zzz",
        "",
        None,
    ],
)
def test_a_time_at_which_nobody_can_have_counted_is_the_present_and_ends_as_that_does(time: str | None) -> None:
    forged = braked({"time": time, "count": 3})

    waits = RateLimiter.of(desired(of=forged, now=NOW)).judge(leaving(), ACT)
    assert isinstance(waits, Wait)
    assert "It goes on at 2026-03-01T12:10:00Z" in waits.message
    assert waits.retry == 600
    assert detach_rate_limit.said(forged, NOW)["detaches"] == (Detaches(time=NOW, count=3),)


@pytest.mark.parametrize(
    ("counted", "goes_on"),
    [
        ([at(51, 1), at(53, 2)], "12:01"),
        ([at(51, 1), at(53, 1), at(55, 3)], "12:05"),
        ([at(51, 2), at(53, 3), at(55, 1)], "12:03"),
        ([at(49, 5), at(53, 3)], "12:03"),
    ],
    ids=["as many as allowed", "more, after a burst", "more, since it was tightened", "what is out of the window"],
)
def test_the_time_that_is_told_is_one_at_which_one_more_goes(counted: list[dict[str, Any]], goes_on: str) -> None:
    waits = RateLimiter.of(desired(of=braked(*counted), now=NOW)).judge(leaving(), ACT)

    assert isinstance(waits, Wait)
    assert f"It goes on at 2026-03-01T{goes_on}:00Z" in waits.message
    assert RateLimiter.of(desired(of=braked(*counted), now=f"2026-03-01T{goes_on}:00Z")).left


def test_a_time_of_another_zone_is_read_as_what_it_is() -> None:
    assert lets_go(braked({"time": "2026-03-01T13:55:00+02:00", "count": 2})) == 1
    assert lets_go(braked({"time": "2026-03-01T06:49:00-05:00", "count": 2})) == 3


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59Z", "zzz", None])
def test_no_time_in_the_status_makes_an_allowed_burst_begin_for_ever(since: str | None) -> None:
    allow = "4/2026-03-01T12:30:00Z"
    first = detach_rate_limit.count(
        braked(at(55, 3), allow=allow, allowance={"value": allow, "since": since}), 4, [], NOW
    )
    later = braked(allow=allow).model_copy(update={"status": first})

    assert lets_go(later) == 0


def test_counts_are_not_negative_and_not_endless() -> None:
    for nonsense in (-9, 2**62):
        read = remember(ArrayStatus, {"detaches": [at(55, 2), at(56, nonsense)]})
        assert sum(each.count or 0 for each in read.detaches) == 2
    said = detach_rate_limit.count(braked({"time": NOW, "count": 1_000_000}), 2, [], NOW)
    assert [each.count for each in said.detaches] == [1_000_000]


def test_who_waits_is_told_when_it_goes_on_and_how_to_let_it_through() -> None:
    waits = RateLimiter.of(desired(of=braked(at(55, 1), at(58, 2)), now=NOW)).judge(leaving(), ACT)

    assert isinstance(waits, Wait)
    assert waits.reason is Reason.DETACH_RATE_LIMITED
    assert "It goes on at 2026-03-01T12:05:00Z" in waits.message
    assert ALLOW_DETACHES in waits.message
    assert waits.retry == 300


def test_one_that_is_forced_goes_and_counts() -> None:
    forced = leaving("forced", uid="u-1", annotations={FORCE_DETACH: "u-1"})
    brakes = RateLimiter.of(desired(of=braked(at(55, 3)), now=NOW))
    assert brakes.judge(forced, ACT) == ACT
    brakes.take(forced)
    assert isinstance(brakes.judge(leaving("b"), ACT), Wait)

    brakes = RateLimiter.of(desired(of=braked(at(55, 2)), now=NOW))
    brakes.take(forced)
    assert isinstance(brakes.judge(leaving("b"), ACT), Wait)


def test_one_that_is_tried_again_takes_no_second_place() -> None:
    tried = leaving("tried", uid="u-1")

    brakes = RateLimiter.of(desired(of=braked(at(55, 3)), now=NOW, counted={"u-1": "2026-03-01T11:55:00Z"}))
    assert brakes.judge(tried, ACT) == ACT

    brakes = RateLimiter.of(desired(of=braked(at(55, 3)), now=NOW, counted={"u-1": "2026-03-01T11:45:00Z"}))
    assert isinstance(brakes.judge(tried, ACT), Wait)


@pytest.mark.parametrize(
    ("allow", "go"),
    [
        ("40/2026-03-01T12:30:00Z", 40),
        ("40/2026-03-01T14:30:00+02:00", 40),
        ("1/2026-03-01T12:30:00Z", 3),
        ("40/2026-03-01T12:00:00Z", 3),
        ("40/2026-03-01T12:30:00", 3),
        ("40", 3),
        ("many/2026-03-01T12:30:00Z", 3),
        ("40/tomorrow", 3),
        ("40/9999-12-31T23:59:59-12:00", 3),
        ("40/0026-12-31T23:59:59Z", 3),  # a year that is short of two digits is long ago
        ("40/0001-01-01T00:00:00+12:00", 3),
        ("", 3),
    ],
)
def test_a_burst_that_is_allowed_goes_until_its_time_is_over(allow: str, go: int) -> None:
    assert lets_go(braked(allow=allow)) == go


def test_an_allowance_that_cannot_be_read_is_told() -> None:
    waits = RateLimiter.of(desired(of=braked(at(55, 3), allow="lots"), now=NOW)).judge(leaving(), ACT)

    assert isinstance(waits, Wait)
    assert "'lots', does not have this form" in waits.message


def test_another_namespace_does_not_read_what_the_array_is_annotated_with() -> None:
    waits = RateLimiter.of(desired(of=braked(at(55, 3), allow="lots"), now=NOW)).judge(leaving(namespace="other"), ACT)

    assert isinstance(waits, Wait)
    assert "lots" not in waits.message


def test_an_allowed_burst_is_used_up_even_beyond_the_window() -> None:
    allow = "40/2026-03-01T12:30:00Z"
    used = braked(at(20, 30), allow=allow, allowance={"value": allow, "since": "2026-03-01T11:15:00Z"})
    assert lets_go(used) == 10

    fresh = braked(at(20, 30), allow=allow, allowance={"value": "another", "since": "2026-03-01T11:15:00Z"})
    assert lets_go(fresh) == 40


def test_what_is_about_to_go_is_counted_and_what_is_over_is_forgotten() -> None:
    said = detach_rate_limit.count(braked(at(30, 3), at(55, 1)), 2, [], NOW)

    assert [(each.time, each.count) for each in said.detaches] == [("2026-03-01T11:55:00Z", 1), (NOW, 2)]
    assert said.allowance is None


def test_what_an_allowed_burst_took_is_kept_as_long_as_it_is_allowed() -> None:
    allow = "40/2026-03-01T12:30:00Z"
    said = detach_rate_limit.count(
        braked(at(20, 30), allow=allow, allowance={"value": allow, "since": "2026-03-01T11:15:00Z"}), 1, [], NOW
    )

    assert sum(each.count or 0 for each in said.detaches) == 31
    assert said.allowance
    assert said.allowance.since == "2026-03-01T11:15:00Z"


def test_one_that_is_tried_again_counts_once_and_from_now_on() -> None:
    said = detach_rate_limit.count(braked(at(55, 2)), 0, ["2026-03-01T11:55:00Z"], NOW)

    assert [(each.time, each.count) for each in said.detaches] == [("2026-03-01T11:55:00Z", 1), (NOW, 1)]


def test_of_too_many_entries_none_is_lost_and_none_gets_older() -> None:
    entries = [{"time": f"2026-03-01T11:{55 + n // 60}:{n % 60:02}Z", "count": 1} for n in range(64)]
    before = braked(*entries)

    said = detach_rate_limit.count(before, 5, [], NOW)

    assert len(said.detaches) == 64
    assert sum(each.count or 0 for each in said.detaches) == 69
    assert (said.detaches[0].time, said.detaches[0].count) == ("2026-03-01T11:55:01Z", 2)


def test_a_status_without_a_brake_is_left_without_counts() -> None:
    assert detach_rate_limit.count(array(), 5, [], NOW) == array().status
    assert detach_rate_limit.said(array(status={"detaches": [at(55, 1)]}), NOW) == {"detaches": (), "allowance": None}


def waiting(name: str) -> VolumeAttachment:
    said = {
        "type": "Ready",
        "status": "False",
        "reason": "DetachRateLimited",
        "message": "x",
        "last_transition_time": NOW,
    }
    return attachment(name, "node", uid(1), status={"conditions": [said]}, meta={"deleting": True})


def test_the_array_says_how_many_deletions_wait() -> None:
    told = detach_rate_limit.note(desired(waiting("a"), waiting("b"), leaving("c"), of=braked(at(55, 3)), now=NOW))

    assert told is not None
    assert told.kind == "DetachRateLimited"
    assert "2 deletions" in told.message
    assert detach_rate_limit.note(desired(leaving("c"), of=braked(at(55, 3)), now=NOW)) is None
    assert detach_rate_limit.note(desired(waiting("a"), now=NOW)) is None


def test_a_takeover_does_not_make_the_array_forget_that_deletions_wait() -> None:
    said = {"type": "DetachRateLimited", "status": "True", "reason": "DetachRateLimited", "message": "x"}
    told = braked(at(55, 3), conditions=[{**said, "last_transition_time": NOW}])

    assert detach_rate_limit.note(desired(leaving(), of=told, now=NOW, all_in_doubt=True)) is not None
    assert detach_rate_limit.note(desired(leaving(), of=told, now=NOW)) is None


def test_the_array_says_anew_how_many_wait_when_others_do() -> None:
    told = detach_rate_limit.note(desired(waiting("a"), of=braked(at(55, 3)), now=NOW))
    assert told is not None
    said = {"type": "DetachRateLimited", "status": "True", "reason": told.reason, "message": told.message}
    saying = braked(at(55, 3), conditions=[{**said, "last_transition_time": NOW}])

    assert not Reports.is_outdated(desired(waiting("a"), of=saying, now=NOW))
    assert Reports.is_outdated(desired(waiting("a"), waiting("b"), of=saying, now=NOW))
    assert Reports.is_outdated(desired(of=saying, now=NOW))
    assert Reports.is_outdated(desired(waiting("a"), of=braked(at(55, 3)), now=NOW))
