"""The detach rate limit allows a number of detaches per window, counts before they are executed and loses no count."""

from typing import Any

import pytest

from flashsystem_operator.api.array import ArrayStatus, DetachWindow, FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import remember
from flashsystem_operator.api.metadata import ALLOW_DETACHES, FORCE_DETACH
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.controller.writer import Reports
from flashsystem_operator.planner import policies
from flashsystem_operator.planner.decision import Act, Reason, Wait
from flashsystem_operator.planner.policies import RateLimiter
from support.builders import array, attachment, desired, uid
from support.detach_fixtures import DATA, OURS

NOW = "2026-03-01T12:00:00Z"
ACT = Act((UnmapVolume(OURS.name, DATA.name, DATA.uid),))


def at(minute: int, count: int) -> dict[str, Any]:
    """A window that began at this minute of 11 o'clock, with so many detaches."""
    return {"start": f"2026-03-01T11:{minute:02}:00Z", "count": count}


def limited(window: dict[str, Any] | None = None, allow: str | None = None, **status: Any) -> FlashSystemArray:
    """Return an array with a detach rate limit of 3 in 10 minutes."""
    annotations = {} if allow is None else {ALLOW_DETACHES: allow}
    return array(
        detach_rate_limit={"max": 3, "window": "10m"},
        status={"detach_window": window, **status},
        meta={"annotations": annotations},
    )


def leaving(name: str = "a", **meta: Any) -> VolumeAttachment:
    return attachment(name, "node", meta={"deleting": True, **meta})


def count_allowed(resource: FlashSystemArray, *, most: int = 50, **state: Any) -> int:
    """Count the detaches that are allowed in one plan."""
    limiter, allowed = RateLimiter.of(desired(of=resource, now=NOW, **state)), 0
    for number in range(most):
        each = leaving(f"a{number}")
        if isinstance(limiter.limit(each, ACT), Act):
            limiter.take(each)
            allowed += 1
    return allowed


def test_without_a_rate_limit_all_detaches_are_allowed() -> None:
    assert count_allowed(array()) == 50


