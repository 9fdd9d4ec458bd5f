"""A row that cannot be read stops nobody but those who stand on it, and to these it is never an absence."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import find
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.planner import audit, batch
from flashsystem_operator.planner.decision import Decision, Reason, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.drift import with_vanished
from support.builders import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.keeping import Keeper

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
WISHES: tuple[FlashSystemHost | VolumeAttachment, ...] = (
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
    """An array of whose answers some lines are printed in another way, in whatever answer they stand."""

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
def typed() -> list[Step]:
    return []


@pytest.fixture
def keeper(array: Spoilt, typed: list[Step]) -> Iterator[Keeper]:
    """Some volumes are attached, one attachment is about to go and one about to come."""
    running = Keeper(array, typed.append)
    running.wish(*WISHES)
    running.settle()
    running.delete(next(ref for ref in running.wishes if ref.name == "leaving-3"))
    running.wish(LATE)
    typed.clear()
    yield running
    running.close()


def seen(array: Spoilt, desired: Desired) -> tuple[Inventory, dict[str, Decision]]:
    """All that a first survey shows, and what is decided on it."""
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


def standing(desired: Desired, row: str, about: str) -> set[str]:
    """Whose host object, initiator or volume the row is about."""
    words = {cell.lower() for cell in [*row.split("!"), about] if cell}
    found = set[str]()
    for ref, each in desired.hosts.items():
        names = {own_name(ref.name), *each.spec.initiators.iscsi, each.status.name or ""} - {""}
        if {name.lower() for name in names} & words:
            found.add(f"host {ref.name}")
    for ref, wish in desired.attachments.items():
        volume = wish.status.volume
        names = {
            wish.spec.volume.name or "",
            (volume and volume.uid) or "",
            (wish.status.host and wish.status.host.name) or "",
        }
        if {name.lower() for name in names if name} & words or f"host {wish.host.name}" in found:
            found.add(ref.name)
    return found


LISTINGS = ("lshost", "lsvdisk -bytes", "lshostvdiskmap", "lsnode", "lsip", "lsportset")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_row_in_another_shape_changes_nothing_for_those_who_do_not_stand_on_it(
    array: Spoilt, keeper: Keeper, data: st.DataObject
) -> None:
    array.lines_there, desired = "", keeper.desired
    _, before = seen(array, desired)
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

    if look == "lsportset" and "!portset0!" in printed[number]:  # whether any address is for hosts stands on it
        with pytest.raises(Unreadable):
            seen(array, desired)
        return
    inventory, after = seen(array, desired)

    concerned = standing(desired, "" if name else printed[number], name)
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


@pytest.mark.parametrize(("look", "word", "spoil"), ODD.values(), ids=ODD)
def test_a_foreign_row_stops_only_who_wants_that_volume_and_the_audit_names_it(
    array: Spoilt, keeper: Keeper, look: str, word: str, spoil: Callable[[str], str]
) -> None:
    _, before = seen(array, keeper.desired)
    array.spoil(next(row for row in array.printed(look) if f"!{word}!" in row), spoil)

    inventory, after = seen(array, keeper.desired)

    changed = {name for name, each in after.items() if each != before[name]}
    assert changed == {"elsewhere-6"}
    assert _reason(after["elsewhere-6"]) is Reason.UNREADABLE_ANSWER
    (unread,) = audit.audit(keeper.desired, inventory).unreadable
    assert unread.command is not None
    assert unread.command.startswith(f"svcinfo {look.split(maxsplit=1)[0]}")
    assert unread.why


def _reason(decision: Decision) -> Reason:
    assert isinstance(decision, Wait)
    return decision.reason


@pytest.mark.parametrize("volume", ["vol0", "vol3"], ids=["attached", "leaving"])
@pytest.mark.parametrize("survey", [True, False], ids=["everything", "closely"])
@pytest.mark.parametrize("spoil", [replaced("!private!", "!new!"), cut(4)], ids=["of another type", "cut"])
def test_a_mapping_that_cannot_be_read_is_there(
    array: Spoilt, keeper: Keeper, typed: list[Step], volume: str, spoil: Callable[[str], str], *, survey: bool
) -> None:
    array.spoil(next(row for row in array.printed("lshostvdiskmap") if f"!{volume}!" in row), spoil)
    before = {each.name: keeper.wishes[each] for each in keeper.wishes}

    for _ in range(2):
        keeper.turn(survey=survey)

    (owner,) = [ref for ref in keeper.wishes if ref.name.endswith(volume[-1])]
    assert volume in [each["volume"] for each in array.state["mappings"]]
    assert not [step for step in typed if step.host == own_name(owner.name.split("-")[0])]
    after, known = keeper.wishes[owner], before[owner.name]
    assert isinstance(after, VolumeAttachment)
    assert isinstance(known, VolumeAttachment)
    assert after.status.connection == known.status.connection
    ready = find(after.status.conditions, "Ready")
    assert ready is not None
    assert ready.reason == "UnreadableAnswer"


def test_it_goes_on_when_the_row_can_be_read_again(array: Spoilt, keeper: Keeper) -> None:
    array.spoil(next(row for row in array.printed("lshostvdiskmap") if "!vol3!" in row), cut(4))
    keeper.turn()
    array.lines_there = ""

    keeper.settle()

    assert "vol3" not in [each["volume"] for each in array.state["mappings"]]
    assert keeper.inventory is not None
    assert keeper.inventory.odd == ()
