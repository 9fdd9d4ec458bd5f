"""A row that cannot be read holds back only the objects that depend on it, and never counts as an absence for them."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import HostStep
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.planner import audit, batch
from flashsystem_operator.planner.decision import Decision, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.drift import with_vanished
from support.builders import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.passes import Passes, attachment_ref, passes

STATE: dict[str, Any] = {
    "dialect": "modern",
    "release": "8.6.0.0",
    "volumes": [{"name": f"vol{n}", "pool": "Pool0", "capacity": 4096} for n in range(8)],
    "hosts": [
        {"name": "admins", "ports": [{"name": iqn("adopted")}]},
        {"name": "foreign", "ports": [{"name": iqn("foreign")}]},
    ],
    "mappings": [{"host": "foreign", "volume": "vol6", "lun": 0}],
}
RESOURCES: tuple[FlashSystemHost | VolumeAttachment, ...] = (
    *(host(name) for name in ("one", "two", "leaving", "new", "adopted")),
    attachment("one-0", "one", "vol0"),
    attachment("one-1", "one", "vol1"),
    attachment("two-2", "two", "vol2"),
    attachment("leaving-3", "leaving", "vol3"),
    attachment("adopted-4", "adopted", "vol4"),
    attachment("elsewhere-6", "two", "vol6"),
)
LATE = attachment("new-5", "new", "vol5")


class Spoilt(InProcess):
    """An array that prints some lines differently, in every answer that contains them."""

    lines_there = lines_instead = ""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        if not self.lines_there:
            return reply
        text = f"\n{reply.stdout}".replace(f"\n{self.lines_there}\n", f"\n{self.lines_instead}\n")
        return Reply(text.removeprefix("\n"), reply.stderr, reply.status)

    def printed(self, look: str) -> list[str]:
        verb, *words = look.split()
        return super().run(f"svcinfo {verb} -delim ! {' '.join(words)}").stdout.splitlines()

    def spoil(self, row: str, spoil: Callable[[str], str]) -> None:
        self.lines_there, self.lines_instead = row, spoil(row)


@pytest.fixture
def array() -> Iterator[Spoilt]:
    with Spoilt(STATE) as running:
        yield running


@pytest.fixture
async def running(array: Spoilt) -> AsyncIterator[Passes]:
    """Some volumes are attached; one attachment was deleted, and one was created."""
    async with passes(array) as started:
        started.apply(*RESOURCES)
        await started.settle_all()
        started.delete(attachment_ref("leaving-3"))
        started.apply(LATE)
        started.steps.clear()
        yield started


def surveyed(array: Spoilt, desired: Desired) -> tuple[Inventory, dict[str, Decision]]:
    """The inventory of a first survey, and the decisions that follow from it."""
    with closing(array.session()) as session:
        due = [*desired.hosts, *desired.attachments]
        inventory = Observer(session).first(desired, due, survey=True)
        decisions = batch.plan(with_vanished(desired, inventory), inventory, due)
    return inventory, {
        ref.name if ref in desired.attachments else f"host {ref.name}": each for ref, each in decisions.items()
    }


def cut(cells: int) -> Callable[[str], str]:
    return lambda row: "!".join(row.split("!")[:cells])


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda row: row.replace(old, new, 1)


def concerned_by(desired: Desired, row: str, about: str) -> set[str]:
    """The objects whose host object, initiator or volume the row is about."""
    cells = {cell.lower() for cell in [*row.split("!"), about] if cell}
    found = set[str]()
    for ref, each in desired.hosts.items():
        names = {own_name(ref.name), *each.spec.initiators.iscsi, each.status.name or ""} - {""}
        if {name.lower() for name in names} & cells:
            found.add(f"host {ref.name}")
    for ref, each_attachment in desired.attachments.items():
        volume = each_attachment.status.volume
        names = {
            each_attachment.spec.volume.name or "",
            (volume and volume.uid) or "",
            (each_attachment.status.host and each_attachment.status.host.name) or "",
        }
        if {name.lower() for name in names if name} & cells or f"host {each_attachment.host.name}" in found:
            found.add(ref.name)
    return found


LISTINGS = ("lshost", "lsvdisk -bytes", "lshostvdiskmap", "lsnode", "lsip", "lsportset")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_row_of_another_shape_changes_nothing_for_objects_that_do_not_depend_on_it(
    array: Spoilt, running: Passes, data: st.DataObject
) -> None:
    array.lines_there, desired = "", running.desired()
    _, before = surveyed(array, desired)
    names = [each["name"] for each in array.state["hosts"]]
    look = data.draw(st.sampled_from([*LISTINGS, *(f"lshost {name}" for name in names)]))
    printed, name = array.printed(look), "" if look in LISTINGS else look.split()[1]
    number = data.draw(st.integers(0 if name else 1, len(printed) - 1))
    if name:
        instead = data.draw(st.sampled_from(["nothing", "?!?", f"{printed[number]}\nnew!x", f"{printed[number]}\nnew"]))
        array.lines_there = "\n".join(printed)
        array.lines_instead = "\n".join([*printed[:number], instead, *printed[number + 1 :]])
    else:
        array.spoil(printed[number], data.draw(st.sampled_from([lambda row: f"{row}!more", *map(cut, range(1, 6))])))

    if look == "lsportset" and "!portset0!" in printed[number]:  # whether any address is for hosts depends on it
        with pytest.raises(Unreadable):
            surveyed(array, desired)
        return
    inventory, after = surveyed(array, desired)

    concerned = concerned_by(desired, "" if name else printed[number], name)
    assert {name: each for name, each in after.items() if name not in concerned} == {
        name: each for name, each in before.items() if name not in concerned
    }
    for each in concerned:
        assert after[each] == before[each] or _reason(after[each]) is Reason.UNREADABLE_ANSWER
    assert inventory.odd or after == before


ODD: Mapping[str, tuple[str, str, Callable[[str], str]]] = {
    "an NVMe mapping without a SCSI id": ("lshostvdiskmap", "vol6", replaced("!0!", "!!")),
    "a SCSI id above all LUNs": ("lshostvdiskmap", "vol6", replaced("!0!", "!2600!")),
    "a new type of mapping": ("lshostvdiskmap", "vol6", replaced("!private!", "!partition!")),
    "a short UID in a mapping": ("lshostvdiskmap", "vol6", lambda row: row.replace("0000000000000006", "")),
    "a short UID of a volume": ("lsvdisk -bytes", "vol6", lambda row: row.replace("0000000000000006", "")),
}


@pytest.mark.parametrize(("look", "name", "spoil"), ODD.values(), ids=ODD)
def test_a_foreign_row_holds_back_only_attachments_of_that_volume_and_is_in_the_audit(
    array: Spoilt, running: Passes, look: str, name: str, spoil: Callable[[str], str]
) -> None:
    _, before = surveyed(array, running.desired())
    array.spoil(next(row for row in array.printed(look) if f"!{name}!" in row), spoil)

    inventory, after = surveyed(array, running.desired())

    changed = {ref for ref, each in after.items() if each != before[ref]}
    assert changed == {"elsewhere-6"}
    assert _reason(after["elsewhere-6"]) is Reason.UNREADABLE_ANSWER
    (unread,) = audit.audit(running.desired(), inventory).unreadable
    assert unread.command is not None
    assert unread.command.startswith(f"svcinfo {look.split(maxsplit=1)[0]}")
    assert unread.why


def _reason(decision: Decision) -> Reason:
    assert isinstance(decision, Wait)
    return decision.reason


@pytest.mark.parametrize("volume", ["vol0", "vol3"], ids=["attached", "leaving"])
@pytest.mark.parametrize("survey", [True, False], ids=["survey", "targeted read"])
@pytest.mark.parametrize("spoil", [replaced("!private!", "!new!"), cut(4)], ids=["of another type", "cut"])
async def test_a_mapping_that_cannot_be_read_counts_as_existing(
    array: Spoilt, running: Passes, volume: str, spoil: Callable[[str], str], *, survey: bool
) -> None:
    array.spoil(next(row for row in array.printed("lshostvdiskmap") if f"!{volume}!" in row), spoil)
    (owner,) = [ref for ref in running.everything if ref.name.endswith(volume[-1])]
    before = running.api.read(owner)["status"]

    for _ in range(2):
        await running.turn(*running.everything, survey=survey)

    assert volume in [each["volume"] for each in array.state["mappings"]]
    name = own_name(owner.name.split("-")[0])
    assert not [step for step in running.steps if isinstance(step, HostStep) and step.host == name]
    assert running.api.read(owner)["status"]["connection"] == before["connection"]
    assert running.ready(owner)["reason"] == "UnreadableAnswer"


async def test_the_attachment_is_reconciled_when_the_row_can_be_read_again(array: Spoilt, running: Passes) -> None:
    array.spoil(next(row for row in array.printed("lshostvdiskmap") if "!vol3!" in row), cut(4))
    await running.survey()
    array.lines_there = ""

    await running.settle_all()

    assert "vol3" not in [each["volume"] for each in array.state["mappings"]]
    assert running.inventory is not None
    assert running.inventory.odd == ()
