"""`explain` says what a code of the array means, to a person and to a program."""

import json

import pytest
from click.testing import CliRunner, Result

from flashsystem_operator.cli import main
from flashsystem_operator.planner.codes import TABLE


def explain(*words: str) -> Result:
    return CliRunner().invoke(main, ["explain", *words], prog_name="flashsystem-operator")


def test_a_code_is_explained_with_what_to_do() -> None:
    told = explain("CMMVC5879E")

    assert told.exit_code == 0
    assert "CMMVC5879E" in told.output
    assert "This LUN of the host is taken by another volume." in told.output
    assert "create the attachment again with another LUN" in told.output
    assert "LUNTaken" in told.output


def test_what_hangs_on_the_command_is_told_for_each() -> None:
    told = explain("5804E")

    assert "For rmvdiskhostmap: The volume is not mapped to this host" in told.output
    assert "For mkvdiskhostmap: The volume is not there." in told.output
    assert "Otherwise: Something that the command names is not there." in told.output


def test_a_program_gets_the_same_as_a_list() -> None:
    rows = json.loads(explain("CMMVC5804E", "-o", "json").output)

    assert {row["command"] for row in rows} == {"", "mkvdiskhostmap", "rmvdiskhostmap", "lshostiplogin"}
    assert {(row["code"], row["known"]) for row in rows} == {("CMMVC5804E", True)}
    assert {row["severity"] for row in rows} == {"retry", "change the spec", "done"}


@pytest.mark.parametrize("output", ["plain", "json"])
def test_a_code_that_nobody_knows_is_said_to_be_unknown_and_the_others_are_told_all_the_same(output: str) -> None:
    told = explain("CMMVC1234E", "CMMVC5879E", "-o", output)

    assert told.exit_code == 1
    assert "CMMVC1234E" in told.output
    assert "does not know this code" in told.output
    assert "taken by another volume" in told.output


def test_an_unknown_warning_is_still_said_to_mean_that_it_was_done() -> None:
    told = explain("CMMVC1234W")

    assert told.exit_code == 1
    assert "the command was done" in told.output


def test_without_a_code_all_are_told() -> None:
    assert all(each.means in explain().output for each in TABLE)
    assert len(json.loads(explain("-o", "json").output)) == len(TABLE)


def test_what_is_no_code_is_a_mistake_told_in_one_line() -> None:
    told = explain("hello")

    assert told.exit_code == 2
    assert "'hello' has no code in it" in told.output
