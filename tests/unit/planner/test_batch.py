"""Planning many objects at once: each is planned on the state that the earlier ones leave."""

from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, RemoveHost, RemovePort, Step, UnmapVolume
from flashsystem_operator.array.model import Host, Inventory, Volume
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, InSync, Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import Lun
from support.builders import (
    array,
    attachment,
    bound,
    desired,
    host,
    host_object,
    inventory,
    iqn,
    mapped,
    own_name,
    uid,
    volume,
)

DATA, LOGS, TEMP = volume("data", 1), volume("logs", 2), volume("temp", 3)
NODE = host("node")
OURS = host_object(own_name("node"), "node")


def map_volume(on: Host, what: Volume, lun: int = 1) -> MapVolume:
    return MapVolume(on.name, what.name, what.uid, Lun(lun))


def steps(desired_state: Desired, observed: Inventory, *names: str) -> list[Step]:
    """Return the steps of a batch over all objects, or over those with these names."""
    due = [ref for ref in (*desired_state.hosts, *desired_state.attachments) if not names or ref.name in names]
    decisions = batch.plan(desired_state, observed, due).values()
    return [step for decision in decisions if isinstance(decision, Act) for step in decision.steps]


def test_the_first_of_several_volumes_creates_the_host_object_and_no_lun_is_assigned_twice() -> None:
    attachments = [attachment(name, "node", name) for name in ("data", "logs", "temp")]

    done = steps(desired(NODE, *attachments), inventory(DATA, LOGS, TEMP))

    assert done == [
        MakeHost(OURS.name, (iqn("node"),)),
        *(map_volume(OURS, each, lun) for lun, each in enumerate((DATA, LOGS, TEMP), start=1)),
    ]


def test_an_unmapped_volume_is_planned_for_one_host_only_and_the_older_attachment_gets_it() -> None:
    older, younger = attachment("elder", "a"), attachment("younger", "b")
    desired_state = desired(host("a"), host("b"), older, younger)

    decisions = batch.plan(desired_state, inventory(DATA), [younger.ref, older.ref])

    assert isinstance(decisions[older.ref], Act)
    refused = decisions[younger.ref]
    assert not isinstance(refused, Act)


def test_a_volume_moves_between_hosts_in_one_batch_and_is_unmapped_before_it_is_mapped() -> None:
    other = host_object(own_name("b"), "b")
    detaching = attachment("leaving", "node", status=bound(OURS, DATA), meta={"deleting": True})
    attaching = attachment("coming", "b")

    done = steps(desired(NODE, host("b"), detaching, attaching), inventory(DATA, OURS, other, mapped(OURS, DATA)))

    assert done[:2] == [
        UnmapVolume(OURS.name, DATA.name, DATA.uid),
        map_volume(other, DATA),
    ]


def test_detaching_the_last_volume_also_removes_the_host_object() -> None:
    detaching = [
        attachment(each.name, "node", status=bound(OURS, each), meta={"deleting": True}) for each in (DATA, LOGS)
    ]
    observed = inventory(DATA, LOGS, OURS, mapped(OURS, DATA, 1), mapped(OURS, LOGS, 2))

    assert steps(desired(NODE, *detaching), observed)[-1] == RemoveHost(OURS.name)
    assert RemoveHost(OURS.name) not in steps(desired(NODE, *detaching), observed, "node", "data")


def test_a_host_object_stays_when_one_volume_is_detached_and_another_is_attached() -> None:
    detaching = attachment("leaving", "node", status=bound(OURS, DATA), meta={"deleting": True})
    attaching = attachment("coming", "node", "logs")

    done = steps(desired(NODE, detaching, attaching), inventory(DATA, LOGS, OURS, mapped(OURS, DATA)))

    assert done == [
        UnmapVolume(OURS.name, DATA.name, DATA.uid),
        map_volume(OURS, LOGS),
    ]


def test_ports_are_corrected_before_volumes_are_mapped() -> None:
    reinstalled = host("node", "new")

    done = steps(desired(reinstalled, attachment("a", "node")), inventory(DATA, host_object(OURS.name, "old")))

    assert done == [
        AddPorts(OURS.name, (iqn("new"),)),
        RemovePort(OURS.name, iqn("old")),
        map_volume(OURS, DATA),
    ]


