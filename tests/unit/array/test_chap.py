"""CHAP secrets of hosts: read from the array's output, typed only in the commands that set them, never shown."""

import logging
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.array import queries
from flashsystem_operator.array.commands import ClearChap, SetChap, line, shown, typed
from flashsystem_operator.array.dialect import objects
from flashsystem_operator.array.errors import ArrayError, Refused, Unreadable
from flashsystem_operator.array.model import capabilities
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.ssh.transport import Reply
from flashsystem_operator.values import ChapSecret, HostName, chap_secret
from support.in_process import Answers, InProcess, connected
from support.transcripts import transcripts

CANARY = "canary-s3cr3t's"
SECRET = ChapSecret(CANARY)
NODE = HostName("node-1")
SET = SetChap(NODE, SECRET, "-chapsecret")
HEADER = "type!id!name!iscsi_auth_method!iscsi_chap_secret\n"


OF_8_7 = HEADER.strip() + "!cluster_iscsi_auth_method!cluster_iscsi_chap_secret!iscsiusername\n"


def read(text: str) -> dict[HostName, ChapSecret | None]:
    return dict(objects.secrets(text, "lsiscsiauth"))


def test_the_recorded_view_is_read() -> None:
    (recorded,) = (each for each in transcripts() if each.verb == "lsiscsiauth")

    assert read(recorded.stdout) == {"worker-7-04711234": ChapSecret("s3cr3ts3cr3t")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("", {}, id="empty output"),
        pytest.param(HEADER, {}, id="a header alone"),
        pytest.param(f"{HEADER}cluster!1!fs!chap!{CANARY}\n", {}, id="the system's own secret"),
        pytest.param(
            f"{HEADER}host!1!a!none!\nhost!2!b!chap!x!y\r\n", {"b": "x!y"}, id="a secret that contains the delimiter"
        ),
        pytest.param("name!iscsi_chap_secret!iscsi_auth_method!type\na!x!chap!host\n", {"a": "x"}, id="another order"),
        pytest.param(f"{OF_8_7}host!1!a!chap!x!none!!\n", {"a": "x"}, id="three more columns from 8.7 on"),
        pytest.param(
            f"{OF_8_7}host!1!a!chap!x!y!chap!{CANARY}!\n", {"a": "x!y"}, id="8.7: a secret that contains the delimiter"
        ),
        pytest.param(f"{OF_8_7}host!1!a!chap!x!chap!s!s!\n", {"a": "x"}, id="8.7: the system's secret contains it"),
        pytest.param(f"{HEADER}host!1!a!chap!no\nhost!2!b!none!no\n", {}, id="the array reports that there is none"),
    ],
)
def test_each_host_has_its_secret(text: str, found: dict[str, str]) -> None:
    assert read(text) == {HostName(name): ChapSecret(secret) for name, secret in found.items()}


def test_a_secret_that_is_only_reported_as_set_is_not_taken_for_the_secret() -> None:
    assert read(f"{HEADER}host!1!a!chap!yes\n") == {HostName("a"): None}


def test_the_user_name_that_a_host_must_log_in_with_is_read() -> None:
    (secret,) = read(f"{OF_8_7}host!1!a!chap!x!none!!someone\n").values()

    assert secret is not None
    assert secret.username == "someone"


def test_a_row_with_two_secrets_that_may_contain_the_delimiter_is_unreadable_and_not_shown() -> None:
    error = failure(lambda: read(f"{OF_8_7}host!1!a!chap!{CANARY}!none!chap!{CANARY}!\n"))

    assert isinstance(error, Unreadable)
    assert CANARY not in str(error)


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
def test_text_that_cannot_be_read_is_not_shown(before: str, after: str) -> None:
    text = f"{before}{CANARY}{after}"

    error = failure(lambda: connected(Answers(lambda _: Reply(text, "", 0)), greeted=False).ask(queries.CHAP))

    assert CANARY not in rendered(error)


