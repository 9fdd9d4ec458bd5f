"""The metrics: few series whatever the number of objects, and none of an array that is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.array.session import CHAIN, CommandResult, Ending
from flashsystem_operator.controller.cache import Cache
from flashsystem_operator.controller.metrics.collector import Backlog, Exposition, Scene, WorkerState
from flashsystem_operator.controller.metrics.recorder import Meter, PassEnd, Tallies, Tally, tally
from flashsystem_operator.planner.events import EventReason, EventRecord
from support.builders import array, attachment
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
    Kind.VOLUME: {"arrayRef": {"name": "array"}, "size": "1Gi"},
    Kind.ATTACHMENT: {"hostRef": {"name": "node"}, "volume": {"name": "data"}},
}


def condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": NOW}


def put(cache: Cache, kind: Kind, name: str, *conditions: dict[str, str], **more: Any) -> None:
    status = {"conditions": list(conditions), **more.pop("status", {})}
    metadata = {"name": name, "namespace": "storage", "uid": f"{kind}-{name}", "resourceVersion": "1"}
    cache.put(kind, {"metadata": metadata, "spec": {**SPECS[kind], **more}, "status": status})


def filled() -> Cache:
    cache = Cache()
    put(cache, Kind.ARRAY, "array", condition("Ready", "True", "Ready"))
    put(cache, Kind.HOST, "node", condition("Ready", "True", "Ready"))
    return cache


def counted(cache: Cache) -> Tallies:
    result = Tallies(Tally)
    tally((each for kind in Kind for each in cache.entries(kind)), cache.array_of, NOW, result)
    return result


def scraped(meter: Meter, *, works: bool = True, tallies: Tallies | None = None) -> Scrape:
    state = WorkerState(None, works, meter, Backlog(3, 2, 7.5), 1)
    return read(Exposition().text(Scene({ARRAY: state}, None, tallies or {})).decode())


def refusals(count: int, *codes: str) -> Meter:
    meter = Meter(ARRAY)
    for number in range(count):
        meter.observe_command(CommandResult("mkhost", 0.1, Ending.REFUSED, f"CMMVC00{number:02}E"))
    for code in codes:
        meter.observe_command(CommandResult("mkhost", 0.1, Ending.REFUSED, code))
    return meter


# -- counted at each scrape ------------------------------------------------------------------------------------------


def test_objects_are_counted_by_kind_and_ready_and_without_conditions_as_unknown() -> None:
    cache = filled()
    put(cache, Kind.ATTACHMENT, "a", condition("Ready", "True", "Attached"))
    put(
        cache,
        Kind.ATTACHMENT,
        "b",
        condition("Ready", "False", "VolumeInUse"),
        condition("Stalled", "True", "VolumeInUse"),
    )
    put(cache, Kind.ATTACHMENT, "c")

    result = counted(cache)[ARRAY]

    assert result.objects == {
        ("FlashSystemArray", "true"): 1,
        ("FlashSystemHost", "true"): 1,
        ("VolumeAttachment", "true"): 1,
        ("VolumeAttachment", "false"): 1,
        ("VolumeAttachment", "unknown"): 1,
    }
    assert result.not_ready == {
        ("VolumeAttachment", "VolumeInUse", "true"): 1,
        ("VolumeAttachment", "Unknown", "false"): 1,
    }


def test_drift_and_blocked_detaches_are_counted_while_they_last() -> None:
    cache = filled()
    put(cache, Kind.ATTACHMENT, "a", condition("Drifted", "True", "MappingRemoved"))
    put(
        cache,
        Kind.ATTACHMENT,
        "b",
        condition("DetachBlocked", "True", "DetachBlocked"),
        condition("Drifted", "False", "x"),
    )

    result = counted(cache)[ARRAY]

    assert result.drifted == {("VolumeAttachment", "MappingRemoved"): 1}
    assert result.blocked == 1


def test_further_conditions_are_counted_whether_the_object_is_ready_or_not_and_only_known_ones() -> None:
    cache = filled()
    put(cache, Kind.HOST, "full", condition("Ready", "True", "Ready"), condition("NearLimit", "True", "NearLimit"))
    put(
        cache,
        Kind.ATTACHMENT,
        "a",
        condition("Ready", "True", "Attached"),
        condition("ConnectionSecretBlocked", "True", "SecretForbidden"),
        condition("Paused", "False", "x"),
        condition("NotOurs", "True", "x"),
    )

    tallies = counted(cache)
    assert tallies[ARRAY].noted == {
        ("FlashSystemHost", "NearLimit", "NearLimit"): 1,
        ("VolumeAttachment", "ConnectionSecretBlocked", "SecretForbidden"): 1,
    }
    shown = scraped(Meter(ARRAY), tallies=tallies)
    assert shown.values("flashsystem_condition_objects", condition="NearLimit", **HERE) == [1]


def test_a_reason_written_by_another_client_creates_no_series_of_its_own() -> None:
    cache = filled()
    for number in range(50):
        put(cache, Kind.ATTACHMENT, f"a{number}", condition("Ready", "False", f"NotOurs{number}"))

    assert counted(cache)[ARRAY].not_ready == {("VolumeAttachment", "Other", "false"): 50}


def test_quarantined_luns_and_sessions_are_summed_over_all_hosts() -> None:
    cache = filled()
    quarantined = [{"lun": 1, "until": "2026-06-01T12:01:00Z"}, {"lun": 2, "until": "2026-06-01T11:59:00Z"}]
    put(cache, Kind.HOST, "other", status={"quarantinedLUNs": quarantined, "ports": [{"logins": 2}, {"logins": 1}, {}]})

    result = counted(cache)[ARRAY]

    assert (result.quarantined, result.sessions) == (1, 3)


def test_volumes_and_their_sizes_are_summed_by_origin_and_those_without_a_volume_are_only_objects() -> None:
    cache = filled()
    ready = condition("Ready", "True", "Ready")
    for number, (origin, capacity) in enumerate([("Created", "2Gi"), ("Created", "1536Mi"), ("Imported", "1Gi")]):
        uid = f"6005076{number:025X}"
        put(cache, Kind.VOLUME, f"v{number}", ready, status={"uid": uid, "origin": origin, "capacity": capacity})
    stalled = condition("Ready", "False", "PoolFull"), condition("Stalled", "False", "PoolFull")
    put(cache, Kind.VOLUME, "new", *stalled)

    tallies = counted(cache)

    assert tallies[ARRAY].objects["FlashSystemVolume", "true"] == 3
    assert tallies[ARRAY].not_ready == {("FlashSystemVolume", "PoolFull", "false"): 1}
    shown = scraped(Meter(ARRAY), tallies=tallies)
    gib = 1024**3
    assert shown.values("flashsystem_volumes", origin="created", **HERE) == [2]
    assert shown.values("flashsystem_volumes_provisioned_bytes", origin="created", **HERE) == [3.5 * gib]
    assert shown.values("flashsystem_volumes_provisioned_bytes", origin="imported", **HERE) == [gib]


def test_the_sizes_of_each_pool_are_those_of_the_arrays_status() -> None:
    pools = [
        {"name": "Pool0", "status": "online", "capacity": "10Gi", "free": "4Gi", "used": "6Gi", "provisioned": "20Gi"},
        {"name": "Pool1", "status": "online", "capacity": "1Gi", "free": "1Gi"},
    ]
    state = WorkerState(array(status={"pools": pools}), True, Meter(ARRAY), Backlog(), 1)

    shown = read(Exposition().text(Scene({ARRAY: state}, None, {})).decode())

    sizes = {
        what: [size / 1024**3 for size in shown.values(f"flashsystem_pool_{what}_bytes", **HERE)]
        for what in ("capacity", "free", "used", "provisioned")
    }
    assert sizes == {"capacity": [10, 1], "free": [4, 1], "used": [6], "provisioned": [20]}
    assert shown.values("flashsystem_pool_free_bytes", pool="Pool0", **HERE) == [4 * 1024**3]


def test_an_unreadable_object_is_counted_for_the_array_that_its_spec_still_refers_to() -> None:
    cache = filled()
    before = counted(cache)[ARRAY].objects["VolumeAttachment", "unknown"]
    put(cache, Kind.ATTACHMENT, "odd", volume={"name": "a", "uid": "b"})

    assert counted(cache)[ARRAY].objects["VolumeAttachment", "unknown"] == before + 1


# -- recorded as it happens ------------------------------------------------------------------------------------------


def test_a_limited_number_of_unknown_codes_is_distinguished_and_the_rest_is_other() -> None:
    scrape = scraped(refusals(50, "CMMVC5753E", "CMMVC5753E", ""))

    name = "flashsystem_array_errors_total"
    assert scrape.values(name, code="CMMVC5753E") == [2]
    assert scrape.values(name, code="none") == [1]
    assert scrape.values(name, code="other") == [30]
    assert len(scrape.values(name)) == 23


def test_a_chain_of_read_commands_is_not_counted_as_a_command_but_its_duration_is() -> None:
    meter = Meter(ARRAY)
    meter.observe_command(CommandResult(CHAIN, 0.2, Ending.DONE))
    meter.observe_command(CommandResult("lshost", None, Ending.DONE))
    meter.observe_command(CommandResult(CHAIN, 60.0, Ending.UNKNOWN))

    scrape = scraped(meter)

    assert scrape.values("flashsystem_array_commands_total", verb="lshost", outcome="done") == [1]
    assert scrape.values("flashsystem_array_commands_total", verb=CHAIN) == [1]
    assert scrape.values("flashsystem_array_command_duration_seconds_count") == [2]


def test_only_a_reply_of_the_array_counts_as_contact() -> None:
    meter = Meter(ARRAY)
    meter.observe_command(CommandResult("lshost", None, Ending.NOT_SENT))
    meter.observe_command(CommandResult("lshost", 60.0, Ending.UNKNOWN))
    assert meter.last_contact == 0

    meter.observe_command(CommandResult("lshost", 0.1, Ending.REFUSED, "CMMVC5753E"))
    assert meter.last_contact > 0


def test_attach_time_starts_at_the_creation_and_detach_time_at_the_deletion_of_the_object() -> None:
    def ago(seconds: float) -> str:
        return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    meter, resource = Meter(ARRAY), attachment("a", "node")
    for since, reason in (("creation_timestamp", EventReason.ATTACHED), ("deletion_timestamp", EventReason.DETACHED)):
        meta = resource.metadata.model_copy(update={since: ago(1000)})
        meter.record(resource.model_copy(update={"metadata": meta}), [EventRecord(reason, "")])
    ahead = resource.metadata.model_copy(update={"creation_timestamp": ago(-1000)})
    meter.record(resource.model_copy(update={"metadata": ahead}), [EventRecord(EventReason.ATTACHED, "")])

    scrape = scraped(meter)

    # The clock of the third is ahead, which adds nothing negative.
    assert 1000 <= scrape.sum("flashsystem_attach_duration_seconds_sum") < 2000
    assert scrape.values("flashsystem_attach_duration_seconds_count") == [2]
    assert 1000 <= scrape.sum("flashsystem_detach_duration_seconds_sum") < 2000


def test_drift_corrected_at_once_is_also_seen_and_drift_reported_before_is_not_seen_twice() -> None:
    meter, plain = Meter(ARRAY), attachment("a", "node")
    drifted = plain.model_validate(
        {
            "metadata": meta_of("b"),
            "spec": plain.spec.model_dump(),
            "status": {"conditions": [condition("Drifted", "True", "MappingRemoved")]},
        }
    )
    meter.corrected(plain)
    meter.record(drifted, [EventRecord("Drifted", "")])
    meter.corrected(drifted)

    scrape = scraped(meter)

    assert scrape.values("flashsystem_drift_seen_total", kind="VolumeAttachment") == [2]
    assert scrape.values("flashsystem_drift_corrected_total", kind="VolumeAttachment") == [2]


def test_a_pass_that_ends_without_an_outcome_is_a_bug_and_one_under_way_has_a_running_time() -> None:
    meter = Meter(ARRAY)
    with meter.a_pass(1, survey=False):
        assert meter.running > 0
    with meter.a_pass(1, survey=True) as current:
        current.end = PassEnd.DONE

    scrape = scraped(meter)
    name = "flashsystem_passes_total"
    assert scrape.values(name, scope="close", outcome="bug") == [1]
    assert scrape.values(name, scope="survey", outcome="done") == [1]
    # The series exists from the start, so that the first bug is an increase.
    assert scrape.values(name, scope="survey", outcome="bug") == [0]
    assert scrape.values("flashsystem_pass_duration_seconds_count") == [1, 1]
    assert meter.running == 0


# -- what a scrape exposes -------------------------------------------------------------------------------------------


def test_a_replica_that_does_not_hold_the_lease_of_an_array_exposes_only_that() -> None:
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


def test_nothing_is_exposed_of_an_array_that_is_gone() -> None:
    exposition, leased = Exposition(), WorkerState(None, True, refusals(3), Backlog(), 0)

    assert b'array="array"' in exposition.text(Scene({ARRAY: leased}, None, {}))
    assert b'array="array"' not in exposition.text(Scene({}, None, {}))


def test_two_operators_in_one_process_share_nothing() -> None:
    one, other = refusals(1), Meter(ARRAY)

    assert scraped(one).values("flashsystem_array_errors_total") == [1]
    assert scraped(other).values("flashsystem_array_errors_total") == []
