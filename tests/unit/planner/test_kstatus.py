"""The status contract: what kstatus makes of each decision, and of a version that the operator has not seen yet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.planner.conditions import conditions
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.values import HostName
from support.kstatus import Kstatus, kstatus

CRDS = sorted((Path(__file__).parents[3] / "crds").glob("*s.yaml"))
PAUSED = Note("Paused", Reason.PAUSED, "Nothing is written to the array.")


def seen(decision: Decision, generation: int = 7, **meta: str) -> Mapping[str, Any]:
    """An object of generation 7, of which this was said at another one."""
    said = conditions(decision, (), generation, "2026-01-01T00:00:00Z")
    shown = [{"type": each.type, "status": each.status} for each in said]
    return {"metadata": {"generation": 7, **meta}, "status": {"observedGeneration": generation, "conditions": shown}}


@pytest.mark.parametrize(
    ("decision", "read"),
    [
        pytest.param(InSync(Reason.ATTACHED, "It is mapped."), Kstatus.CURRENT, id="in sync"),
        pytest.param(InSync(Reason.ATTACHED, "It is mapped.", (PAUSED,)), Kstatus.CURRENT, id="in sync and paused"),
        pytest.param(Act((RemoveHost(HostName("node")),)), Kstatus.IN_PROGRESS, id="acting"),
        pytest.param(Wait(Reason.HOST_NOT_FOUND, "There is no host."), Kstatus.IN_PROGRESS, id="waiting"),
        pytest.param(Wait(Reason.PAUSED, "Held back.", (PAUSED,)), Kstatus.IN_PROGRESS, id="held back by a pause"),
        pytest.param(Refuse(Reason.LUN_TAKEN, "LUN 1 is taken."), Kstatus.FAILED, id="stalled"),
        pytest.param(Release(), Kstatus.IN_PROGRESS, id="being let go"),
    ],
)
def test_kstatus_reads_a_decision_rightly(decision: Decision, read: Kstatus) -> None:
    assert kstatus(seen(decision)) is read
    assert kstatus(seen(decision, generation=6)) is Kstatus.IN_PROGRESS
    assert kstatus(seen(decision, deletionTimestamp="2026-01-01T00:00:00Z")) is Kstatus.TERMINATING


@pytest.mark.parametrize("crd", CRDS, ids=lambda path: path.stem)
def test_what_nobody_has_looked_at_is_not_taken_for_done(crd: Path) -> None:
    (version,) = yaml.safe_load(crd.read_text(encoding="utf-8"))["spec"]["versions"]
    default = version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"]

    assert kstatus({"metadata": {"generation": 1}, "status": default}) is Kstatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("conditions", "read"),
    [
        pytest.param([("Reconciling", "True"), ("Stalled", "True")], Kstatus.IN_PROGRESS, id="the first one counts"),
        pytest.param([("Stalled", "True"), ("Reconciling", "True")], Kstatus.FAILED, id="the first one, otherwise"),
        pytest.param([("Ready", "True"), ("Stalled", "True")], Kstatus.FAILED, id="Stalled before Ready"),
        pytest.param([("Ready", "True"), ("Stalled", "False")], Kstatus.CURRENT, id="False says nothing"),
        pytest.param([("Ready", "Unknown")], Kstatus.IN_PROGRESS, id="unknown is under way"),
        pytest.param([("Drifted", "True")], Kstatus.CURRENT, id="no condition that it knows"),
    ],
)
def test_the_rules_of_kstatus_itself(conditions: list[tuple[str, str]], read: Kstatus) -> None:
    shown = [{"type": kind, "status": truth} for kind, truth in conditions]

    assert kstatus({"metadata": {"generation": 1}, "status": {"conditions": shown}}) is read
