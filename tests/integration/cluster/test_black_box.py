"""The end-to-end tests treat the operator as a black box: they import nothing of its code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("tests/e2e", ".ci/lab", "tests/lib/cluster")


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_of_the_operator_is_imported_by_files_of(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files

    imported = {(file.name, name) for file in files for name in modules(file)}

    assert {each for each in imported if each[1].startswith("flashsystem_operator")} == set()
    assert {each for each in imported if each[1].split(".")[0] in {"support", "demo"}} == set()


def modules(file: Path) -> list[str]:
    """The modules that a file imports, at the top and inside functions."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found
