"""Many objects at once: each is planned on what the earlier ones leave."""

from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, RemoveHost, RemovePort, Step, UnmapVolume
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Host, Volume
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


def put(on: Host, what: Volume, lun: int = 1) -> MapVolume:
    return MapVolume(on.name, what.name, what.uid, Lun(lun))


def steps(around: Desired, seen: Inventory, *names: str) -> list[Step]:
    """The steps of a batch over everything, or over the objects of these names."""
    due = [ref for ref in (*around.hosts, *around.attachments) if not names or ref.name in names]
    decisions = batch.plan(around, seen, due).values()
    return [step for decision in decisions if isinstance(decision, Act) for step in decision.steps]


def test_the_first_of_several_volumes_makes_the_host_and_no_lun_is_promised_twice() -> None:
    wished = [attachment(name, "node", name) for name in ("data", "logs", "temp")]

    done = steps(desired(NODE, *wished), inventory(DATA, LOGS, TEMP))

    assert done == [
        MakeHost(OURS.name, (iqn("node"),)),
        *(put(OURS, each, lun) for lun, each in enumerate((DATA, LOGS, TEMP), start=1)),
    ]


def test_a_free_volume_is_promised_to_one_host_only_and_the_elder_gets_it() -> None:
    elder, younger = attachment("elder", "a"), attachment("younger", "b")
    around = desired(host("a"), host("b"), elder, younger)

    decisions = batch.plan(around, inventory(DATA), [younger.ref, elder.ref])

    assert isinstance(decisions[elder.ref], Act)
    refused = decisions[younger.ref]
    assert not isinstance(refused, Act)


def test_a_volume_moves_from_host_to_host_in_one_batch_first_off_then_on() -> None:
    other = host_object(own_name("b"), "b")
    leaving = attachment("leaving", "node", status=bound(OURS, DATA), meta={"deleting": True})
    coming = attachment("coming", "b")

    done = steps(desired(NODE, host("b"), leaving, coming), inventory(DATA, OURS, other, mapped(OURS, DATA)))

    assert done[:2] == [
        UnmapVolume(OURS.name, DATA.name, DATA.uid),
        put(other, DATA),
    ]


def test_the_last_volume_that_goes_takes_the_host_object_with_it() -> None:
    leaving = [
        attachment(each.name, "node", status=bound(OURS, each), meta={"deleting": True}) for each in (DATA, LOGS)
    ]
    seen = inventory(DATA, LOGS, OURS, mapped(OURS, DATA, 1), mapped(OURS, LOGS, 2))

    assert steps(desired(NODE, *leaving), seen)[-1] == RemoveHost(OURS.name)
    assert RemoveHost(OURS.name) not in steps(desired(NODE, *leaving), seen, "node", "data")


def test_a_host_object_stays_when_one_volume_goes_and_another_comes() -> None:
    leaving = attachment("leaving", "node", status=bound(OURS, DATA), meta={"deleting": True})
    coming = attachment("coming", "node", "logs")

    done = steps(desired(NODE, leaving, coming), inventory(DATA, LOGS, OURS, mapped(OURS, DATA)))

    assert done == [
        UnmapVolume(OURS.name, DATA.name, DATA.uid),
        put(OURS, LOGS),
    ]


def test_ports_are_put_right_before_volumes_come() -> None:
    reinstalled = host("node", "new")

    done = steps(desired(reinstalled, attachment("a", "node")), inventory(DATA, host_object(OURS.name, "old")))

    assert done == [
        AddPorts(OURS.name, (iqn("new"),)),
        RemovePort(OURS.name, iqn("old")),
        put(OURS, DATA),
    ]


def test_a_closed_array_takes_nothing_in_and_lets_everything_out() -> None:
    leaving = attachment("leaving", "node", status=bound(OURS, DATA), meta={"deleting": True})
    coming = attachment("coming", "b", "logs")
    around = desired(NODE, host("b"), leaving, coming, closed="Pool Pool0 is offline.")

    decisions = batch.plan(
        around, inventory(DATA, LOGS, OURS, mapped(OURS, DATA)), [*around.hosts, *around.attachments]
    )

    assert decisions[leaving.ref] == Act((UnmapVolume(OURS.name, DATA.name, DATA.uid),))
    assert decisions[NODE.ref] == Act((RemoveHost(OURS.name),))
    closed = decisions[coming.ref]
    assert isinstance(closed, Wait)
    assert closed.reason is Reason.ARRAY_NOT_READY
    assert "Pool0 is offline" in closed.message


