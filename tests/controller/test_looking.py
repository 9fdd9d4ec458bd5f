"""What a pass looks at. What is gone is believed from a command that was meant for it, never from a listing alone."""

from collections.abc import Iterator

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.conditions import find
from flashsystem_operator.array.commands import Step, UnmapVolume
from flashsystem_operator.array.transport import Reply
from support.arranging import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.keeping import Keeper

MODERN = {"dialect": "modern"}


class Forgetful(InProcess):
    """An array whose listings lack whatever has one of these words in its row; asked by itself it tells the truth."""

    lacking: tuple[str, ...] = ()

    def run(self, line: str, *, shown: str | None = None) -> Reply:
        reply = super().run(line, shown=shown)
        verb, *words = line.split("; ", maxsplit=1)[0].split()[1:]
        asked = [word for word in words if word not in ("-delim", "'!'", "-bytes")]
        if asked or ";" in line or verb not in ("lshost", "lsvdisk", "lshostvdiskmap"):
            return reply
        kept = [row for row in reply.stdout.splitlines(keepends=True) if not any(word in row for word in self.lacking)]
        return Reply("".join(kept), reply.stderr, reply.status)


@pytest.fixture
def array() -> Iterator[Forgetful]:
    with Forgetful(MODERN) as running:
        yield running


@pytest.fixture
def typed() -> list[Step]:
    return []


@pytest.fixture
def keeper(array: Forgetful, typed: list[Step]) -> Iterator[Keeper]:
    """One volume of two hosts each is attached."""
    running = Keeper(array, typed.append)
    running.wish(host("a"), host("b"), attachment("to-a", "a", "vol0"), attachment("to-b", "b", "vol1"))
    running.settle()
    typed.clear()
    yield running
    running.close()


def of(keeper: Keeper, name: str) -> VolumeAttachment:
    (found,) = [each for ref, each in keeper.wishes.items() if ref.name == name]
    assert isinstance(found, VolumeAttachment)
    return found


@pytest.mark.parametrize("survey", [True, False], ids=["everything", "closely"])
@pytest.mark.parametrize("lacking", ["vol0", own_name("a")])
def test_a_detach_is_done_though_a_listing_lacks_what_is_to_be_undone(
    array: Forgetful, keeper: Keeper, typed: list[Step], lacking: str, *, survey: bool
) -> None:
    array.lacking = (lacking,)
    keeper.delete(of(keeper, "to-a").ref)

    keeper.turn(survey=survey)

    assert [type(step) for step in typed][:1] == [UnmapVolume]
    assert [each["host"] for each in array.state["mappings"]] == [own_name("b")]


@pytest.mark.parametrize("survey", [True, False], ids=["everything", "closely"])
def test_a_renamed_host_object_is_left_though_the_listing_of_mappings_lacks_it(
    array: Forgetful, keeper: Keeper, *, survey: bool
) -> None:
    array.admin(f"svctask chhost -name renamed {own_name('a')}")
    array.lacking = ("!vol0!",)
    keeper.delete(of(keeper, "to-a").ref)

    keeper.turn(survey=survey)

    assert "renamed" not in [each["host"] for each in array.state["mappings"]]


def test_a_volume_that_a_listing_lacks_is_not_said_to_be_gone(array: Forgetful, keeper: Keeper) -> None:
    array.lacking = ("vol0",)

    keeper.turn()

    ready = find(of(keeper, "to-a").status.conditions, "Ready")
    assert ready is not None
    assert ready.reason != "VolumeGone"


def test_a_volume_that_is_gone_is_said_to_be_gone(array: Forgetful, keeper: Keeper) -> None:
    array.admin("svctask rmvdisk -force vol0")

    keeper.turn()

    ready = find(of(keeper, "to-a").status.conditions, "Ready")
    assert ready is not None
    assert ready.reason == "VolumeGone"


def test_no_attachment_leaves_by_the_listing_after_a_host_object_was_refused(array: Forgetful, keeper: Keeper) -> None:
    """The array refuses the new host object, so that all are listed again; that listing lacks what is being undone."""
    keeper.wish(host("c"), attachment("to-c", "c", "vol2"))
    keeper.delete(of(keeper, "to-a").ref)

    def another_hand() -> None:
        array.admin(f"svctask mkhost -iscsiname {iqn('c')} -name admins")
        array.system.volume_named["vol0"].recent_io = True
        array.lacking = ("!vol0!",)

    keeper.turn(meanwhile=another_hand)

    assert of(keeper, "to-a").metadata.deleting
    assert own_name("a") in [each["host"] for each in array.state["mappings"]]


def test_a_pass_over_an_attached_volume_asks_for_little(array: Forgetful, keeper: Keeper) -> None:
    before = len(array.lines)

    keeper.turn([of(keeper, "to-a").ref], survey=False)

    assert len(array.lines) - before <= 3
