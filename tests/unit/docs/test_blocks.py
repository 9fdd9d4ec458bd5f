"""Every block of the README and of the tutorial is run by a test; and how that is judged can fail."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from onkind.pages import README, TUTORIAL, Block, block, blocks, printed_as
from onkind.terminal import Failed, Terminal, a_terminal

TESTS = Path(__file__).parents[2]
LINES = "┌─"
"""What only a picture has."""


def claims() -> Iterator[str]:
    """How the blocks of the README begin that are named in a call of `block`, in a test or what it stands on."""
    for file in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name("block"), [ast.Name("README"), ast.Constant(str(begins))]):
                    yield begins
                case _:
                    pass


def test_every_block_of_the_readme_is_claimed_by_a_test() -> None:
    claimed = {block(README, begins) for begins in claims()}

    assert [str(each) for each in blocks(README) if each not in claimed and LINES not in each.text] == []


def test_every_block_of_the_tutorial_is_typed_or_what_is_printed_then() -> None:
    found = blocks(TUTORIAL)

    assert {each.language for each in found} == {"sh", "text"}
    assert [str(now) for before, now in pairwise(found) if is_stray(before, now)] == []


def is_stray(before: Block, now: Block) -> bool:
    """Something printed that follows no command of this shell."""
    return now.language == "text" and (before.language != "sh" or bool(before.title))


def test_what_the_build_machine_runs_are_the_commands_of_the_readme() -> None:
    script = (TESTS.parent / ".ci" / "run").read_text(encoding="utf-8")

    command = block(README, "make test").text.strip()
    assert f'stage "{command}" {command} ' in script
    assert 'stage "make e2e" make e2e ' in script


@pytest.mark.parametrize(
    ("expected", "said", "is_so"),
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
def test_what_is_shown_is_what_is_printed(expected: str, said: str, *, is_so: bool) -> None:
    assert printed_as(expected, said) is is_so


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with a_terminal(tmp_path, {"PATH": "/usr/bin:/bin"}) as opened:
        yield opened


def test_what_is_set_in_one_block_is_so_in_the_next(terminal: Terminal) -> None:
    terminal.type("greeting=hello\nsay() {\n  echo $greeting $1\n}\n")

    assert terminal.type("say you >&2\npwd") == f"hello you\n{TESTS.parent}\n"


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
def test_whatever_fails_fails_its_block(terminal: Terminal, text: str) -> None:
    with pytest.raises(Failed, match="ended with code"):
        terminal.type(text)
    assert terminal.type("echo on") == "on\n"


def test_a_block_that_does_not_return_fails(terminal: Terminal) -> None:
    with pytest.raises(Failed, match="no end within"):
        terminal.type("echo before\nsleep 60", seconds=0.1)
