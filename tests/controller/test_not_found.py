"""An attachment is released when its volume is mapped to none of the host's initiators, whatever the names are then."""

from collections.abc import Callable

import pytest

from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from support.builders import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.passes import attachment_ref, passes

Act = Callable[[InProcess], None]


class Racing(InProcess):
    """An array whose administrator acts once, right after the given number of further lines was answered."""

    lines_until = 0
    act: Callable[[], None]

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        self.lines_until -= 1
        if self.lines_until == 0:
            self.act()
        return reply


def renamed(kind: str, name: str, to: str) -> Act:
    def act(array: InProcess) -> None:
        array.admin(f"svctask ch{kind} -name {to} {name}")

    return act


def swapped(kind: str, one: str, other: str) -> Act:
    def act(array: InProcess) -> None:
        for former, name in ((one, "swap"), (other, one), ("swap", other)):
            array.admin(f"svctask ch{kind} -name {name} {former}")

    return act


def all_of(*acts: Act) -> Act:
    def act(array: InProcess) -> None:
        for each in acts:
            each(array)

    return act


def created_again(name: str) -> Act:
    """The host object is deleted; another one gets its id, its initiators and its volume."""

    def act(array: InProcess) -> None:
        array.admin(f"svctask rmhost -force {name}")
        array.admin(f"svctask mkhost -name successor -iscsiname {iqn('a')}")
        array.admin("svctask mkvdiskhostmap -host successor -scsi 7 vol0")

    return act


A, B = own_name("a"), own_name("b")
ACTS: dict[str, Act] = {
    "the host object is renamed": renamed("host", A, "renamed"),
    "two host objects swap names": swapped("host", A, B),
    "the host object is created again under another name": created_again(A),
    "the volume is renamed": renamed("vdisk", "vol0", "other"),
    "two volumes swap names": swapped("vdisk", "vol0", "vol1"),
    "host object and volume are renamed": all_of(renamed("host", A, "renamed"), renamed("vdisk", "vol0", "other")),
    "host objects and volumes swap names": all_of(swapped("host", A, B), swapped("vdisk", "vol0", "vol1")),
    "a new volume gets the name": all_of(renamed("vdisk", "vol0", "other"), renamed("vdisk", "vol2", "vol0")),
}


PAIR = str(iqn("a")), 0
"""An initiator, and the id of the volume that is being detached from it. The id is the same after a rename."""


def visible(array: InProcess) -> set[tuple[str, int]]:
    """The initiators, each with the id of a volume that it sees."""
    return {
        (port.name, mapping.volume.id)
        for each in array.system.hosts.values()
        for port in each.ports
        for mapping in array.system.seen_by(each)
    }


async def lines_of_a_detach(dialect: str, act: Act, *, survey: bool, after: int) -> int | None:
    """Detach, with the act after so many lines of the pass. Return the number of lines.

    None: the volume was not mapped any more when the administrator acted.
    """
    with Racing({"dialect": dialect}) as array:
        async with passes(array) as running:
            leaving = attachment_ref("one")
            running.apply(host("a"), host("b"), attachment("one", "a", "vol0"), attachment("b", "b", "vol1"))
            await running.survey()
            assert running.ready(leaving)["status"] == "True"
            running.delete(leaving)
            mapped = True

            def act_now() -> None:
                nonlocal mapped
                mapped = PAIR in visible(array)
                act(array)

            before, array.lines_until, array.act = len(array.lines), after, act_now
            await running.turn(leaving, survey=survey)
            sent = array.lines[before:]
            if mapped:
                assert running.api.exists(leaving) or PAIR not in visible(array), (after, sent)
            return len(sent) if mapped else None


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("dialect", ["legacy", "modern"])
@pytest.mark.parametrize("survey", [True, False], ids=["survey", "targeted read"])
async def test_an_attachment_is_not_released_while_the_volume_is_mapped_whatever_is_renamed_meanwhile(
    dialect: str, act: str, *, survey: bool
) -> None:
    after = 1
    while (lines := await lines_of_a_detach(dialect, ACTS[act], survey=survey, after=after)) is not None:
        assert after <= lines, "the volume was never unmapped"
        after += 1
