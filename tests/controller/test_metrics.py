"""What is counted, and of whom: few series whatever the number of objects, and none of an array that is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.array.session import CHAIN, CommandResult, Ending
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.metrics.collector import Backlog, Exposition, Scene, WorkerState
from flashsystem_operator.controller.metrics.recorder import Meter, PassEnd, Tallies, Tally, tally
from flashsystem_operator.planner.events import EventReason, EventRecord
from support.builders import attachment
from support.builders import metadata as meta_of
from support.metrics import Scrape, read

ARRAY = ObjectRef(Kind.ARRAY, "storage", "array")
HERE = {"array_namespace": "storage", "array": "array"}
NOW = "2026-06-01T12:00:00Z"
SPECS: dict[Kind, dict[str, Any]] = {
    Kind.ARRAY: {
        "management": {"addresses": ["10.0.0.1"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeyPolicy": "TrustOnFirstUse",
    },
    Kind.HOST: {"arrayRef": {"name": "array"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:n"]}},
    Kind.ATTACHMENT: {"hostRef": {"name": "node"}, "volume": {"name": "data"}},
}


def said(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": NOW}


def put(cache: Cache, kind: Kind, name: str, *conditions: dict[str, str], **more: Any) -> None:
    status = {"conditions": list(conditions), **more.pop("status", {})}
    metadata = {"name": name, "namespace": "storage", "uid": f"{kind}-{name}", "resourceVersion": "1"}
    cache.put(kind, {"metadata": metadata, "spec": {**SPECS[kind], **more}, "status": status})


def filled() -> Cache:
    cache = Cache()
    put(cache, Kind.ARRAY, "array", said("Ready", "True", "Ready"))
    put(cache, Kind.HOST, "node", said("Ready", "True", "Ready"))
    return cache


def counted(cache: Cache) -> Tallies:
    found = Tallies(Tally)
    tally((each for kind in Kind for each in cache.entries(kind)), cache.array_of, NOW, found)
    return found


def scraped(meter: Meter, *, works: bool = True, tallies: Tallies | None = None) -> Scrape:
    standing = WorkerState(None, works, meter, Backlog(3, 2, 7.5), 1)
    return read(Exposition().text(Scene({ARRAY: standing}, None, tallies or {})).decode())


def told_of(count: int, *codes: str) -> Meter:
    meter = Meter(ARRAY)
    for number in range(count):
        meter.observe_command(CommandResult("mkhost", 0.1, Ending.REFUSED, f"CMMVC00{number:02}E"))
    for code in codes:
        meter.observe_command(CommandResult("mkhost", 0.1, Ending.REFUSED, code))
    return meter


# -- counted when somebody asks --------------------------------------------------------------------------------------


def test_objects_are_counted_by_kind_and_ready_and_nothing_said_is_unknown() -> None:
    cache = filled()
    put(cache, Kind.ATTACHMENT, "a", said("Ready", "True", "Attached"))
    put(cache, Kind.ATTACHMENT, "b", said("Ready", "False", "VolumeInUse"), said("Stalled", "True", "VolumeInUse"))
    put(cache, Kind.ATTACHMENT, "c")

    found = counted(cache)[ARRAY]

    assert found.objects == {
        ("FlashSystemArray", "true"): 1,
        ("FlashSystemHost", "true"): 1,
        ("VolumeAttachment", "true"): 1,
        ("VolumeAttachment", "false"): 1,
        ("VolumeAttachment", "unknown"): 1,
    }
    assert found.not_ready == {
        ("VolumeAttachment", "VolumeInUse", "true"): 1,
        ("VolumeAttachment", "Unknown", "false"): 1,
    }


def test_drift_and_what_the_guard_holds_are_counted_while_they_last() -> None:
    cache = filled()
    put(cache, Kind.ATTACHMENT, "a", said("Drifted", "True", "MappingRemoved"))
    put(cache, Kind.ATTACHMENT, "b", said("DetachBlocked", "True", "DetachBlocked"), said("Drifted", "False", "x"))

    found = counted(cache)[ARRAY]

    assert found.drifted == {("VolumeAttachment", "MappingRemoved"): 1}
    assert found.blocked == 1


def test_what_is_noted_of_an_object_is_counted_whether_it_is_ready_or_not_and_only_what_we_know_of() -> None:
    cache = filled()
    put(cache, Kind.HOST, "full", said("Ready", "True", "Ready"), said("NearLimit", "True", "NearLimit"))
    put(
        cache,
        Kind.ATTACHMENT,
        "a",
        said("Ready", "True", "Attached"),
        said("ConnectionSecretBlocked", "True", "SecretForbidden"),
        said("Paused", "False", "x"),
        said("SomebodyElses", "True", "x"),
    )

    tallies = counted(cache)
    assert tallies[ARRAY].noted == {
        ("FlashSystemHost", "NearLimit", "NearLimit"): 1,
        ("VolumeAttachment", "ConnectionSecretBlocked", "SecretForbidden"): 1,
    }
    shown = scraped(Meter(ARRAY), tallies=tallies)
    assert shown.values("flashsystem_condition_objects", condition="NearLimit", **HERE) == [1]


def test_a_reason_that_somebody_else_wrote_makes_no_series_of_its_own() -> None:
    cache = filled()
    for number in range(50):
        put(cache, Kind.ATTACHMENT, f"a{number}", said("Ready", "False", f"Mischief{number}"))

    assert counted(cache)[ARRAY].not_ready == {("VolumeAttachment", "Other", "false"): 50}


def test_luns_that_cool_and_sessions_are_summed_over_all_hosts() -> None:
    cache = filled()
    quarantined = [{"lun": 1, "until": "2026-06-01T12:01:00Z"}, {"lun": 2, "until": "2026-06-01T11:59:00Z"}]
    put(cache, Kind.HOST, "other", status={"quarantinedLUNs": quarantined, "ports": [{"logins": 2}, {"logins": 1}, {}]})

    found = counted(cache)[ARRAY]

    assert (found.quarantined, found.sessions) == (1, 3)


def test_an_object_that_cannot_be_read_is_counted_with_the_array_that_its_spec_still_leads_to() -> None:
    cache = filled()
    before = counted(cache)[ARRAY].objects["VolumeAttachment", "unknown"]
    put(cache, Kind.ATTACHMENT, "odd", volume={"name": "a", "uid": "b"})

    assert counted(cache)[ARRAY].objects["VolumeAttachment", "unknown"] == before + 1


# -- kept as it happens ----------------------------------------------------------------------------------------------


def test_of_unknown_codes_some_are_told_apart_and_the_rest_is_other() -> None:
    seen = scraped(told_of(50, "CMMVC5753E", "CMMVC5753E", ""))

    name = "flashsystem_array_errors_total"
    assert seen.values(name, code="CMMVC5753E") == [2]
    assert seen.values(name, code="none") == [1]
    assert seen.values(name, code="other") == [30]
    assert len(seen.values(name)) == 23


def test_a_line_of_several_looks_is_no_command_but_takes_time() -> None:
    meter = Meter(ARRAY)
    meter.observe_command(CommandResult(CHAIN, 0.2, Ending.DONE))
    meter.observe_command(CommandResult("lshost", None, Ending.DONE))
    meter.observe_command(CommandResult(CHAIN, 60.0, Ending.UNKNOWN))

    seen = scraped(meter)

    assert seen.values("flashsystem_array_commands_total", verb="lshost", outcome="done") == [1]
    assert seen.values("flashsystem_array_commands_total", verb=CHAIN) == [1]
    assert seen.values("flashsystem_array_command_duration_seconds_count") == [2]


def test_only_an_array_that_spoke_was_in_contact() -> None:
    meter = Meter(ARRAY)
    meter.observe_command(CommandResult("lshost", None, Ending.NOT_SENT))
    meter.observe_command(CommandResult("lshost", 60.0, Ending.UNKNOWN))
    assert meter.last_contact == 0

    meter.observe_command(CommandResult("lshost", 0.1, Ending.REFUSED, "CMMVC5753E"))
    assert meter.last_contact > 0


def test_attaching_takes_from_the_creation_and_detaching_from_the_deletion_of_the_object() -> None:
    def ago(seconds: float) -> str:
        return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    meter, wished = Meter(ARRAY), attachment("a", "node")
    for since, reason in (("creation_timestamp", EventReason.ATTACHED), ("deletion_timestamp", EventReason.DETACHED)):
        meta = wished.metadata.model_copy(update={since: ago(1000)})
        meter.record(wished.model_copy(update={"metadata": meta}), [EventRecord(reason, "")])
    ahead = wished.metadata.model_copy(update={"creation_timestamp": ago(-1000)})
    meter.record(wished.model_copy(update={"metadata": ahead}), [EventRecord(EventReason.ATTACHED, "")])

    seen = scraped(meter)

    assert 1000 <= seen.sum("flashsystem_attach_duration_seconds_sum") < 2000  # another clock makes nothing negative
    assert seen.values("flashsystem_attach_duration_seconds_count") == [2]
    assert 1000 <= seen.sum("flashsystem_detach_duration_seconds_sum") < 2000


def test_drift_that_is_put_right_at_once_was_seen_too_and_one_told_before_is_not_seen_twice() -> None:
    meter, plain = Meter(ARRAY), attachment("a", "node")
    drifted = plain.model_validate(
        {
            "metadata": meta_of("b"),
            "spec": plain.spec.model_dump(),
            "status": {"conditions": [said("Drifted", "True", "MappingRemoved")]},
        }
    )
    meter.corrected(plain)
    meter.record(drifted, [EventRecord("Drifted", "")])
    meter.corrected(drifted)

    seen = scraped(meter)

    assert seen.values("flashsystem_drift_seen_total", kind="VolumeAttachment") == [2]
    assert seen.values("flashsystem_drift_corrected_total", kind="VolumeAttachment") == [2]


def test_a_pass_that_ends_without_a_word_is_a_bug_and_one_under_way_has_its_time() -> None:
    meter = Meter(ARRAY)
    with meter.a_pass(1, survey=False):
        assert meter.running > 0
    with meter.a_pass(1, survey=True) as this:
        this.end = PassEnd.DONE

    seen = scraped(meter)
    name = "flashsystem_passes_total"
    assert seen.values(name, scope="close", outcome="bug") == [1]
    assert seen.values(name, scope="survey", outcome="done") == [1]
    assert seen.values(name, scope="survey", outcome="bug") == [0]  # there already, so that the first is an increase
    assert seen.values("flashsystem_pass_duration_seconds_count") == [1, 1]
    assert meter.running == 0


# -- what a scrape shows ---------------------------------------------------------------------------------------------


def test_a_replica_that_does_not_work_an_array_says_only_that() -> None:
    tallies = counted(filled())

    idle = scraped(Meter(ARRAY), works=False, tallies=tallies)
    assert idle.values("flashsystem_lease_held", **HERE) == [0]
    assert idle.values("flashsystem_objects") == []
    assert idle.values("flashsystem_queue_due_objects") == []

    busy = scraped(Meter(ARRAY), tallies=tallies)
    assert busy.values("flashsystem_lease_held", **HERE) == [1]
    assert busy.sum("flashsystem_objects", **HERE) == 2
    assert busy.values("flashsystem_queue_due_objects", **HERE) == [3]
    assert busy.values("flashsystem_queue_oldest_due_seconds", **HERE) == [7.5]


def test_of_an_array_that_is_gone_nothing_is_shown() -> None:
    exposition, worked = Exposition(), WorkerState(None, True, told_of(3), Backlog(), 0)

    assert b'array="array"' in exposition.text(Scene({ARRAY: worked}, None, {}))
    assert b'array="array"' not in exposition.text(Scene({}, None, {}))


def test_two_operators_in_one_process_share_nothing() -> None:
    one, other = told_of(1), Meter(ARRAY)

    assert scraped(one).values("flashsystem_array_errors_total") == [1]
    assert scraped(other).values("flashsystem_array_errors_total") == []
