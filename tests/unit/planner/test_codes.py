"""Every error code that the sources name is explained, depending on the command that the array refused."""

import re
from pathlib import Path

import pytest
import yaml

from flashsystem_operator.array import commands, volume_commands
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.planner import codes
from flashsystem_operator.planner.codes import TABLE, Meaning, Severity
from flashsystem_operator.planner.decision import Reason

STEPS = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (commands, volume_commands))
NAMED = yaml.safe_load((Path(__file__).parent / "codes.yaml").read_text())


def name(each: Meaning) -> str:
    return f"{each.code} {each.verb}".strip()


@pytest.mark.parametrize("code", NAMED)
def test_every_code_that_a_source_names_is_explained_whatever_the_command(code: str) -> None:
    assert codes.meaning(code, "unknown command")


def test_no_code_is_explained_unless_a_source_names_it() -> None:
    assert {each.code for each in TABLE} == set(NAMED)


def test_a_code_has_one_meaning_for_each_command() -> None:
    keys = [(each.code, each.verb) for each in TABLE]

    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("each", TABLE, ids=name)
def test_a_meaning_is_written_in_full_sentences_and_has_a_remedy(each: Meaning) -> None:
    texts = [each.means, *([each.remedy] if each.remedy else [])]

    assert all(text[0].isupper() and text.endswith(".") for text in texts)
    assert bool(each.remedy) or each.severity is Severity.DONE


@pytest.mark.parametrize("code", sorted(set(re.findall(r"CMMVC\d{4}[EW]", STEPS))))
def test_every_code_that_a_step_can_be_refused_with_is_explained(code: str) -> None:
    assert codes.meanings(code)


VOLUME_PROTECTION = [*range(8457, 8464), 8478, 8479, *range(8481, 8485)]


@pytest.mark.parametrize("number", VOLUME_PROTECTION)
def test_a_refusal_by_volume_protection_is_retried_and_named_as_such(number: int) -> None:
    found = codes.meaning(f"CMMVC{number}E", "svctask rmvdiskhostmap")

    assert found
    assert found.severity is Severity.RETRY
    assert "Volume protection" in found.means


def test_too_many_sessions_are_not_reported_as_a_wrong_password() -> None:
    found = codes.meaning("CMMVC7017E", "lssystem")

    assert found
    assert (found.severity, found.reason) == (Severity.RETRY, Reason.REFUSED_BY_ARRAY)
    assert "sessions" in found.means


@pytest.mark.parametrize("code", ["CMMVC7016E", "CMMVC9003E"])
def test_a_key_that_the_array_does_not_accept_is_a_failed_login(code: str) -> None:
    found = codes.meaning(code, "")

    assert found
    assert (found.severity, found.reason) == (Severity.ADMIN, Reason.LOGIN_FAILED)


@pytest.mark.parametrize(
    ("line", "severity", "reason"),
    [
        ("svctask rmvdiskhostmap -host node data", Severity.DONE, Reason.REFUSED_BY_ARRAY),
        ("rmvdiskhostmap -host node data", Severity.DONE, Reason.REFUSED_BY_ARRAY),
        ("svctask mkvdiskhostmap -host node -scsi 1 data", Severity.SPEC, Reason.VOLUME_NOT_FOUND),
        ("svctask something", Severity.RETRY, Reason.REFUSED_BY_ARRAY),
        ("", Severity.RETRY, Reason.REFUSED_BY_ARRAY),
    ],
)
def test_one_code_has_different_meanings_for_different_commands(line: str, severity: Severity, reason: Reason) -> None:
    refused = Refused(line, "CMMVC5804E The action failed because an object that was specified does not exist.")

    found = codes.meaning(refused.code, codes.verb_of(refused.line))

    assert found
    assert (found.severity, found.reason) == (severity, reason)
    assert found.means in codes.remark(refused)


@pytest.mark.parametrize(
    ("code", "verb", "severity", "reason"),
    [
        ("CMMVC5860E", "mkvolume", Severity.ADMIN, Reason.POOL_FULL),
        ("CMMVC5860E", "expandvdisksize", Severity.ADMIN, Reason.POOL_FULL),
        ("CMMVC6035E", "mkvdisk", Severity.RETRY, Reason.NAME_TAKEN),
        ("CMMVC6035E", "chvdisk", Severity.ADMIN, Reason.NAME_CHANGED),
        ("CMMVC6035E", "mkhost", Severity.RETRY, Reason.REFUSED_BY_ARRAY),
        ("CMMVC8587E", "expandvdisksize", Severity.RETRY, Reason.REFUSED_BY_ARRAY),
        ("CMMVC8957E", "rmvolume", Severity.DONE, Reason.REFUSED_BY_ARRAY),
        ("CMMVC5753E", "rmvdisk", Severity.DONE, Reason.REFUSED_BY_ARRAY),
        ("CMMVC5753E", "expandvdisksize", Severity.RETRY, Reason.REFUSED_BY_ARRAY),
        ("CMMVC8906E", "chthrottle", Severity.RETRY, Reason.REFUSED_BY_ARRAY),
        ("CMMVC8906E", "rmthrottle", Severity.DONE, Reason.REFUSED_BY_ARRAY),
    ],
)
def test_a_code_has_a_meaning_of_its_own_for_each_command_of_a_volume(
    code: str, verb: str, severity: Severity, reason: Reason
) -> None:
    found = codes.meaning(code, verb)

    assert found
    assert (found.severity, found.reason) == (severity, reason)


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("rmvdisk", "CMMVC5840E"),
        *(("rmvdisk", f"CMMVC{number}E") for number in (6349, 8375, 8698, 8699, 9726, 9829, 9833)),
        *(("rmvolume", f"CMMVC{number}E") for number in (8787, 8788, 8789, 8790, 8810, 9117, 9118, 9825)),
    ],
)
def test_a_volume_that_is_kept_for_what_uses_it_is_not_taken_for_one_under_volume_protection(
    verb: str, code: str
) -> None:
    """A refusal to delete that is only to be tried again may be volume protection, if that is on."""
    found = codes.meaning(code, verb)

    assert found
    assert found.severity is Severity.ADMIN


def test_the_meaning_of_an_unknown_code_is_not_guessed_and_the_user_is_asked_to_report_it() -> None:
    refused = Refused("svctask mkhost", "CMMVC1234E Quelque chose")

    assert not codes.known(refused)
    assert "does not know this code" in codes.remark(refused)
    assert "please report it" in codes.remark(refused)


def test_the_user_is_not_asked_to_look_up_a_refusal_without_a_code() -> None:
    refused = Refused("svctask mkhost", "rbash: mkhost: command not found")

    assert codes.known(refused)
    assert "no code" in codes.remark(refused)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("CMMVC5879E", "CMMVC5879E"),
        ("cmmvc5879e", "CMMVC5879E"),
        ("5879", "CMMVC5879E"),
        ("6372W", "CMMVC6372W"),
        ("the array refused `svctask rmhost a`: CMMVC5871E The action failed", "CMMVC5871E"),
        ("port 2222 is taken", ""),
        ("CMMVC58", ""),
        ("", ""),
    ],
)
def test_a_code_is_found_in_any_text_that_was_typed_or_pasted(typed: str, code: str) -> None:
    assert codes.code_of(typed) == code
