"""A table of decisions is the specification: each case opens with the sentence that it proves."""

from typing import NamedTuple

from flashsystem_operator.planner.decision import Decision, InSync, Reason, Refuse, Release, Wait


class Case(NamedTuple):
    """decision: what was decided. expect: that, or its kind and reason. contains: texts of its message."""

    because: str
    decision: Decision | None
    expect: Decision | Reason | type[Release] | None
    contains: tuple[str, ...] = ()


def sentence(case: Case) -> str:
    return case.because


def hold(case: Case) -> None:
    """Assert that the decision is the expected one, and that its message has what an administrator needs."""
    decided, expected = case.decision, case.expect
    if isinstance(expected, Reason):
        assert isinstance(decided, InSync | Wait | Refuse), decided
        assert decided.reason is expected, decided.message
    elif isinstance(expected, type):
        assert isinstance(decided, expected)
    else:
        assert decided == expected
    for text in case.contains:
        assert text in _message(decided)


def _message(decision: Decision | None) -> str:
    match decision:
        case InSync(_, message) | Wait(_, message) | Refuse(_, message):
            return message
        case Release(left):
            return left
        case _:
            return ""
