"""A command does what was planned or nothing, whatever an administrator renamed between the read and the command."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from flashsystem_operator.array import discovery, queries
from flashsystem_operator.array.commands import (
    AddPorts,
    ChangeHost,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemovePort,
    Step,
    UnmapVolume,
)
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.errors import OutcomeUnknown, Unreachable, Withheld
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.values import HostName, Lun, VolumeName
from support.builders import iqn
from support.in_process import InProcess, Slipping, another_host, another_volume

ONE, OTHER = HostName("one"), HostName("other")
EVERY = ["map", "unmap", "force", "remove a port", "remove a host", "change a host"]
CONFIG: dict[str, Any] = {
    "hosts": [{"name": name, "ports": [{"name": iqn(name)}]} for name in (ONE, OTHER)],
    "mappings": [{"host": ONE, "volume": "vol0", "lun": 1}, {"host": OTHER, "volume": "vol1", "lun": 1}],
}


@pytest.fixture(params=["legacy", "modern"])
def array(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    with InProcess({"dialect": request.param, **CONFIG}) as running:
        yield running


def planned(session: Session) -> tuple[Inventory, dict[str, Step]]:
    """Return the inventory, and a step of each kind that is based on it."""
    seen = discovery.survey(session, None)
    uids = {name: found.uid for name in ("vol0", "vol1", "vol2") if (found := seen.volume_named(VolumeName(name)))}
    return seen, {
        "map": MapVolume(ONE, VolumeName("vol2"), uids["vol2"], Lun(5)),
        "unmap": UnmapVolume(ONE, VolumeName("vol0"), uids["vol0"]),
        "force": MapVolume(ONE, VolumeName("vol1"), uids["vol1"], Lun(6), alongside_others=True),
        "remove a port": RemovePort(ONE, iqn(ONE)),
        "remove a host": RemoveHost(ONE),
        "change a host": ChangeHost(ONE, kind="hpux"),
    }


def swap(kind: str, one: str, other: str) -> Callable[[InProcess], None]:
    def do(array: InProcess) -> None:
        for former, name in ((one, "aside"), (other, one), ("aside", other)):
            array.admin(f"svctask ch{kind} -name {name} {former}")

    return do


def writes(array: InProcess) -> list[str]:
    return [line for line in array.lines if "svctask" in line]


@pytest.mark.parametrize("step", EVERY)
def test_of_two_hosts_that_swapped_names_neither_is_changed(array: InProcess, step: str) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        swap("host", ONE, OTHER)(array)

        with pytest.raises(Withheld, match="another host object"):
            session.do(steps[step], known=queries.known(steps[step], seen, ()))

    assert writes(array) == []


@pytest.mark.parametrize("step", ["map", "force"])
def test_of_two_volumes_that_swapped_names_neither_is_mapped(array: InProcess, step: str) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        swap("vdisk", "vol2", "vol1")(array)

        with pytest.raises(Withheld, match="another volume"):
            session.do(steps[step], known=queries.known(steps[step], seen, ()))

    assert writes(array) == []


def test_of_two_mapped_volumes_that_swapped_names_neither_is_unmapped(array: InProcess) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        array.admin(f"svctask mkvdiskhostmap -host {ONE} -scsi 9 vol2")
        swap("vdisk", "vol0", "vol2")(array)

        with pytest.raises(Withheld, match="was renamed"):
            session.do(steps["unmap"], known=queries.known(steps["unmap"], seen, ()))

    assert writes(array) == []


def test_a_second_mapping_is_not_forced_when_a_further_host_got_the_volume_meanwhile(array: InProcess) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        array.admin(f"svctask mkhost -name third -iscsiname {iqn('third')}")
        array.admin("svctask mkvdiskhostmap -force -host third -scsi 3 vol1")

        with pytest.raises(Withheld, match="was mapped to another host object meanwhile"):
            session.do(steps["force"], known=queries.known(steps["force"], seen, ()))

    assert writes(array) == []


def test_a_second_mapping_is_forced_although_another_host_is_known_only_by_its_mapping(array: InProcess) -> None:
    """The other host was created after the hosts were listed, and the mappings of the volume were read since."""
    with closing(array.session()) as session:
        seen, steps = planned(session)
        array.admin(f"svctask mkhost -name third -iscsiname {iqn('third')}")
        array.admin("svctask mkvdiskhostmap -force -host third -scsi 3 vol1")
        discovery.closely(session, seen, Focus(volumes={getattr(steps["force"], "uid")}))  # noqa: B009 - of a union
        seen.hosts.pop(HostName("third"))  # as after a listing of all mappings, which reads no host objects

        session.do(steps["force"], known=queries.known(steps["force"], seen, ()))

    assert {each["host"] for each in array.state["mappings"] if each["volume"] == "vol1"} == {ONE, OTHER, "third"}


def log_in(array: InProcess, name: str) -> None:
    for port in array.system.host_named[name].ports:
        port.logins = 1


@pytest.mark.parametrize("step", EVERY)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(f"addhostport -iscsiname {iqn('stranger')} {ONE}", id="one more"),
        pytest.param(f"addhostport -hbawwpn 500507680140A1B2 -force {ONE}", id="one more of another protocol"),
        pytest.param(f"rmhostport -iscsiname {iqn(ONE)} {ONE}", id="none"),
    ],
)
def test_a_host_object_with_other_ports_than_observed_is_not_changed(array: InProcess, step: str, change: str) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        array.admin(f"svctask {change}")

        with pytest.raises(Withheld, match="or it is another one"):
            session.do(steps[step], known=queries.known(steps[step], seen, ()))

    assert writes(array) == []


def test_initiators_that_the_same_plan_adds_and_removes_are_expected(array: InProcess) -> None:
    add, remove = AddPorts(ONE, (iqn("new"),)), RemovePort(ONE, iqn(ONE))
    with closing(array.session()) as session:
        seen, steps = planned(session)
        plan = (add, remove, steps["map"])
        for step in plan:
            session.do(step, known=queries.known(step, seen, plan))

    assert [line.split()[1] for line in writes(array)] == ["addhostport", "rmhostport", "mkvdiskhostmap"]


@pytest.mark.parametrize("step", ["unmap", "remove a port", "remove a host", "change a host"])
def test_nothing_is_removed_from_a_host_that_logged_in_after_the_decision(array: InProcess, step: str) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        log_in(array, ONE)

        with pytest.raises(Withheld, match="logged in meanwhile"):
            session.do(steps[step], known=queries.known(steps[step], seen, ()))

    assert writes(array) == []


def test_the_last_volume_of_a_host_with_sessions_is_unmapped_only_if_that_was_decided(array: InProcess) -> None:
    array.admin(f"svctask mkvdiskhostmap -host {ONE} -scsi 9 vol2")
    log_in(array, ONE)
    with closing(array.session()) as session:
        seen, steps = planned(session)
        expected = queries.known(steps["unmap"], seen, (steps["unmap"],))
        array.admin(f"svctask rmvdiskhostmap -host {ONE} vol2")

        with pytest.raises(Withheld, match="the other volumes of host object"):
            session.do(steps["unmap"], known=expected)
        assert writes(array) == []

        session.do(steps["unmap"], known=queries.known(steps["unmap"], discovery.survey(session, None), ()))
        assert len(writes(array)) == 1


def test_a_host_that_the_same_plan_creates_is_identified_by_its_initiators(array: InProcess) -> None:
    create, name = MakeHost(HostName("new"), (iqn("new"),)), HostName("new")
    with closing(array.session()) as session:
        seen, steps = planned(session)
        mapping = MapVolume(name, VolumeName("vol2"), getattr(steps["map"], "uid"), Lun(1))  # noqa: B009 - of a union
        expected = queries.known(mapping, seen, (create, mapping))
        array.admin(f"svctask mkhost -name new -iscsiname {iqn('stranger')}")
        with pytest.raises(Withheld, match="the ports of host object"):
            session.do(mapping, known=expected)
        array.admin("svctask rmhost new")

        session.do(create, known=queries.known(create, seen, (create, mapping)))
        session.do(mapping, known=expected)

    assert {(each["host"], each["lun"]) for each in array.state["mappings"]} >= {("new", 1)}


def test_a_command_on_an_array_that_accepts_one_at_a_time_does_not_wait_for_itself(array: InProcess) -> None:
    """The thread that sends it is the only one, and also the one that re-reads the array first."""
    with closing(array.session(width=1)) as session:
        seen, steps = planned(session)
        sending = session.threads.submit(session.do, steps["map"], known=queries.known(steps["map"], seen, ()))
        sending.result(timeout=30)

    assert len(writes(array)) == 1


# -- after the command -----------------------------------------------------------------------------------------------


def typed_by_administrator(*lines: str) -> Callable[[InProcess], None]:
    def do(array: InProcess) -> None:
        for line in lines:
            array.admin(f"svctask {line}")

    return do


def both(*actions: Callable[[InProcess], None]) -> Callable[[InProcess], None]:
    def do(array: InProcess) -> None:
        for action in actions:
            action(array)

    return do


def nothing(_: InProcess) -> None:
    pass


UNMAP, MAP = f"rmvdiskhostmap -host {ONE} vol2", f"mkvdiskhostmap -force -host {ONE} -scsi"
SWAPPED = swap("vdisk", "vol2", "vol3"), swap("host", ONE, OTHER)


REPLACED = partial(another_volume, name="vol2"), partial(another_host, name=ONE)


def mapped_meanwhile(
    dialect: str, first: Callable[[InProcess], None], then: Callable[[InProcess], None]
) -> tuple[queries.Found | None, list[tuple[str, str]]]:
    """Map vol2 to host object `one`; return what is found afterwards, and the pairs that exist then."""
    with Slipping({"dialect": dialect, **CONFIG}) as array, closing(array.session()) as session:
        seen, steps = planned(session)
        array.first, array.then = first, then
        found = session.do(steps["map"], known=queries.known(steps["map"], seen, ()))
        assert isinstance(found, queries.Found | None)
        return found, [(each["host"], each["volume"]) for each in array.state["mappings"]]


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
@pytest.mark.parametrize(
    ("first", "names"),
    [
        pytest.param(SWAPPED[0], (ONE, "vol3"), id="two volumes swap names"),
        pytest.param(SWAPPED[1], (OTHER, "vol2"), id="two host objects swap names"),
        pytest.param(both(*SWAPPED), (OTHER, "vol3"), id="both"),
    ],
)
def test_the_intended_pair_is_mapped_although_names_move_right_before_the_command(
    dialect: str, first: Callable[[InProcess], None], names: tuple[str, str]
) -> None:
    found, there = mapped_meanwhile(dialect, first, nothing)

    assert found is not None
    assert found.wrong is None
    assert names in there
    assert len(there) == len(CONFIG["mappings"]) + 1


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
@pytest.mark.parametrize(
    ("first", "wrong"),
    [
        pytest.param(REPLACED[0], (ONE, "new"), id="another volume has its id"),
        pytest.param(REPLACED[1], ("new", "vol2"), id="another host object has its id"),
        pytest.param(both(*REPLACED), ("new", "new"), id="both"),
    ],
)
def test_a_mapping_of_another_pair_than_intended_is_found_right_after_the_command(
    dialect: str, first: Callable[[InProcess], None], wrong: tuple[str, str]
) -> None:
    """An array reuses the lowest free id."""
    found, there = mapped_meanwhile(dialect, first, nothing)

    assert found is not None
    assert found.wrong is not None
    assert (found.wrong.host, found.wrong.volume) == wrong
    assert wrong in there


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
@pytest.mark.parametrize(
    "then",
    [
        pytest.param(nothing, id="the intended mapping is there"),
        pytest.param(both(*SWAPPED), id="it is there under other names"),
        pytest.param(typed_by_administrator(UNMAP), id="it was unmapped"),
        pytest.param(typed_by_administrator(UNMAP, f"{MAP} 7 vol2"), id="it is there at another LUN"),
        pytest.param(typed_by_administrator(UNMAP, f"{MAP} 7 vol3"), id="another volume was mapped at another LUN"),
        pytest.param(
            typed_by_administrator(UNMAP, f"rmvdiskhostmap -host {ONE} vol0", f"{MAP} 5 vol0"),
            id="a known mapping moved",
        ),
        pytest.param(
            typed_by_administrator(UNMAP, f"mkvdiskhostmap -host {OTHER} -scsi 7 vol2"),
            id="another host got the volume",
        ),
    ],
)
def test_a_mapping_of_an_administrator_is_never_taken_for_that_of_the_command(
    dialect: str, then: Callable[[InProcess], None]
) -> None:
    found, _ = mapped_meanwhile(dialect, nothing, then)

    assert found is not None
    assert found.wrong is None


def test_a_mapping_missing_from_the_list_of_its_host_is_not_a_wrong_one(array: InProcess) -> None:
    with closing(array.session()) as session:
        seen, steps = planned(session)
        intended = steps["map"]
        assert isinstance(intended, MapVolume)
        session.do(intended)

        def find(query: Query[Any]) -> Any:
            return () if query.verb == "lshostvdiskmap" else session.find(query)

        host, data = seen.hosts[ONE], seen.volumes[intended.uid]
        assert (
            queries.find_mapping(intended, host, data, queries.known(intended, seen, (intended,)), find).wrong is None
        )


@pytest.mark.parametrize("created", [False, True])
def test_a_plan_may_map_one_volume_to_several_hosts(array: InProcess, *, created: bool) -> None:
    name = HostName("third")
    with closing(array.session()) as session:
        seen, steps = planned(session)
        first = steps["map"]
        assert isinstance(first, MapVolume)
        create = MakeHost(name, (iqn("third"),))
        target = name if created else OTHER
        plan = (create, first, replace(first, host=target, lun=Lun(7), alongside_others=True))

        for step in plan if created else plan[1:]:
            session.do(step, known=queries.known(step, seen, plan))

    assert {each["host"] for each in array.state["mappings"] if each["volume"] == "vol2"} == {ONE, target}


def test_a_mapping_intended_by_another_command_of_the_plan_is_not_a_wrong_one(array: InProcess) -> None:
    """It took the LUN that became free again."""
    with closing(array.session()) as session:
        seen, steps = planned(session)
        intended, wrong = steps["map"], seen.volume_named(VolumeName("vol3"))
        assert wrong is not None
        other = MapVolume(ONE, wrong.name, wrong.uid, Lun(5))
        expected = queries.known(intended, seen, (intended, other))
        session.do(other)

        assert isinstance(intended, MapVolume)
        host, data = seen.hosts[ONE], seen.volumes[intended.uid]
        assert queries.find_mapping(intended, host, data, expected, session.find).wrong is None


def test_a_new_mapping_that_could_not_be_read_back_has_an_unknown_outcome() -> None:
    class Cut(Slipping):
        def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
            if writes(self):
                raise Unreachable("no connection")
            return super().run(line, shown=shown, before=before)

    with Cut({"dialect": "modern", **CONFIG}) as array, closing(array.session()) as session:
        seen, steps = planned(session)
        with pytest.raises(OutcomeUnknown, match="could not be read"):
            session.do(steps["map"], known=queries.known(steps["map"], seen, ()))


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unreadable_mapping_is_overlooked_neither_before_nor_after_a_command(when: str) -> None:
    class Odd(Slipping):
        def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
            reply = super().run(line, shown=shown, before=before)
            is_odd = bool(writes(self)) == (when == "after")
            return Reply(
                reply.stdout.replace("!private!", "!new!" if is_odd else "!private!"), reply.stderr, reply.status
            )

    with Odd({"dialect": "modern", **CONFIG}) as array, closing(array.session()) as session:
        with InProcess({"dialect": "modern", **CONFIG}) as whole, closing(whole.session()) as plain:
            seen, steps = planned(plain)
        step = steps["unmap" if when == "before" else "map"]

        with pytest.raises(Withheld if when == "before" else OutcomeUnknown, match="mapping_type is 'new'"):
            session.do(step, known=queries.known(step, seen, ()))
        assert len(writes(array)) == (when == "after")
