"""How Flux, kpt and Helm read a status: kstatus, by its documentation, for kinds that it has no rules of its own for.

Source: https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus (README, and the comments of Compute).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any


class Kstatus(StrEnum):
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


def kstatus(thing: Mapping[str, Any]) -> Kstatus:
    """Of one object as the API server gives it. Each rule answers, or leaves it to the next."""
    meta, status = thing["metadata"], thing.get("status") or {}
    if meta.get("deletionTimestamp"):
        return Kstatus.TERMINATING
    if "generation" in meta and status.get("observedGeneration", meta["generation"]) != meta["generation"]:
        return Kstatus.IN_PROGRESS
    conditions = status.get("conditions") or ()
    return _by_standard_conditions(conditions) or _by_ready(conditions) or Kstatus.CURRENT


def _by_standard_conditions(conditions: Iterable[Mapping[str, Any]]) -> Kstatus | None:
    """The first of Reconciling and Stalled that is True, in the order of the list."""
    means = {"Reconciling": Kstatus.IN_PROGRESS, "Stalled": Kstatus.FAILED}
    return next(
        (means[each["type"]] for each in conditions if each["type"] in means and each["status"] == "True"), None
    )


def _by_ready(conditions: Iterable[Mapping[str, Any]]) -> Kstatus | None:
    """Ready False and Unknown are both under way. An object without Ready counts as done, so each of ours needs one."""
    means = {"True": Kstatus.CURRENT, "False": Kstatus.IN_PROGRESS, "Unknown": Kstatus.IN_PROGRESS}
    return next((means[each["status"]] for each in conditions if each["type"] == "Ready"), None)
