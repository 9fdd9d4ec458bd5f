"""The list in the docstring of a package names each of its modules and folders, and nothing else."""

import importlib
import re
from pathlib import Path

import pytest


@pytest.mark.parametrize("package", ["planner", "controller"])
def test_the_docstring_of_a_package_lists_its_modules(package: str) -> None:
    module = importlib.import_module(f"flashsystem_operator.{package}")
    rows = re.findall(r"^([a-z_]+(?:, [a-z_]+)*)  +\S", module.__doc__ or "", re.MULTILINE)
    listed = {name for row in rows for name in row.split(", ")}
    (folder,) = map(Path, module.__path__)
    existing = {each.stem for each in folder.glob("*.py")} | {each.parent.name for each in folder.glob("*/__init__.py")}

    assert listed == existing - {"__init__"}