@pytest.mark.parametrize(
    ("counted", "allowed"),
    [
        (None, 3),
        (at(55, 1), 2),
        (at(55, 3), 0),
        (at(55, 9), 0),
        (at(49, 3), 3),
        (at(50, 3), 3),
        (at(51, 3), 0),
        ({"start": "2026-03-01T13:00:00Z", "count": 2}, 1),
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
def test_no_more_detaches_than_the_limit_are_allowed_in_a_window(counted: dict[str, Any] | None, allowed: int) -> None:
    assert count_allowed(limited(counted)) == allowed


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
def test_an_impossible_time_counts_as_the_present_and_expires_like_it(time: str | None) -> None:
    forged = limited({"start": time, "count": 3})

    decision = RateLimiter.of(desired(of=forged, now=NOW)).limit(leaving(), ACT)
    assert isinstance(decision, Wait)
    assert "It goes on at 2026-03-01T12:10:00Z" in decision.message
    assert decision.retry == 600
    assert policies.recorded_detaches(forged, NOW)["detach_window"] == DetachWindow(start=NOW, count=3)


@pytest.mark.parametrize("counted", [at(53, 3), at(53, 9)], ids=["as many as allowed", "more, after a burst"])
def test_at_the_reported_time_the_next_window_begins(counted: dict[str, Any]) -> None:
    decision = RateLimiter.of(desired(of=limited(counted), now=NOW)).limit(leaving(), ACT)

    assert isinstance(decision, Wait)
    assert "It goes on at 2026-03-01T12:03:00Z" in decision.message
    assert RateLimiter.of(desired(of=limited(counted), now="2026-03-01T12:02:59Z")).left == 0
    assert RateLimiter.of(desired(of=limited(counted), now="2026-03-01T12:03:00Z")).left == 3


def test_a_time_with_another_time_zone_is_read_correctly() -> None:
    assert count_allowed(limited({"start": "2026-03-01T13:55:00+02:00", "count": 2})) == 1
    assert count_allowed(limited({"start": "2026-03-01T06:49:00-05:00", "count": 2})) == 3


def test_an_allowed_burst_does_not_start_again_with_the_next_window() -> None:
    allow = "4/2026-03-01T12:30:00Z"
    first = policies.count_detaches(limited(at(55, 3), allow), 4, NOW)
    later = limited(allow=allow).model_copy(update={"status": first})

    assert count_allowed(later) == 0
    assert (
        RateLimiter.of(desired(of=later, now="2026-03-01T12:20:00Z")).left == 3
    )  # the limit itself still allows these


def test_counts_are_neither_negative_nor_unlimited() -> None:
    for nonsense in (-9, 2**62):
        read = remember(ArrayStatus, {"detachWindow": at(55, nonsense)})
        assert read.detach_window is None or read.detach_window.count is None
    written = policies.count_detaches(limited({"start": NOW, "count": 1_000_000}), 2, NOW)
    assert written.detach_window == DetachWindow(start=NOW, count=1_000_000)


def test_the_message_of_a_waiting_detach_gives_the_time_at_which_it_continues_and_the_override() -> None:
    decision = RateLimiter.of(desired(of=limited(at(55, 3)), now=NOW)).limit(leaving(), ACT)

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.DETACH_RATE_LIMITED
    assert "It goes on at 2026-03-01T12:05:00Z" in decision.message
    assert ALLOW_DETACHES in decision.message
    assert decision.retry == 300


def test_a_forced_detach_is_allowed_and_counted() -> None:
    forced = leaving("forced", uid="u-1", annotations={FORCE_DETACH: "u-1"})
    limiter = RateLimiter.of(desired(of=limited(at(55, 3)), now=NOW))
    assert limiter.limit(forced, ACT) == ACT
    limiter.take(forced)
    assert isinstance(limiter.limit(leaving("b"), ACT), Wait)

    limiter = RateLimiter.of(desired(of=limited(at(55, 2)), now=NOW))
    limiter.take(forced)
    assert isinstance(limiter.limit(leaving("b"), ACT), Wait)


def test_a_retried_detach_is_not_counted_twice() -> None:
    tried = leaving("tried", uid="u-1")

    limiter = RateLimiter.of(desired(of=limited(at(55, 3)), now=NOW, counted={"u-1": "2026-03-01T11:55:00Z"}))
    assert limiter.limit(tried, ACT) == ACT

    limiter = RateLimiter.of(desired(of=limited(at(55, 3)), now=NOW, counted={"u-1": "2026-03-01T11:45:00Z"}))
    assert isinstance(limiter.limit(tried, ACT), Wait)  # counted in an earlier window


def test_a_window_in_which_nothing_was_counted_holds_no_place() -> None:
    state = desired(of=limited(), now=NOW, counted={"u-1": NOW})

    assert not policies.is_counted("u-1", policies.current_window(state.array, NOW), state)


@pytest.mark.parametrize(
    ("allow", "allowed"),
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
def test_an_allowed_burst_applies_until_it_expires(allow: str, allowed: int) -> None:
    assert count_allowed(limited(allow=allow)) == allowed


def test_an_allowance_that_cannot_be_read_is_reported() -> None:
    decision = RateLimiter.of(desired(of=limited(at(55, 3), allow="lots"), now=NOW)).limit(leaving(), ACT)

    assert isinstance(decision, Wait)
    assert "'lots', does not have this form" in decision.message


def test_the_annotation_of_the_array_is_not_disclosed_to_another_namespace() -> None:
    decision = RateLimiter.of(desired(of=limited(at(55, 3), allow="lots"), now=NOW)).limit(
        leaving(namespace="other"), ACT
    )

    assert isinstance(decision, Wait)
    assert "lots" not in decision.message


def test_an_allowed_burst_is_used_up_even_beyond_the_window() -> None:
    allow = "40/2026-03-01T12:30:00Z"
    used = limited(at(20, 30), allow, allowance={"value": allow, "count": 30})
    assert count_allowed(used) == 10

    fresh = limited(at(20, 30), allow, allowance={"value": "another", "count": 30})
    assert count_allowed(fresh) == 40


def test_detaches_are_added_to_the_current_window_and_otherwise_begin_a_new_one() -> None:
    added = policies.count_detaches(limited(at(55, 1)), 2, NOW)
    assert added.detach_window == DetachWindow(start="2026-03-01T11:55:00Z", count=3)
    assert added.allowance is None

    new = policies.count_detaches(limited(at(30, 3)), 2, NOW)
    assert new.detach_window == DetachWindow(start=NOW, count=2)


def test_the_count_of_an_allowed_burst_is_kept_until_it_expires() -> None:
    allow = "40/2026-03-01T12:30:00Z"
    before = limited(at(20, 30), allow, allowance={"value": allow, "count": 30})
    written = policies.count_detaches(before, 1, NOW)

    assert written.allowance
    assert (written.allowance.value, written.allowance.count) == (allow, 31)
    after = before.model_copy(update={"status": written})
    assert policies.recorded_detaches(after, NOW)["allowance"] == written.allowance
    assert policies.recorded_detaches(after, "2026-03-01T12:30:00Z")["allowance"] is None


def test_a_window_that_is_over_is_removed_from_the_status() -> None:
    counted = limited(at(55, 3))

    assert policies.recorded_detaches(counted, NOW)["detach_window"] == counted.status.detach_window
    assert policies.recorded_detaches(counted, "2026-03-01T12:05:00Z")["detach_window"] is None


def test_nothing_is_written_for_detaches_that_were_counted_before() -> None:
    counted = limited(at(55, 2))

    assert policies.count_detaches(counted, 0, NOW) == counted.status


def test_a_status_without_a_rate_limit_has_no_counts() -> None:
    assert policies.count_detaches(array(), 5, NOW) == array().status
    status = {"detach_window": at(55, 1)}
    assert policies.recorded_detaches(array(status=status), NOW) == {"detach_window": None, "allowance": None}


def waiting(name: str) -> VolumeAttachment:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "DetachRateLimited",
        "message": "x",
        "last_transition_time": NOW,
    }
    return attachment(name, "node", uid(1), status={"conditions": [condition]}, meta={"deleting": True})


def test_the_array_reports_how_many_deletions_wait() -> None:
    note = policies.rate_limit_note(desired(waiting("a"), waiting("b"), leaving("c"), of=limited(at(55, 3)), now=NOW))

    assert note is not None
    assert note.kind == "DetachRateLimited"
    assert "2 deletions" in note.message
    assert policies.rate_limit_note(desired(leaving("c"), of=limited(at(55, 3)), now=NOW)) is None
    assert policies.rate_limit_note(desired(waiting("a"), now=NOW)) is None


def test_a_takeover_does_not_make_the_array_forget_that_deletions_wait() -> None:
    condition = {"type": "DetachRateLimited", "status": "True", "reason": "DetachRateLimited", "message": "x"}
    reporting = limited(at(55, 3), conditions=[{**condition, "last_transition_time": NOW}])

    assert policies.rate_limit_note(desired(leaving(), of=reporting, now=NOW, all_in_doubt=True)) is not None
    assert policies.rate_limit_note(desired(leaving(), of=reporting, now=NOW)) is None


def test_the_array_report_is_renewed_when_the_number_of_waiting_deletions_changes() -> None:
    note = policies.rate_limit_note(desired(waiting("a"), of=limited(at(55, 3)), now=NOW))
    assert note is not None
    condition = {"type": "DetachRateLimited", "status": "True", "reason": note.reason, "message": note.message}
    reporting = limited(at(55, 3), conditions=[{**condition, "last_transition_time": NOW}])

    assert not Reports.is_outdated(desired(waiting("a"), of=reporting, now=NOW))
    assert Reports.is_outdated(desired(waiting("a"), waiting("b"), of=reporting, now=NOW))
    assert Reports.is_outdated(desired(of=reporting, now=NOW))
    assert Reports.is_outdated(desired(waiting("a"), of=limited(at(55, 3)), now=NOW))
