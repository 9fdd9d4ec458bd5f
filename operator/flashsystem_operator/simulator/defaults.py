"""The two arrays that are there when no state file says otherwise: the files in arrays/."""

import copy
import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from flashsystem_operator.simulator.release import PARTITIONS, Dialect, Level


def sections(dialect: Dialect, release: object) -> dict[str, Any]:
    """Every section of a state file for a small array of this dialect, with a handful of volumes and no host.

    release: as the state file has it, not yet looked at; None is that of the built-in array.
    """
    found = copy.deepcopy(_read(dialect))
    newer = found.pop("from_8_7", {})
    if isinstance(release, str) and re.match(r"\d+(\.\d+)*$", release) and Level.of(dialect, release).at(*PARTITIONS):
        for section, things in newer.items():
            found[section] += things
    return found


@cache
def _read(dialect: Dialect) -> dict[str, Any]:
    text = (files("flashsystem_operator.simulator") / "arrays" / f"{dialect}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
