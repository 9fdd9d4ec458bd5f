"""The status contract: how kstatus reads each decision, and a generation that the operator has not observed yet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.planner.decision import Act, Decision, InSync, Note, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.text import conditions
from flashsystem_operator.values import HostName
from support.kstatus import Kstatus, kstatus

CRDS = sorted((Path(__file__).parents[3] / "crds").glob("*s.yaml"))
PAUSED = Note("Paused", Reason.PAUSED, "Nothing is written to the array.")


def object_with(decision: Decision, generation: int = 7, **meta: str) -> Mapping[str, Any]:
    """Return an object of generation 7 whose status was written at this generation."""
    written = conditions(decision, (), generation, "2026-01-01T00:00:00Z")
    shown = [{"type": each.type, "status": each.status} for each in written]
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
        pytest.param(Release(), Kstatus.IN_PROGRESS, id="being released"),
    ],
)
def test_kstatus_reads_a_decision_correctly(decision: Decision, read: Kstatus) -> None:
    assert kstatus(object_with(decision)) is read
    assert kstatus(object_with(decision, generation=6)) is Kstatus.IN_PROGRESS
    assert kstatus(object_with(decision, deletionTimestamp="2026-01-01T00:00:00Z")) is Kstatus.TERMINATING


@pytest.mark.parametrize("crd", CRDS, ids=lambda path: path.stem)
def test_an_object_that_was_never_reconciled_does_not_count_as_done(crd: Path) -> None:
    (version,) = yaml.safe_load(crd.read_text(encoding="utf-8"))["spec"]["versions"]
    default = version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"]

    assert kstatus({"metadata": {"generation": 1}, "status": default}) is Kstatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("conditions", "read"),
    [
        pytest.param([("Reconciling", "True"), ("Stalled", "True")], Kstatus.IN_PROGRESS, id="the first one counts"),
        pytest.param([("Stalled", "True"), ("Reconciling", "True")], Kstatus.FAILED, id="the first one, otherwise"),
        pytest.param([("Ready", "True"), ("Stalled", "True")], Kstatus.FAILED, id="Stalled before Ready"),
        pytest.param([("Ready", "True"), ("Stalled", "False")], Kstatus.CURRENT, id="False has no effect"),
        pytest.param([("Ready", "Unknown")], Kstatus.IN_PROGRESS, id="unknown means in progress"),
        pytest.param([("Drifted", "True")], Kstatus.CURRENT, id="no condition that it knows"),
    ],
)
def test_the_rules_of_kstatus_itself(conditions: list[tuple[str, str]], read: Kstatus) -> None:
    shown = [{"type": kind, "status": truth} for kind, truth in conditions]

    assert kstatus({"metadata": {"generation": 1}, "status": {"conditions": shown}}) is read
