"""A line of the change log names the resource, the array, the command and its result."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.array.commands import RemoveHost, SetChap, UnmapVolume
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Unreachable, Unreadable
from flashsystem_operator.array.model import Volume
from flashsystem_operator.array.volume_commands import CreateVolume, RemoveVolume
from flashsystem_operator.controller import executor
from flashsystem_operator.controller.executor import Operation, Sent, record
from flashsystem_operator.logs import LogFormat, configure
from flashsystem_operator.planner.events import ChangeKind, ChangeReason
from flashsystem_operator.values import ChapSecret, HostName, PoolName, SystemId, VolumeName, VolumeUid

AT = datetime(2026, 2, 1, 12, 30, 15, 123456, UTC)
NODE, UID = HostName("node-a1"), VolumeUid("60050768000000000000000000000001")
UNMAP = UnmapVolume(NODE, VolumeName("my data"), UID)
OPERATION = Operation(
    ObjectRef(Kind.ARRAY, "storage", "fs1"),
    SystemId("0000020421A0BEEF"),
    ObjectRef(Kind.ATTACHMENT, "team", "db"),
    "uid-1",
    3,
    ChangeReason(ChangeKind.DETACH, "VolumeAttachment team/db is being deleted."),
    UNMAP,
)
DONE = Sent(AT, 0.0841)


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root, changes = logging.getLogger(), logging.getLogger("flashsystem_operator.changes")
    handlers, level, own = list(root.handlers), root.level, list(changes.handlers)
    yield
    root.handlers[:], changes.propagate = handlers, True
    root.setLevel(level)
    for handler in set(changes.handlers) - set(own):
        handler.close()
    changes.handlers[:] = own


def test_a_line_has_time_array_resource_reason_command_and_result() -> None:
    assert record(OPERATION, DONE) == {
        "time": "2026-02-01T12:30:15.123Z",
        "array": {"namespace": "storage", "name": "fs1", "system": "0000020421A0BEEF"},
        "resource": {"kind": "VolumeAttachment", "namespace": "team", "name": "db"},
        "uid": "uid-1",
        "generation": 3,
        "why": "detach",
        "because": "VolumeAttachment team/db is being deleted.",
        "command": "svctask rmvdiskhostmap -host node-a1 'my data'",
        "host": "node-a1",
        "volume": "my data",
        "volumeUID": UID,
        "result": "done",
        "seconds": 0.084,
    }


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            Refused("x", "CMMVC5842E Not\nmapped."),
            {"result": "refused", "code": "CMMVC5842E", "words": "CMMVC5842E Not\nmapped."},
        ),
        (OutcomeUnknown("x", "cut"), {"result": "unknown", "words": "cut; the array may or may not have run: x"}),
        (Unreadable("x", "odd"), {"result": "unknown", "words": "cannot read the array's answer to `x`: odd"}),
        (Unreachable("no route"), {"result": "not sent", "words": "no route"}),
    ],
)
def test_a_command_that_was_not_done_is_recorded_with_the_message_of_the_array(
    error: Exception, expected: dict[str, str]
) -> None:
    line = record(OPERATION, Sent(AT, 1.0, error))

    assert expected.items() <= line.items()


def test_an_endless_reply_does_not_produce_an_endless_line() -> None:
    line = record(OPERATION, Sent(AT, 1.0, Refused("x", "CMMVC5842E " + "no " * 10_000)))

    assert len(str(line["words"])) == 2000


def test_a_secret_is_in_no_line_even_when_the_array_repeats_it() -> None:
    step = SetChap(NODE, ChapSecret("canary secret 1"), "-chapsecret")

    for message in ("CMMVC5711E [canary secret 1] is not valid data.", "CMMVC5711E 'canary secret 1'"):
        line = json.dumps(record(replace(OPERATION, step=step), Sent(AT, 1.0, Refused("svctask chhost", message))))
        assert "canary" not in line
        assert "***" in line


def test_a_command_about_no_volume_has_no_key_for_one() -> None:
    line = record(replace(OPERATION, step=RemoveHost(NODE)), DONE)

    assert {"host", "volume", "volumeUID"} & line.keys() == {"host"}


def test_a_command_on_a_volume_has_no_key_for_a_host_and_a_created_volume_has_the_uid_that_was_read_back() -> None:
    data = VolumeName("my data")
    remove = record(replace(OPERATION, step=RemoveVolume(data, UID)), DONE)
    create = replace(OPERATION, step=CreateVolume(data, PoolName("Pool0"), 512))
    lines = [record(create, DONE), record(create, replace(DONE, created=Volume("0", data, UID, 512)))]

    keys = {"host", "volume", "volumeUID"}
    assert {key: remove[key] for key in keys & remove.keys()} == {"volume": "my data", "volumeUID": UID}
    assert [keys & line.keys() for line in lines] == [{"volume"}, {"volume", "volumeUID"}]


@pytest.mark.parametrize("level", ["DEBUG", "WARNING", "ERROR"])
def test_a_json_log_is_json_on_every_line_and_contains_changes_at_every_log_level(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(LogFormat.JSON, level)

    executor.write_change(OPERATION, Sent(AT, 1.0, Refused("x", "CMMVC5842E two\nlines é")))

    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["change"]["words"] == "CMMVC5842E two\nlines é"
    assert json.loads(line)["level"] == "INFO"


def test_in_a_plain_log_a_change_can_be_found_by_its_logger(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogFormat.PLAIN, "INFO")

    executor.write_change(OPERATION, DONE)

    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line.partition(" flashsystem_operator.changes: ")[2])["uid"] == "uid-1"


def test_a_separate_change_log_contains_nothing_else_and_is_reopened_after_it_was_moved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "changes.jsonl"
    configure(LogFormat.PLAIN, "INFO", str(path))

    executor.write_change(OPERATION, DONE)
    logging.getLogger("flashsystem_operator.other").warning("a message")
    path.rename(tmp_path / "old")
    executor.write_change(OPERATION, DONE)

    for written in (tmp_path / "old", path):
        (line,) = written.read_text().splitlines()
        assert json.loads(line)["why"] == "detach"
    assert "rmvdiskhostmap" not in capsys.readouterr().err


def test_standard_output_can_be_the_change_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogFormat.PLAIN, "INFO", "-")

    executor.write_change(OPERATION, DONE)

    output = capsys.readouterr()
    assert json.loads(output.out)["why"] == "detach"
    assert output.err == ""


def test_a_record_that_cannot_be_written_to_the_change_log_is_not_lost_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    configure(LogFormat.PLAIN, "INFO", str(folder / "changes.jsonl"))
    (folder / "changes.jsonl").unlink()
    folder.rmdir()

    executor.write_change(OPERATION, DONE)

    output = capsys.readouterr().err
    assert "cannot write the change log" in output
    assert "rmvdiskhostmap" in output
    assert "Traceback" not in output