def test_a_closed_array_accepts_no_attach_and_allows_every_detach() -> None:
    detaching = attachment("leaving", "node", status=bound(OURS, DATA), meta={"deleting": True})
    attaching = attachment("coming", "b", "logs")
    desired_state = desired(NODE, host("b"), detaching, attaching, closed="Pool Pool0 is offline.")

    decisions = batch.plan(
        desired_state,
        inventory(DATA, LOGS, OURS, mapped(OURS, DATA)),
        [*desired_state.hosts, *desired_state.attachments],
    )

    assert decisions[detaching.ref] == Act((UnmapVolume(OURS.name, DATA.name, DATA.uid),))
    assert decisions[NODE.ref] == Act((RemoveHost(OURS.name),))
    closed = decisions[attaching.ref]
    assert isinstance(closed, Wait)
    assert closed.reason is Reason.ARRAY_NOT_READY
    assert "Pool0 is offline" in closed.message


def test_why_an_array_is_closed_is_shown_only_in_the_namespace_of_the_array() -> None:
    tenant = {"namespace": "tenant"}
    attaching = attachment("coming", "node", meta=tenant)
    owner = host("node", array_ref={"name": "array", "namespace": "storage"}, meta=tenant)
    desired_state = desired(
        owner, attaching, of=array(allowed_namespaces={"from": "All"}), closed="Pool Pool0 is offline: node1 is down."
    )

    decision = batch.plan(desired_state, inventory(DATA), [attaching.ref])[attaching.ref]

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.ARRAY_NOT_READY
    assert "Pool0" not in decision.message
    assert "ask the array administrator" in decision.message


def test_ports_are_not_changed_while_the_array_is_closed() -> None:
    desired_state = desired(host("node", "new"), attachment("a", "node"), closed="Open access is on.")

    assert steps(desired_state, inventory(DATA, host_object(OURS.name, "old"))) == []


def test_planning_does_not_change_the_inventory() -> None:
    desired_state, observed = desired(NODE, attachment("a", "node")), inventory(DATA)

    first = batch.plan(desired_state, observed, [*desired_state.hosts, *desired_state.attachments])

    assert batch.plan(desired_state, observed, [*desired_state.hosts, *desired_state.attachments]) == first
    assert not observed.hosts


def test_objects_that_are_due_twice_or_no_longer_exist_cause_no_error() -> None:
    resource = attachment("a", "node")
    desired_state, missing = desired(NODE, resource), attachment("gone", "node").ref

    decisions = batch.plan(
        desired_state, inventory(DATA, OURS, mapped(OURS, DATA)), [resource.ref, resource.ref, missing, missing]
    )

    assert list(decisions) == [resource.ref]
    assert isinstance(decisions[resource.ref], InSync)


def test_an_attachment_by_uid_and_one_by_name_get_one_mapping() -> None:
    older, younger = attachment("elder", "node", uid(1)), attachment("younger", "node", "data")

    done = steps(desired(NODE, older, younger), inventory(DATA, OURS))

    assert [type(step) for step in done] == [MapVolume]


def test_no_attachment_is_refused_for_a_mapping_that_the_array_did_not_create() -> None:
    older, younger = attachment("elder", "a"), attachment("younger", "b", access="Shared")
    ours = host_object(own_name("a"), "a")
    desired_state, observed = desired(host("a"), host("b"), older, younger), inventory(DATA, ours)

    before = batch.plan(desired_state, observed, [older.ref, younger.ref])[younger.ref]
    after = batch.plan(desired_state, observed, [older.ref, younger.ref], undone={older.ref})[younger.ref]

    assert isinstance(before, Refuse)
    assert isinstance(after, Act)


def test_no_attachment_is_refused_for_a_lun_that_the_array_did_not_assign() -> None:
    older, younger = attachment("elder", "node", "data"), attachment("younger", "node", "logs", lun=1)
    desired_state, observed = desired(NODE, older, younger), inventory(DATA, LOGS, OURS)

    before = batch.plan(desired_state, observed, [older.ref, younger.ref])[younger.ref]
    after = batch.plan(desired_state, observed, [older.ref, younger.ref], undone={older.ref})[younger.ref]

    assert isinstance(before, Refuse)
    assert before.reason is Reason.LUN_TAKEN
    assert after == Act((map_volume(OURS, LOGS, 1),))


def test_a_host_object_that_the_array_did_not_create_is_created_for_the_next_volume() -> None:
    attachments = [attachment(name, "node", name) for name in ("data", "logs")]
    desired_state = desired(NODE, *attachments)

    decisions = batch.plan(
        desired_state, inventory(DATA, LOGS), [each.ref for each in attachments], undone={attachments[0].ref}
    )
    assert decisions[attachments[1].ref] == Act((MakeHost(OURS.name, (iqn("node"),)), map_volume(OURS, LOGS)))
