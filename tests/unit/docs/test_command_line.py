"""docs/command-line.md lists all commands, and names only options that exist."""

import re
from pathlib import Path

import click
import pytest

from flashsystem_operator.cli import main

TEXT = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")
CONTEXT = click.Context(main)
COMMANDS = {name: main.get_command(CONTEXT, name) for name in main.list_commands(CONTEXT)}


def test_every_command_has_a_row() -> None:
    assert set(re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE)) == COMMANDS.keys()


def test_every_option_that_the_page_names_exists() -> None:
    known = {name for command in COMMANDS.values() if command for option in command.params for name in option.opts}

    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) - {"--help"}
    assert named <= known


@pytest.mark.parametrize("name", ["check", "plan", "import"])
def test_help_needs_nothing_that_is_slow_to_load(name: str) -> None:
    command = COMMANDS[name]
    assert command
    assert "Ends with 0" in command.get_help(click.Context(command, info_name=name))
