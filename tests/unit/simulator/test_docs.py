"""docs/simulator.md is correct: its examples run, and it names every option."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

import flashsystem_operator.simulator as package
from flashsystem_operator.simulator.dispatch import VERBS
from flashsystem_operator.simulator.server.control import PICKERS
from flashsystem_operator.simulator.server.faults import Order
from flashsystem_operator.simulator.state.config import load, validated
from flashsystem_operator.simulator.state.rules import Limits, Rules

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_state_file_of_the_docs_is_an_array() -> None:
    [text] = blocks("yaml")

    assert load(yaml.safe_load(text)).hosts[0].name == "worker-1"


def test_the_python_of_the_docs_runs() -> None:
    [text] = blocks("python")

    exec(compile(text, "docs/simulator.md", "exec"), {})  # noqa: S102 -- our own page


@pytest.mark.parametrize("text", [text for text in blocks("json") if "fault" in text])
def test_the_faults_of_the_docs_can_be_ordered(text: str) -> None:
    assert validated(Order, json.loads(text)).verb


@pytest.mark.parametrize("model", [Rules, Limits])
def test_every_option_is_documented_with_its_meaning(model: type[Rules] | type[Limits]) -> None:
    for name, field in model.model_fields.items():
        assert re.search(rf"^\| `{name}` \| .* \| {re.escape(str(field.description))} \|$", TEXT, re.MULTILINE), name


@pytest.mark.parametrize("names", [VERBS, PICKERS, Order.model_fields], ids=["verbs", "changes", "order"])
def test_every_verb_change_and_field_of_an_order_is_documented(names: dict[str, object]) -> None:
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def imported(file: Path) -> list[str]:
    """Return the absolute imports of a file, and those from above its own package as flashsystem..."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(f"flashsystem: {node.module}" if node.level > 1 else "" if node.level else str(node.module))
    return names


def test_the_simulator_imports_nothing_of_the_operator() -> None:
    """Shared code could hide the same mistake about the command line in both."""
    files = Path(str(package.__file__)).parent.rglob("*.py")
    foreign = [
        (file.name, name)
        for file in files
        for name in imported(file)
        if name.startswith("flashsystem") and not name.startswith("flashsystem_operator.simulator")
    ]

    assert foreign == []
