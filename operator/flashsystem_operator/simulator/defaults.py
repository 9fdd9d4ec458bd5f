"""The two arrays that are there when no state file says otherwise: the files in arrays/."""

import copy
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from .release import Dialect


def sections(dialect: Dialect) -> dict[str, Any]:
    """Every section of a state file for a small array of this dialect, with a handful of volumes and no host."""
    return copy.deepcopy(_read(dialect))


@cache
def _read(dialect: Dialect) -> dict[str, Any]:
    text = (files(__package__) / "arrays" / f"{dialect}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
