"""The array's shell is a bash: quoted text is data, and unquoted shell syntax is code that no client may send."""

import asyncio
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.simulator import Simulator
from flashsystem_operator.simulator.console.shell import Answer, Reader, run
from support.plain_ssh import Open, Start


def arguments(text: str) -> list[str]:
    line = Reader(text).read()
    assert not line.fatal
    return line.pieces[0].said(0)


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1))
def test_arguments_quoted_for_a_shell_arrive_unchanged(unquoted: list[str]) -> None:
    line = Reader(shlex.join(unquoted)).read()

    assert line.suspects == []
    assert line.pieces[0].said(0) == unquoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ("a'b'\"c\"\\ d", ["abc d"]),
        (r'"a\"b\\c\$d\`e\f"', [r'a"b\c$d`e\f']),
        ("'$(x) `y` ; | & > < * $z'", ["$(x) `y` ; | & > < * $z"]),
        ('"; | & > < * \n ( )"', ["; | & > < * \n ( )"]),
        ("''", [""]),
        ("a$ $", ["a$", "$"]),
        ("a=b -delim ! -filtervalue? x", ["a=b", "-delim", "!", "-filtervalue?", "x"]),
    ],
)
def test_quoting_is_that_of_bash(text: str, expected: list[str]) -> None:
    assert arguments(text) == expected


@pytest.mark.parametrize(
    ("text", "suspect"),
    [
        ("svcinfo lshost $(reboot)", "command substitution"),
        ('svcinfo lshost "$(reboot)"', "command substitution"),
        ("svcinfo lshost `reboot`", "command substitution"),
        ('svcinfo lshost "`reboot`"', "command substitution"),
        ("svcinfo lshost $HOME", "expansion"),
        ('svcinfo lshost "${HOME}"', "expansion"),
        ("svcinfo lshost | grep a", "pipe"),
        ("svcinfo lshost & reboot", "background"),
        ("svcinfo lshost > file", "redirection"),
        ("svcinfo lshost < file", "redirection"),
        ("svcinfo lshost (a)", "parenthesis"),
        ("svcinfo lshost\nreboot", "newline"),
        ("svcinfo lshost # comment", "comment"),
        ("svcinfo lshost *", "glob"),
        ("svcinfo lshost a?", "glob"),
        ("svcinfo lshost [ab]", "glob"),
        ("svcinfo lshost {a,b}", "brace expansion"),
        ("svcinfo lshost ~", "tilde"),
    ],
)
def test_shell_syntax_that_is_not_quoted_is_named_in_the_log(
    text: str, suspect: str, modern: Simulator, log_in: Open
) -> None:
    reply = log_in(modern)(text)
    entry = modern.control.log()[-1]

    assert reply.status != 0
    assert suspect in entry["shell"]
    assert entry["line"] == text


@pytest.mark.parametrize("text", ["lshost 'a", 'lshost "a', "lshost ;; lshost", "; lshost", "lshost &&"])
def test_an_invalid_line_is_a_syntax_error(text: str, modern: Simulator, log_in: Open) -> None:
    reply = log_in(modern)(text)

    assert (reply.stdout, reply.status) == ("", 2)
    assert reply.stderr.startswith("rbash: ")


@pytest.mark.parametrize(
    ("text", "stdout", "status"),
    [
        ("echo a b", "a b\n", 0),
        ("echo -n a", "a", 0),
        ("echo;", "\n", 0),
        ("good; echo $?", "good\n0\n", 0),
        ('bad; echo "rc=$?"', "rc=1\n", 0),
        ("bad; echo '$?'", "$?\n", 0),
        ("bad && echo no", "", 1),
        ("bad || echo marker $?", "marker 1\n", 0),
        ("good || echo no && echo yes", "good\nyes\n", 0),
        ("bad && echo no || echo yes", "yes\n", 0),
        ("good;bad", "good\n", 1),
        ("good;bad;good", "good\ngood\n", 0),
    ],
)
def test_chains_work_as_in_bash(text: str, stdout: str, status: int) -> None:
    async def command(arguments: list[str]) -> Answer:
        return Answer("good\n") if arguments == ["good"] else Answer(stderr="bad\n", status=1)

    whole = asyncio.run(run(Reader(text).read(), command))

    assert (whole.stdout, whole.status) == (stdout, status)


def test_each_part_of_a_chain_is_one_command_in_the_log_except_echo(modern: Simulator, log_in: Open) -> None:
    log_in(modern)("lshost;echo;svctask mkhost -name a -iscsiname iqn.a;echo;lshost -delim ! missing || echo $?")

    entry = modern.control.log()[-1]
    assert [(c["verb"], c["writes"], c["exit"], c["code"]) for c in entry["commands"]] == [
        ("lshost", False, 0, ""),
        ("mkhost", True, 0, ""),
        ("lshost", False, 1, "CMMVC5754E"),
    ]
    assert entry["exit"] == 0
    assert entry["shell"] == []


@pytest.mark.parametrize("text", ["svcinfo lshost;echo", "svcinfo lshost || echo x", "echo hello", "svcinfo lshost $?"])
def test_the_legacy_shell_accepts_no_chain_unless_allowed(text: str, legacy: Simulator, log_in: Open) -> None:
    shell = log_in(legacy)

    refused = shell(text)
    legacy.control.change("rules", shell_chains=True)

    assert (refused.code, refused.stdout) == ("CMMVC6070E", "")
    assert shell(text).code != "CMMVC6070E"


def test_nothing_of_a_line_that_the_legacy_shell_refuses_is_executed(legacy: Simulator, log_in: Open) -> None:
    log_in(legacy)("svctask mkhost -name a -iscsiname iqn.a; echo")

    assert legacy.control.state()["hosts"] == []


def test_verbs_need_their_prefix_on_legacy_and_may_have_it_on_modern(start: Start, log_in: Open) -> None:
    legacy, modern = log_in(start(dialect="legacy")), log_in(start(dialect="modern"))

    assert legacy("lshost").status == 127
    assert "command not found" in legacy("lshost").stderr
    assert modern("lshost").status == modern("svcinfo lshost").status == 0
    assert legacy("svctask lshost").status == modern("svctask lshost").status == 127
    assert legacy("svcinfo mkhost -iscsiname iqn.a").status == 127
    assert modern("svcinfo lsnothing").status == modern("reboot").status == 127