def test_what_is_wrong_with_a_closed_array_is_for_its_own_namespace_to_read() -> None:
    tenant = {"namespace": "tenant"}
    coming = attachment("coming", "node", meta=tenant)
    owner = host("node", array_ref={"name": "array", "namespace": "storage"}, meta=tenant)
    around = desired(
        owner, coming, of=array(allowed_namespaces={"from": "All"}), closed="Pool Pool0 is offline: node1 is down."
    )

    decision = batch.plan(around, inventory(DATA), [coming.ref])[coming.ref]

    assert isinstance(decision, Wait)
    assert decision.reason is Reason.ARRAY_NOT_READY
    assert "Pool0" not in decision.message
    assert "ask the array administrator" in decision.message


def test_ports_are_not_changed_while_the_array_is_closed() -> None:
    around = desired(host("node", "new"), attachment("a", "node"), closed="Open access is on.")

    assert steps(around, inventory(DATA, host_object(OURS.name, "old"))) == []


def test_the_view_that_was_planned_on_is_left_as_it_was() -> None:
    around, seen = desired(NODE, attachment("a", "node")), inventory(DATA)

    first = batch.plan(around, seen, [*around.hosts, *around.attachments])

    assert batch.plan(around, seen, [*around.hosts, *around.attachments]) == first
    assert not seen.hosts


def test_what_is_due_twice_or_does_not_exist_any_more_is_no_trouble() -> None:
    wished = attachment("a", "node")
    around, missing = desired(NODE, wished), attachment("gone", "node").ref

    decisions = batch.plan(
        around, inventory(DATA, OURS, mapped(OURS, DATA)), [wished.ref, wished.ref, missing, missing]
    )

    assert list(decisions) == [wished.ref]
    assert isinstance(decisions[wished.ref], InSync)


def test_an_attachment_by_uid_and_one_by_name_get_one_mapping() -> None:
    elder, younger = attachment("elder", "node", uid(1)), attachment("younger", "node", "data")

    done = steps(desired(NODE, elder, younger), inventory(DATA, OURS))

    assert [type(step) for step in done] == [MapVolume]


def test_no_attachment_is_refused_for_a_mapping_that_the_array_did_not_make() -> None:
    elder, younger = attachment("elder", "a"), attachment("younger", "b", access="Shared")
    ours = host_object(own_name("a"), "a")
    around, seen = desired(host("a"), host("b"), elder, younger), inventory(DATA, ours)

    before = batch.plan(around, seen, [elder.ref, younger.ref])[younger.ref]
    after = batch.plan(around, seen, [elder.ref, younger.ref], undone={elder.ref})[younger.ref]

    assert isinstance(before, Refuse)
    assert isinstance(after, Act)


def test_no_attachment_is_refused_for_a_lun_that_the_array_did_not_give() -> None:
    elder, younger = attachment("elder", "node", "data"), attachment("younger", "node", "logs", lun=1)
    around, seen = desired(NODE, elder, younger), inventory(DATA, LOGS, OURS)

    before = batch.plan(around, seen, [elder.ref, younger.ref])[younger.ref]
    after = batch.plan(around, seen, [elder.ref, younger.ref], undone={elder.ref})[younger.ref]

    assert isinstance(before, Refuse)
    assert before.reason is Reason.LUN_TAKEN
    assert after == Act((put(OURS, LOGS, 1),))


def test_a_host_object_that_the_array_did_not_make_is_made_for_the_next_volume() -> None:
    wished = [attachment(name, "node", name) for name in ("data", "logs")]
    around = desired(NODE, *wished)

    decisions = batch.plan(around, inventory(DATA, LOGS), [each.ref for each in wished], undone={wished[0].ref})
    assert decisions[wished[1].ref] == Act((MakeHost(OURS.name, (iqn("node"),)), put(OURS, LOGS)))
