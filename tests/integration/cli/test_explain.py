"""`explain` shows what a code of the array means, as text for users and as JSON for programs."""

import json

import pytest
from click.testing import CliRunner, Result

from flashsystem_operator.cli import main
from flashsystem_operator.planner.codes import TABLE


def explain(*args: str) -> Result:
    return CliRunner().invoke(main, ["explain", *args], prog_name="flashsystem-operator")


def test_a_code_is_explained_with_what_to_do() -> None:
    result = explain("CMMVC5879E")

    assert result.exit_code == 0
    assert "CMMVC5879E" in result.output
    assert "This LUN of the host is taken by another volume." in result.output
    assert "create the attachment again with another LUN" in result.output
    assert "LUNTaken" in result.output


def test_a_meaning_that_depends_on_the_command_is_explained_for_each_command() -> None:
    result = explain("5804E")

    assert "For rmvdiskhostmap: The volume is not mapped to this host" in result.output
    assert "For mkvdiskhostmap: The volume is not there." in result.output
    assert "Otherwise: Something that the command names is not there." in result.output


def test_json_output_is_the_same_as_a_list() -> None:
    rows = json.loads(explain("CMMVC5804E", "-o", "json").output)

    assert {row["command"] for row in rows} == {"", "mkvdiskhostmap", "rmvdiskhostmap", "lshostiplogin"}
    assert {(row["code"], row["known"]) for row in rows} == {("CMMVC5804E", True)}
    assert {row["severity"] for row in rows} == {"retry", "change the spec", "done"}


@pytest.mark.parametrize("output", ["plain", "json"])
def test_an_unknown_code_is_reported_as_unknown_and_the_other_codes_are_still_explained(output: str) -> None:
    result = explain("CMMVC1234E", "CMMVC5879E", "-o", output)

    assert result.exit_code == 1
    assert "CMMVC1234E" in result.output
    assert "does not know this code" in result.output
    assert "taken by another volume" in result.output


def test_an_unknown_warning_is_still_explained_as_a_command_that_was_done() -> None:
    result = explain("CMMVC1234W")

    assert result.exit_code == 1
    assert "the command was done" in result.output


def test_without_a_code_all_codes_are_explained() -> None:
    assert all(each.means in explain().output for each in TABLE)
    assert len(json.loads(explain("-o", "json").output)) == len(TABLE)


def test_text_without_a_code_is_a_usage_error_reported_in_one_line() -> None:
    result = explain("hello")

    assert result.exit_code == 2
    assert "'hello' has no code in it" in result.output
