"""docs/change-log.md matches the code: its example, its keys and its kinds of change."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.queries import Known
from flashsystem_operator.controller.executor import Operation, Sent, record
from flashsystem_operator.planner.events import ChangeKind, ChangeReason
from flashsystem_operator.values import HostName, SystemId, VolumeName, VolumeUid

TEXT = (Path(__file__).parents[3] / "docs" / "change-log.md").read_text(encoding="utf-8")
EXAMPLE = json.loads(TEXT.partition("```json")[2].partition("```")[0])


def first_cells(table: str) -> set[str]:
    rows = [line.split("|")[1] for line in TEXT.partition(table)[2].partition("\n\n")[0].splitlines()[2:]]
    return {name for cell in rows for name in re.findall("`([^`]+)`", cell)}


def example_record(error: Exception | None = None) -> dict[str, object]:
    """Return the record that the code writes for the change in the example."""
    owner, array = EXAMPLE["resource"], EXAMPLE["array"]
    operation = Operation(
        ObjectRef(Kind.ARRAY, array["namespace"], array["name"]),
        SystemId(array["system"]),
        ObjectRef(Kind(owner["kind"]), owner["namespace"], owner["name"]),
        EXAMPLE["uid"],
        EXAMPLE["generation"],
        ChangeReason(ChangeKind(EXAMPLE["why"]), EXAMPLE["because"]),
        UnmapVolume(HostName(EXAMPLE["host"]), VolumeName(EXAMPLE["volume"]), VolumeUid(EXAMPLE["volumeUID"])),
        Known("12", "345"),
    )
    return record(operation, Sent(datetime(2026, 2, 1, 12, 30, 15, 123000, UTC), EXAMPLE["seconds"], error))


def test_the_example_is_the_record_that_the_code_writes() -> None:
    assert json.loads(json.dumps(example_record())) == EXAMPLE


def test_every_key_is_explained_and_no_other() -> None:
    assert first_cells("| Key |") == example_record(Refused("x", "CMMVC5842E no")).keys()


def test_every_kind_of_change_is_explained_and_no_other() -> None:
    assert first_cells("| `why` | Kind of change") == {why.value for why in ChangeKind}
