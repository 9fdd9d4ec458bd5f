"""What every condition and every reason means, and what to do. The texts are in reasons.yaml."""

from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

import yaml

from flashsystem_operator.planner.decision import Reason


class Entry(NamedTuple):
    """kinds: the kinds that have it, of array, host, volume and attachment.

    means, remedy: parts of sentences, in Markdown. remedy is empty where nothing is to be done.
    """

    kinds: str
    means: str
    remedy: str = ""


_TEXTS = yaml.load((files("flashsystem_operator.planner") / "reasons.yaml").read_text("utf-8"), yaml.CSafeLoader)

REASONS: Mapping[Reason, Entry] = {Reason(name): Entry(**entry) for name, entry in _TEXTS["reasons"].items()}
CONDITIONS: Mapping[str, str] = _TEXTS["conditions"]
"""Conditions that are always present, with what holds if they are True."""
FURTHER: Mapping[str, str] = _TEXTS["further"]
"""Conditions that are present, and True, only while they have something to report."""
