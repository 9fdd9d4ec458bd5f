"""docs/resources.md is true: its tables say of every kind and reason what the code does, and of no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flashsystem_operator.api.kinds import Kind
from flashsystem_operator.reconcile.decision import Reason

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "resources.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.partition("## Reasons")[2].splitlines()
    if line.startswith("| `")
]
KINDS = {"array", "host", "attachment"}
READY = {Reason.READY, Reason.ATTACHED, Reason.NOT_NEEDED}

TRUE_CONDITION = {"InSync": "Ready", "Wait": "Reconciling", "Refuse": "Stalled"}
"""Which condition is True after a decision of that name: reconcile/conditions.py says so too."""

FURTHER = {"Paused"}
"""The conditions that are there only while a decision notes them."""


def test_every_reason_has_one_line_and_nothing_else_has() -> None:
    assert [row[0].strip("`") for row in ROWS] == [reason.value for reason in Reason]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_each_line_says_what_it_means_and_what_to_do(row: list[str]) -> None:
    reason, conditions, kinds, meaning, remedy = row

    assert set(kinds.split(", ")) <= KINDS
    assert meaning
    assert bool(remedy) == (Reason(reason.strip("`")) not in READY)
    assert set(conditions.split(" or ")) <= {*TRUE_CONDITION.values(), *FURTHER}


def test_each_reason_comes_with_the_condition_that_its_line_names() -> None:
    documented = {row[0].strip("`"): set(row[1].split(" or ")) for row in ROWS}
    given: dict[str, set[str]] = {reason.value: set() for reason in Reason}
    for name, condition in said_by_the_code():
        given[Reason[name].value].add(condition)

    assert documented == given


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_introduced_with_its_short_name(kind: Kind) -> None:
    assert f"| `{kind}` | `{kind.short_name}` |" in TEXT
    assert f"\n## {kind}\n" in TEXT


def said_by_the_code() -> Iterator[tuple[str, str]]:
    """Each reason of the code, by its name, with the condition that is True when it is given.

    What a decision does not carry itself, `conditions.py` returns together with a message: of a pass that goes on.
    """
    for file in (ROOT / "operator" / "flashsystem_operator").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=decision), args=[ast.Attribute(ast.Name("Reason"), name), *_]) if (
                    decision in TRUE_CONDITION
                ):
                    yield name, TRUE_CONDITION[decision]
                case ast.Call(func=ast.Name("Note"), args=[ast.Constant(str(kind)), ast.Attribute(_, name), _]):
                    yield name, kind
                case ast.Return(value=ast.Tuple(elts=[ast.Attribute(ast.Name("Reason"), name), _])):
                    yield name, "Reconciling"
                case _:
                    pass


def test_examples_and_components_that_the_page_names_are_there() -> None:
    for path in re.findall(r"`(manifests/[^`]+)`", TEXT):
        assert (ROOT / path).exists(), path
