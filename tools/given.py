"""Which reasons the code sets, and with which condition, read from the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

from flashsystem_operator.planner.decision import Reason

PACKAGE = Path(__file__).parents[1] / "operator" / "flashsystem_operator"

TRUE_CONDITION = {"InSync": "Ready", "Wait": "Reconciling", "Refuse": "Stalled"}
"""Which condition is True after a decision of that name, as in planner/text.py."""


def given_by_the_code() -> dict[Reason, set[str]]:
    """The conditions that are True when a reason is set; an empty set for a reason that is never set."""
    given: dict[Reason, set[str]] = {reason: set() for reason in Reason}
    for name, condition in _reasons_set():
        given[Reason[name]].add(condition)
    return given


def _reasons_set() -> Iterator[tuple[str, str]]:
    """Each reason in the code, by its name, with the condition that is True when it is set.

    Reasons that no decision carries are returned by `conditions.py` with a message: those of a pass that continues.
    """
    for node in _nodes():
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


def noted_by_the_code() -> set[str]:
    """The additional conditions that decisions carry as notes."""
    calls = (node for node in _nodes() if isinstance(node, ast.Call))
    firsts = (
        call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Note" and call.args
    )
    return {first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)}


def names_in_the_code() -> set[str]:
    """Every string literal in the code."""
    return {node.value for node in _nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _nodes() -> Iterator[ast.AST]:
    for file in PACKAGE.rglob("*.py"):
        yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))
