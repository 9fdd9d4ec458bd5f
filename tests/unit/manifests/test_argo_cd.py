"""The health that Argo CD shows for our resources: the script, run as Argo CD runs it, and the ConfigMap patch."""

from typing import Any, NamedTuple

import pytest
import yaml
from lupa.lua51 import LuaError
from tools.argo import PATCH, SCRIPT, Health, health, patch

from flashsystem_operator.api.metadata import GROUP, Kind


class Case(NamedTuple):
    """conditions: `Ready: Reason` is True, `!Ready: Reason` is False; its message is `Message of Ready.`"""

    because: str
    expect: Health
    conditions: tuple[str, ...] = ()
    observed: int | None = 7
    deleted: bool = False


STALE = Health("Progressing", "The operator has not reconciled this version yet.")

CASES = [
    Case("a resource that the operator has not observed is progressing", STALE, observed=-1),
    Case("a resource without a status is progressing", STALE, observed=None),
    Case("Ready of another generation does not count", STALE, ("Ready: Attached",), observed=6),
    Case("Stalled of another generation does not count", STALE, ("Stalled: LUNTaken",), observed=6),
    Case(
        "Ready is healthy",
        Health("Healthy", "Message of Ready."),
        ("Ready: Attached", "!Reconciling: x", "!Stalled: x"),
    ),
    Case(
        "Ready with an additional informational condition is healthy",
        Health("Healthy", "Message of Ready."),
        ("Ready: Attached", "Drifted: SharedBeyondSpec", "NearLimit: NearLimit"),
    ),
    Case(
        "Reconciling is progressing",
        Health("Progressing", "Message of Reconciling."),
        ("!Ready: HostNotFound", "Reconciling: HostNotFound", "!Stalled: x"),
    ),
    Case(
        "Stalled is degraded",
        Health("Degraded", "Message of Stalled."),
        ("!Ready: LUNTaken", "!Reconciling: x", "Stalled: LUNTaken"),
    ),
    Case(
        "a paused resource that is Ready is suspended",
        Health("Suspended", "Message of Paused."),
        ("Ready: x", "Paused: Paused"),
    ),
    Case(
        "a paused resource that is not Ready shows what is held back",
        Health("Suspended", "Message of Ready."),
        ("!Ready: Paused", "Reconciling: Paused", "Paused: Paused"),
    ),
    Case(
        "a pause does not hide a failure",
        Health("Degraded", "Message of Stalled."),
        ("!Ready: x", "Stalled: x", "Paused: x"),
    ),
    Case(
        "a resource in plan mode is suspended until plan mode ends",
        Health("Suspended", "Message of Ready."),
        ("!Ready: Planned", "Reconciling: Planned"),
    ),
    Case(
        "a released resource that is not deleted yet is suspended",
        Health("Suspended", "Message of Ready."),
        ("!Ready: Released", "Reconciling: Released"),
    ),
    Case(
        "an unreachable array is degraded, although it may recover without help",
        Health("Degraded", "Message of Reachable."),
        ("!Ready: Unreachable", "Reconciling: Unreachable", "!Reachable: Unreachable"),
    ),
    Case(
        "an unreachable array is degraded also while it is paused",
        Health("Degraded", "Message of Reachable."),
        ("!Ready: Unreachable", "Reconciling: Unreachable", "!Reachable: Unreachable", "Paused: Paused"),
    ),
    Case(
        "an array that is being deleted and in use shows why it still exists",
        Health("Progressing", "It is being deleted. Message of Ready."),
        ("!Ready: InUse", "Reconciling: InUse", "Reachable: Ready"),
        deleted=True,
    ),
    Case(
        "a blocked detach is progressing, and shows what it waits for",
        Health("Progressing", "It is being deleted. Message of Ready."),
        ("!Ready: DetachBlocked", "Reconciling: DetachBlocked", "DetachBlocked: DetachBlocked"),
        deleted=True,
    ),
    Case(
        "a resource that was Ready and is being deleted shows no reason",
        Health("Progressing", "It is being deleted."),
        ("Ready: x",),
        7,
        True,
    ),
    Case(
        "a failure from before the deletion is not shown as the reason to wait",
        Health("Progressing", "It is being deleted."),
        ("!Ready: VolumeNotFound", "Reconciling: VolumeNotFound"),
        observed=6,
        deleted=True,
    ),
    Case(
        "a status without conditions is not healthy",
        Health("Progressing", "The operator has not reported a status yet."),
    ),
]


def resource(case: Case) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "it", "generation": 7}
    if case.deleted:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": meta} | ({} if case.observed is None else {"status": status(case, case.observed)})


def status(case: Case, observed: int) -> dict[str, Any]:
    pairs = [each.split(": ") for each in case.conditions]
    shown = [
        {
            "type": kind.lstrip("!"),
            "status": "False" if kind.startswith("!") else "True",
            "reason": reason,
            "message": f"Message of {kind.lstrip('!')}.",
        }
        for kind, reason in pairs
    ]
    return {"observedGeneration": observed} | ({"conditions": shown} if shown else {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.because)
def test_argo_cd_shows_the_expected_health(case: Case) -> None:
    assert health(resource(case)) == case.expect


def test_the_patch_contains_the_script_for_each_kind() -> None:
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
def test_a_script_has_no_more_libraries_here_than_in_argo_cd(script: str) -> None:
    with pytest.raises(LuaError):
        health({"metadata": {}}, script)
