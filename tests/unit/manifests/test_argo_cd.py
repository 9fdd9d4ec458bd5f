"""What Argo CD shows of our objects: the script, run as Argo CD runs it, and the patch for its ConfigMap."""

from typing import Any, NamedTuple

import pytest
import yaml
from lupa.lua51 import LuaError
from tools.argo import PATCH, SCRIPT, Health, health, patch

from flashsystem_operator.api.metadata import GROUP, Kind


class Case(NamedTuple):
    """conditions: `Ready: Reason` is True, `!Ready: Reason` is False; its message is `Ready says so.`"""

    because: str
    expect: Health
    conditions: tuple[str, ...] = ()
    seen: int | None = 7
    deleted: bool = False


STALE = Health("Progressing", "The operator has not reconciled this version yet.")

CASES = [
    Case("what the operator has not seen is progressing", STALE, seen=-1),
    Case("what has no status at all is progressing", STALE, seen=None),
    Case("what was said of another generation does not count", STALE, ("Ready: Attached",), seen=6),
    Case("a failure of another generation does not count either", STALE, ("Stalled: LUNTaken",), seen=6),
    Case(
        "Ready is healthy", Health("Healthy", "Ready says so."), ("Ready: Attached", "!Reconciling: x", "!Stalled: x")
    ),
    Case(
        "Ready with something to note beside is healthy",
        Health("Healthy", "Ready says so."),
        ("Ready: Attached", "Drifted: SharedBeyondSpec", "NearLimit: NearLimit"),
    ),
    Case(
        "Reconciling is progressing",
        Health("Progressing", "Reconciling says so."),
        ("!Ready: HostNotFound", "Reconciling: HostNotFound", "!Stalled: x"),
    ),
    Case(
        "Stalled is degraded",
        Health("Degraded", "Stalled says so."),
        ("!Ready: LUNTaken", "!Reconciling: x", "Stalled: LUNTaken"),
    ),
    Case("a pause of what is Ready is told", Health("Suspended", "Paused says so."), ("Ready: x", "Paused: Paused")),
    Case(
        "a pause says what it holds back",
        Health("Suspended", "Ready says so."),
        ("!Ready: Paused", "Reconciling: Paused", "Paused: Paused"),
    ),
    Case("a pause hides no failure", Health("Degraded", "Stalled says so."), ("!Ready: x", "Stalled: x", "Paused: x")),
    Case(
        "plan mode holds back until somebody ends it",
        Health("Suspended", "Ready says so."),
        ("!Ready: Planned", "Reconciling: Planned"),
    ),
    Case(
        "so does a release before the object is deleted",
        Health("Suspended", "Ready says so."),
        ("!Ready: Released", "Reconciling: Released"),
    ),
    Case(
        "an array that cannot be reached is degraded, though it may come back by itself",
        Health("Degraded", "Reachable says so."),
        ("!Ready: Unreachable", "Reconciling: Unreachable", "!Reachable: Unreachable"),
    ),
    Case(
        "also while it is paused",
        Health("Degraded", "Reachable says so."),
        ("!Ready: Unreachable", "Reconciling: Unreachable", "!Reachable: Unreachable", "Paused: Paused"),
    ),
    Case(
        "an array that is deleted and in use says why it is still there",
        Health("Progressing", "It is being deleted. Ready says so."),
        ("!Ready: InUse", "Reconciling: InUse", "Reachable: Ready"),
        deleted=True,
    ),
    Case(
        "a detach that is blocked is under way, and says what it waits for",
        Health("Progressing", "It is being deleted. Ready says so."),
        ("!Ready: DetachBlocked", "Reconciling: DetachBlocked", "DetachBlocked: DetachBlocked"),
        deleted=True,
    ),
    Case(
        "what was Ready and is deleted gives no reason",
        Health("Progressing", "It is being deleted."),
        ("Ready: x",),
        7,
        True,
    ),
    Case(
        "what failed before it was deleted is no reason to wait",
        Health("Progressing", "It is being deleted."),
        ("!Ready: VolumeNotFound", "Reconciling: VolumeNotFound"),
        seen=6,
        deleted=True,
    ),
    Case("nothing said is not healthy", Health("Progressing", "The operator has not reported a status yet.")),
]


def thing(case: Case) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "it", "generation": 7}
    if case.deleted:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": meta} | ({} if case.seen is None else {"status": status(case, case.seen)})


def status(case: Case, seen: int) -> dict[str, Any]:
    words = [each.split(": ") for each in case.conditions]
    shown = [
        {
            "type": kind.lstrip("!"),
            "status": "False" if kind.startswith("!") else "True",
            "reason": reason,
            "message": f"{kind.lstrip('!')} says so.",
        }
        for kind, reason in words
    ]
    return {"observedGeneration": seen} | ({"conditions": shown} if shown else {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_what_argo_cd_shows(case: Case) -> None:
    assert health(thing(case)) == case.expect


def test_the_patch_holds_the_script_for_each_kind() -> None:
    data = yaml.safe_load(PATCH.read_text(encoding="utf-8"))["data"]

    assert data == dict.fromkeys(
        (f"resource.customizations.health.{GROUP}_{kind}" for kind in Kind), SCRIPT.read_text(encoding="utf-8")
    )
    assert PATCH.read_text(encoding="utf-8") == patch()


@pytest.mark.parametrize(
    "script",
    [
        'return { status = os.getenv("HOME") }',
        'return { status = io.open("/etc/passwd"):read() }',
        'return { status = string.upper("healthy") }',
        'return { status = ("healthy"):upper() }',
        'return { status = require("os").getenv("HOME") }',
    ],
)
def test_a_script_gets_no_more_here_than_from_argo_cd(script: str) -> None:
    with pytest.raises(LuaError):
        health({"metadata": {}}, script)
