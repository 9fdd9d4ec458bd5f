"""Every code block of the README and of the tutorial is run by a test, and the check of its output can fail."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from onkind.pages import README, TUTORIAL, Block, block, blocks, printed_as
from onkind.terminal import Failed, Terminal, a_terminal

TESTS = Path(__file__).parents[2]
BOX_CORNER = "┌─"
"""A character that only diagrams contain."""


def covered_beginnings() -> Iterator[str]:
    """Yield the beginnings of the README blocks that a call of `block` names, in tests or the kind lab."""
    for file in (*TESTS.rglob("*.py"), *(TESTS.parent / ".ci" / "lab").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name("block"), [ast.Name("README"), ast.Constant(str(begins))]):
                    yield begins
                case _:
                    pass


def test_every_block_of_the_readme_is_covered_by_a_test() -> None:
    covered = {block(README, begins) for begins in covered_beginnings()}

    assert [str(each) for each in blocks(README) if each not in covered and BOX_CORNER not in each.text] == []


def test_every_block_of_the_tutorial_is_a_command_or_its_output() -> None:
    found = blocks(TUTORIAL)

    assert {each.language for each in found} == {"sh", "text"}
    assert [str(current) for previous, current in pairwise(found) if is_unrelated_output(previous, current)] == []


def is_unrelated_output(previous: Block, current: Block) -> bool:
    """Whether the block is output that follows no command of the same shell."""
    return current.language == "text" and (previous.language != "sh" or bool(previous.title))


def test_the_ci_script_runs_the_commands_of_the_readme() -> None:
    script = (TESTS.parent / ".ci" / "run").read_text(encoding="utf-8")

    command = block(README, "make test").text.strip()
    assert f'stage "{command}" {command} ' in script
    assert 'stage "make e2e" make e2e ' in script


@pytest.mark.parametrize(
    ("expected", "output", "matches"),
    [
        ("Ready", "Ready\n", True),
        ("Ready", "NotReady\n", False),
        ("Ready", "Ready\nand more\n", False),
        ("Ready\nand more", "Ready\n", False),
        ("NAME  AGE\nx ...", "NAME   AGE\nx      5s\n", True),
        ("NAME  AGE\nx ...", "NAME   AGE\nx      5s\ny      5s\n", False),
        ("NAME  AGE\nx ...", "NAME   AGE\ny      5s\n", False),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...\nd", "a\nd\n", True),
        ("a\n...\nd", "a\nb\n", False),
        ("ssh-ed25519 AAAA...", "ssh-ed25519 AAAAC3Nza\n", True),
        ("ssh-ed25519 AAAA...", "ssh-rsa AAAAC3Nza\n", False),
        ("(a|b)", "a\n", False),
    ],
)
def test_shown_output_matches_only_printed_output_that_is_equal_apart_from_placeholders(
    expected: str, output: str, *, matches: bool
) -> None:
    assert printed_as(expected, output) is matches


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with a_terminal(tmp_path, {"PATH": "/usr/bin:/bin"}) as opened:
        yield opened


def test_shell_state_set_in_one_block_is_kept_in_the_next(terminal: Terminal) -> None:
    terminal.type("greeting=hello\ngreet() {\n  echo $greeting $1\n}\n")

    assert terminal.type("greet you >&2\npwd") == f"hello you\n{TESTS.parent}\n"


@pytest.mark.parametrize(
    "text",
    [
        "false\ntrue",
        "false | true",
        "x=$(false)\ntrue",
        "f() { false; true; }\nf",
        "no-such-program",
        "cd /nowhere; true",
    ],
)
def test_any_failing_command_fails_its_block(terminal: Terminal, text: str) -> None:
    with pytest.raises(Failed, match="ended with code"):
        terminal.type(text)
    assert terminal.type("echo on") == "on\n"


def test_a_block_that_does_not_return_fails(terminal: Terminal) -> None:
    with pytest.raises(Failed, match="no end within"):
        terminal.type("echo before\nsleep 60", seconds=0.1)