SYSTEM = next(each.stdout for each in transcripts("lssystem") if each.exit == 0)
WITH_SECRET = [*SYSTEM.splitlines(), "code_level!8.6.0.3 (build 1)", f"iscsi_chap_secret!{CANARY}", "layer!storage"]
REPLIES: Mapping[str, Callable[[str], Reply]] = {
    "it is read": lambda text: Reply(text, "", 0),
    "it is refused": lambda text: Reply(text, "", 1),
    "it reports success and an error": lambda text: Reply(text, "CMMVC5786E The action failed.", 0),
    "it is not text": lambda text: Reply(f"{text}\x00", "", 0),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("query", [queries.SYSTEM, queries.PROTECTION_TIME], ids=["system", "protection"])
@given(data=st.data())
def test_the_systems_own_secret_appears_in_no_error(
    query: Query[object], reply: Callable[[str], Reply], data: st.DataObject
) -> None:
    """Regardless of which lines are lost, repeated, damaged or joined."""
    lines = data.draw(st.lists(st.sampled_from([*WITH_SECRET, CANARY, f"{CANARY}!", "code_level!x", "id!?"])))
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n", "", "!"]), min_size=len(lines), max_size=len(lines)))
    text = "".join(map("".join, zip(lines, ends, strict=True)))
    for part in data.draw(st.sets(st.sampled_from(["iscsi_chap_secret!", "iscsi_chap_secret!", "iscsi_", "id!"]))):
        text = text.replace(part, "")
    session = connected(Answers(lambda _: reply(text)), greeted=False)

    error = failure(lambda: session.ask(query))

    assert CANARY not in rendered(error)
    assert CANARY not in repr(reply(text))


def rendered(error: BaseException | None) -> str:
    """Return everything that an error may show, including its causes."""
    if error is None:
        return ""
    return f"{error} {error!r} {error.args} {rendered(error.__cause__)} {rendered(error.__context__)}"


def failure(action: Callable[[], object]) -> ArrayError | None:
    """Return the error that the action raises, if any."""
    try:
        action()
    except ArrayError as error:
        return error
    return None


def test_output_next_to_a_refusal_is_not_shown() -> None:
    session = connected(Answers(lambda _: Reply(f"{HEADER}host!1!a!chap!{CANARY}\n", "", 1)), greeted=False)

    with pytest.raises(Refused) as refused:
        session.ask(queries.CHAP)

    assert CANARY not in str(refused.value)


def test_only_the_typed_line_contains_the_secret() -> None:
    assert typed(SET) == "svctask chhost -chapsecret 'canary-s3cr3t'\"'\"'s' node-1"
    assert shown(SET) == line(SET.argv()) == "svctask chhost -chapsecret '***' node-1"
    assert typed(ClearChap(NODE, "-nochapsecret")) == "svctask chhost -nochapsecret node-1"
    for text in (repr(SET), str(SET), repr(SECRET), str(SECRET), f"{SECRET}"):
        assert CANARY not in text


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Reply("", f"CMMVC5711E [{CANARY}] is not valid data.\n", 1), id="it repeats the secret"),
        pytest.param(Reply("", f"CMMVC5711E {typed(SET)}\n", 1), id="it repeats the line"),
        pytest.param(Reply(CANARY, "", 1), id="it prints the secret on stdout"),
        pytest.param(Reply("", f"{CANARY} CMMVC5711E", 0), id="it reports success and an error"),
        pytest.param(Reply("", f"CMMVC6372W {CANARY}", 1), id="it warns"),
    ],
)
def test_a_secret_that_the_array_repeats_appears_in_no_error_and_no_log(
    answer: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    error = failure(lambda: connected(Answers(lambda _: answer), greeted=False).do(SET))

    assert error is None or "***" in str(error)
    assert CANARY not in f"{error} {error!r} {error and (error.__cause__, error.__context__, error.args)}"
    assert CANARY not in caplog.text


@pytest.mark.parametrize("release", ["8.4.2.0", "8.6.0.0", "9.1.0.0"])
def test_a_secret_is_set_and_cleared_on_every_release(release: str) -> None:
    with InProcess({"dialect": "modern", "release": release}) as array:
        array.admin(f"svctask mkhost -iscsiname iqn.a -name {NODE}" + (" -protocol iscsi" * release.startswith("9")))
        session = array.session()
        options = capabilities(session.system).chap if session.system else None
        assert options is not None
        set_it, clear_it = options

        session.do(SetChap(NODE, SECRET, set_it))
        assert session.ask(queries.CHAP) == {NODE: SECRET}
        session.do(ClearChap(NODE, clear_it))
        assert session.ask(queries.CHAP) == {}


@pytest.mark.parametrize("text", ["a" * 12, "a" * 79, "aA0~!@#$%^&*()_+='\"`\\"])
def test_valid_secrets_are_accepted(text: str) -> None:
    assert chap_secret(text, "1").text == text


@pytest.mark.parametrize(
    "text", ["", "a" * 11, "a" * 80, "correct horse battery", "trailing-newline\n", "-dashed-secret", "ünïcödé-sécrét"]
)
def test_invalid_secrets_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="12 to 79") as error:
        chap_secret(text)

    assert not text or text not in str(error.value)
