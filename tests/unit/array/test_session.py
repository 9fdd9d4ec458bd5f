"""A session with one array: answers sorted by what to do next, chained queries, and the identity of the system."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from flashsystem_operator.array import discovery, queries
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.errors import OtherSystem, OutcomeUnknown, Refused, Unreadable, Withheld
from flashsystem_operator.array.model import Host, Mapping
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.ssh.transport import Reply
from flashsystem_operator.values import HostName, VolumeName, code_in
from support.array_fixtures import RELEASES, A, B, config, facts
from support.builders import iqn
from support.in_process import Answers, InProcess, connected

TEXT: Query[str] = Query("ls", lambda text, _: text)
NODES = [HostName(f"node-{n}") for n in range(40)]
MISSING = HostName("missing")


def answering(answer: Reply | Callable[[str], Reply]) -> Session:
    reply = answer if callable(answer) else (lambda _: answer)
    return connected(Answers(reply), greeted=False)


# -- a login banner --------------------------------------------------------------------------------------------------


class Bannered(Answers):
    """An array with a login message (`chbanner`) above everything that it prints."""

    def __init__(self, array: InProcess, banner: str) -> None:
        super().__init__(self._above)
        self.array, self.banner = array, banner

    def _above(self, line: str) -> Reply:
        reply = self.array.run(line)
        return Reply(self.banner + reply.stdout, reply.stderr, reply.status)


BANNERS = ["Authorized users only!\n", "Property of ACME.\nYour password expires in 14 days.\n\n"]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("banner", BANNERS)
def test_an_array_with_a_login_banner_is_read_like_one_without(banner: str, width: int) -> None:
    with InProcess(config(RELEASES[3])) as array:
        with closing(array.session(width)) as plain:
            expected = discovery.survey(plain, None)
        with closing(connected(Bannered(array, banner), width=width)) as session:
            assert facts(discovery.survey(session, None)) == facts(expected)
            assert session.find(queries.host(MISSING)) is None


@pytest.mark.parametrize("later", ["", "Your password expires in 13 days.\n"])
def test_a_banner_may_change_or_disappear_during_a_connection(later: str) -> None:
    with InProcess(config(RELEASES[3])) as array:
        to = Bannered(array, "Your password expires in 14 days.\n")
        with closing(connected(to)) as session:
            before = [session.ask(queries.HOSTS), session.ask(queries.mappings_of_host(B))]
            to.banner = later

            assert [session.ask(queries.HOSTS), session.ask(queries.mappings_of_host(B))] == before


def test_lines_above_an_answer_that_are_not_the_banner_are_not_an_empty_list() -> None:
    with InProcess(config(RELEASES[3])) as array:
        to = Bannered(array, "Welcome.\n")
        with closing(
            connected(Answers(lambda line: to.run(line) if "lssystem" in line else Reply("Hm.", "", 0)))
        ) as session:
            for query in (queries.mappings_of_host(A), queries.host(A), queries.VOLUMES):
                with pytest.raises(Unreadable):
                    session.ask(query)


def test_a_warning_on_stdout_is_not_a_banner() -> None:
    with InProcess(config(RELEASES[3])) as array:
        to = Bannered(array, "CMMVC6372W The capacity is nearly used up.\n")
        with closing(connected(to)) as session, pytest.raises(Unreadable):
            session.ask(queries.mappings_of_host(B))


# -- one answer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply("text", "", 0), id="success"),
        pytest.param(Reply("text", "a banner of the shell\n", 0), id="success with a banner"),
        pytest.param(Reply("text", "CMMVC6372W nearly used up\n", 1), id="a warning is success"),
        pytest.param(Reply("text", "Welcome!\nCMMVC6372W nearly used up\n", 1), id="a warning after a banner"),
    ],
)
def test_an_answer_is_read(reply: Reply) -> None:
    with closing(answering(reply)) as session:
        assert session.ask(TEXT) == "text"


def test_a_query_answered_only_by_a_warning_is_not_an_empty_list() -> None:
    for status in (0, 1):
        with (
            closing(answering(Reply("", "CMMVC9377W not all can be shown", status))) as session,
            pytest.raises(Unreadable, match="CMMVC9377W"),
        ):
            session.ask(TEXT)


def test_an_empty_part_of_a_chain_with_a_warning_is_not_trusted() -> None:
    def answer(line: str) -> Reply:
        if ";" in line:
            return Reply("a\n-- flashsystem-operator: 0\n-- flashsystem-operator: 0\n", "CMMVC9377W not all", 0)
        return Reply("", "CMMVC9377W not all can be shown", 0)

    with closing(answering(answer)) as session, pytest.raises(Unreadable, match="CMMVC9377W"):
        session.ask_all([TEXT, TEXT])


def test_a_command_withheld_at_the_last_moment_is_never_sent(array: InProcess) -> None:
    def refuse() -> None:
        raise Withheld("the Lease was lost")

    with closing(array.session()) as session:
        before = list(array.lines)
        with pytest.raises(Withheld):
            session.do(RemoveHost(MISSING), refuse)

    assert array.lines == before


@pytest.mark.parametrize(
    ("stderr", "code"),
    [
        ("CMMVC5753E no such thing", "CMMVC5753E"),
        ("Last login: now\nCMMVC5753E no such thing", "CMMVC5753E"),
        ("CMMVC6372W nearly used up\nCMMVC5753E no such thing", "CMMVC5753E"),
        ("CMMVC5753E no such thing\nCMMVC6372W nearly used up", "CMMVC5753E"),
        ("rbash: lsthing: command not found", ""),
        ("", ""),
    ],
)
def test_a_refusal_is_found_at_any_position_and_keeps_the_arrays_message(stderr: str, code: str) -> None:
    with closing(answering(Reply("", stderr, 1))) as session, pytest.raises(Refused) as refused:
        session.ask(TEXT)

    assert refused.value.code == code
    assert stderr in str(refused.value)
    assert "svcinfo ls -delim" in str(refused.value)


def test_a_failure_with_output_only_on_stdout_keeps_that_output() -> None:
    with closing(answering(Reply("it went wrong", "", 3))) as session, pytest.raises(Refused, match="it went wrong"):
        session.ask(TEXT)


def test_success_and_a_refusal_at_once_are_not_trusted() -> None:
    with closing(answering(Reply("text", "CMMVC5753E", 0))) as session, pytest.raises(Unreadable):
        session.ask(TEXT)


@pytest.mark.parametrize("code", ["CMMVC5753E", "CMMVC5754E", "CMMVC8957E"])
def test_only_the_arrays_own_code_makes_an_object_count_as_missing(code: str) -> None:
    with closing(answering(Reply("", code, 1))) as session:
        assert session.find(TEXT) is None


@pytest.mark.parametrize("stderr", ["CMMVC6253E not authorized", "CMMVC5804E", "", "rbash: command not found"])
def test_any_other_failure_is_not_taken_for_a_missing_object(stderr: str) -> None:
    with closing(answering(Reply("", stderr, 1))) as session, pytest.raises(Refused):
        session.find(TEXT)


def test_a_warning_on_a_write_is_success_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with closing(answering(Reply("", "CMMVC6372W nearly used up", 1))) as session:
        session.do(RemoveHost(MISSING))

    assert "nearly used up" in caplog.text


@pytest.mark.parametrize(
    ("text", "code"), [("CMMVC12345E", ""), ("XCMMVC1234E", ""), ("(CMMVC1234E)", "CMMVC1234E"), ("CMMVC1234I", "")]
)
def test_a_code_is_matched_only_as_a_whole(text: str, code: str) -> None:
    assert code_in(text) == code


# -- the identity of the system --------------------------------------------------------------------------------------


def test_another_system_is_not_queried() -> None:
    with InProcess({"dialect": "modern"}) as array, closing(array.session()) as session:
        array.system.state.system.id = "00000204AAAAAAAA"

        with pytest.raises(OtherSystem):
            session.ask(queries.SYSTEM)


# -- chained queries -------------------------------------------------------------------------------------------------


def hosts(count: int) -> list[dict[str, Any]]:
    return [{"name": name, "ports": [{"name": iqn(name)}]} for name in NODES[:count]]


@pytest.fixture(params=["legacy", "modern"])
def array(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    with InProcess({"dialect": request.param, "hosts": hosts(40)}) as running:
        yield running


def test_chained_queries_are_answered_separately_and_a_missing_object_is_none(array: InProcess) -> None:
    names = [*NODES[:20], MISSING, *NODES[20:], HostName("it's; nothing $(either)")]
    with closing(array.session()) as session:
        for _ in range(2):
            found = session.hosts(names)

            assert list(found) == names
            assert {name for name, host in found.items() if host is None} == {names[20], names[-1]}
            there = {name: host for name, host in found.items() if isinstance(host, Host)}
            assert all(host.name == name and host.iqns == {iqn(name)} for name, host in there.items())
            assert there.keys() == set(NODES)


def test_queries_are_chained_if_the_arrays_shell_accepts_that_and_only_then() -> None:
    for chains, lines in ((True, 2), (False, 41)):
        with InProcess({"dialect": "modern", "hosts": hosts(40)}, shell_chains=chains) as array:
            with closing(array.session()) as session:
                before = len(array.lines)
                session.hosts(NODES)
                first = len(array.lines) - before
                session.hosts(NODES)

            assert first == lines
            assert len(array.lines) - before - first == (2 if chains else 40)


def test_a_slow_array_gets_chains_that_it_can_answer_in_time() -> None:
    """However slow a command is, no chain exceeds the time limit of a line, and all queries are answered in the end."""
    lengths: list[int] = []

    def answer(line: str) -> Reply:
        length = line.count(";") + 1 if ";" in line else 1
        lengths.append((length + 1) // 2)
        time.sleep(0.02 * lengths[-1])
        if lengths[-1] * 0.02 > 0.3:
            raise OutcomeUnknown(line, "no answer within 0.3 s")
        return Reply("a\n-- flashsystem-operator: 0\n" * lengths[-1] if ";" in line else "a\n", "", 0)

    with closing(Session(lambda _: Answers(answer), None, 1, timeout=0.3)) as session:
        with pytest.raises(OutcomeUnknown):
            session.ask_all([TEXT] * 40)
        assert session.ask_all([TEXT] * 40) == ["a\n"] * 40

    assert lengths[0] == 32
    assert max(lengths[1:]) <= 15


def test_a_single_query_is_never_a_chain(array: InProcess) -> None:
    with closing(array.session()) as session:
        session.hosts(NODES[:1])

    assert ";" not in array.lines[-1]


@pytest.mark.parametrize("stderr", ["CMMVC6253E not authorized", "CMMVC5753E"])
def test_a_failed_part_of_a_chain_is_queried_again_separately(stderr: str) -> None:
    def answer(line: str) -> Reply:
        if ";" in line:
            return Reply("a\n-- flashsystem-operator: 0\n-- flashsystem-operator: 1\n", stderr, 0)
        return Reply("", stderr, 1)

    with closing(answering(answer)) as session:
        if stderr == "CMMVC5753E":
            assert session.ask_all([TEXT, TEXT]) == ["a\n", None]
        else:
            with pytest.raises(Refused):
                session.ask_all([TEXT, TEXT])


def test_a_chain_that_was_answered_completely_before_and_partly_now_is_not_trusted() -> None:
    answers = iter([2, 1])

    def answer(_: str) -> Reply:
        return Reply("a\n-- flashsystem-operator: 0\n" * next(answers), "", 0)

    with closing(answering(answer)) as session:
        assert session.ask_all([TEXT, TEXT]) == ["a\n", "a\n"]
        with pytest.raises(Unreadable, match="2 commands were chained, 1 answered"):
            session.ask_all([TEXT, TEXT])


def test_a_part_without_a_final_newline_is_still_a_part() -> None:
    with closing(answering(Reply("a-- flashsystem-operator: 0\nb\n-- flashsystem-operator: 0", "", 0))) as session:
        assert session.ask_all([TEXT, TEXT]) == ["a", "b\n"]


# -- mappings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("dialect", ["legacy", "modern"])
def test_all_mappings_are_the_same_with_and_without_a_listing_of_all(dialect: str, listed: bool) -> None:
    pairs = [("node-0", "vol0", 1), ("node-0", "vol1", 2), ("node-2", "vol2", 0)]
    mappings = [{"host": host, "volume": volume, "lun": lun} for host, volume, lun in pairs]
    config = {"dialect": dialect, "hosts": hosts(3), "mappings": mappings}
    with InProcess(config, map_list_without_object=listed) as array, closing(array.session()) as session:
        dict(session.all_mappings(NODES[:3]))
        before = len(array.lines)
        found = dict(session.all_mappings(NODES[:3]))

        assert list(found) == NODES[:3]
        rows = [row for each in found.values() for row in each or ()]
        assert {(row.host, row.volume, row.lun) for row in rows if isinstance(row, Mapping)} == set(pairs)
        assert found[NODES[1]] == ()
        assert len(array.lines) - before == (1 if listed or dialect == "modern" else 3)


def test_mappings_are_queried_for_each_host_separately_if_a_host_may_be_missing(array: InProcess) -> None:
    with closing(array.session()) as session:
        assert dict(session.mappings([NODES[0], MISSING])) == {NODES[0]: (), MISSING: None}

    assert not any(line.endswith("lshostvdiskmap -delim '!'") for line in array.lines)


def test_a_volume_name_with_shell_syntax_in_it_finds_nothing(array: InProcess) -> None:
    with closing(array.session()) as session:
        assert session.find(queries.volume(VolumeName("$(reboot); `x`\n'"))) is None
