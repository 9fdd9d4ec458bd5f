"""The command listener gets every command that the array was given, once, with its result."""

from collections.abc import Callable
from contextlib import closing, suppress

import pytest

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.errors import ArrayError, OutcomeUnknown, Unreachable
from flashsystem_operator.array.session import CommandResult, Ending, Run, Session
from flashsystem_operator.array.ssh.transport import Reply
from flashsystem_operator.values import HostName
from support.in_process import Answers, InProcess

NODE = HostName("node-1")


def results_of(connections: Answers | InProcess, action: Callable[[Session], object]) -> list[CommandResult]:
    """Return the results that the listener gets during an action."""
    results: list[CommandResult] = []

    def connect(_: Callable[[Run], None]) -> Answers | InProcess:
        return connections

    with closing(Session(connect, None, 1, results.append)) as session, suppress(ArrayError):
        action(session)
    return results


def failing(error: ArrayError) -> Answers:
    def answer(_: str) -> Reply:
        raise error

    return Answers(answer)


@pytest.mark.parametrize(
    ("answers", "ending", "code"),
    [
        pytest.param(Answers(lambda _: Reply("", "", 0)), Ending.DONE, "", id="done"),
        pytest.param(Answers(lambda _: Reply("", "CMMVC6372W Full.", 1)), Ending.WARNED, "CMMVC6372W", id="warned"),
        pytest.param(Answers(lambda _: Reply("", "CMMVC5753E No.", 1)), Ending.REFUSED, "CMMVC5753E", id="refused"),
        pytest.param(Answers(lambda _: Reply("", "No.", 1)), Ending.REFUSED, "", id="refused without a code"),
        pytest.param(Answers(lambda _: Reply("", "CMMVC5753E", 0)), Ending.UNREADABLE, "", id="unreadable"),
        pytest.param(failing(OutcomeUnknown("rmhost", "cut")), Ending.UNKNOWN, "", id="unknown"),
    ],
)
def test_a_command_is_reported_with_its_verb_its_ending_and_the_arrays_code(
    answers: Answers, ending: Ending, code: str
) -> None:
    (result,) = results_of(answers, lambda session: session.do(RemoveHost(NODE)))

    assert (result.verb, result.ending, result.code) == ("rmhost", ending, code)
    assert result.seconds is not None


def test_a_command_that_was_not_sent_has_no_duration() -> None:
    (result,) = results_of(failing(Unreachable("no")), lambda session: session.do(RemoveHost(NODE)))

    assert (result.ending, result.seconds) == (Ending.NOT_SENT, None)


def test_the_duration_is_that_of_the_transport_without_the_wait_for_a_turn() -> None:
    answers = Answers(lambda _: Reply("", "", 0, seconds=7.5))

    (result,) = results_of(answers, lambda session: session.do(RemoveHost(NODE)))

    assert result.seconds == 7.5


def test_a_query_for_a_missing_object_is_an_answer_and_not_an_error() -> None:
    answers = Answers(lambda _: Reply("", "CMMVC5754E No such object.", 1))

    (result,) = results_of(answers, lambda session: session.find(queries.host(NODE)))

    assert (result.verb, result.ending) == ("lshost", Ending.ABSENT)


def test_chained_queries_are_each_reported_and_their_line_once_with_its_duration() -> None:
    with InProcess() as array:
        array.admin("svctask mkhost -name here -iscsiname iqn.1994-05.com.redhat:here")
        names = [HostName("here"), HostName("nowhere")]

        results = results_of(array, lambda session: session.hosts(names))

    assert [(each.verb, each.ending) for each in results] == [
        ("chain", Ending.DONE),
        ("lshost", Ending.DONE),
        ("lshost", Ending.ABSENT),  # it is queried again separately
    ]
    assert [each.seconds is None for each in results] == [False, True, False]


def test_an_unreadable_answer_is_reported_wherever_it_occurs() -> None:
    (result,) = results_of(Answers(lambda _: Reply("nonsense", "", 0)), lambda session: session.ask(queries.SYSTEM))

    assert (result.verb, result.ending) == ("lssystem", Ending.UNREADABLE)
