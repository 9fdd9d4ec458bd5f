"""Creating, changing and deleting volumes: the form of each command, and that it means what was planned."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.array import discovery, queries
from flashsystem_operator.array.commands import Step, UnmapVolume, is_observed, shown
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.errors import OutcomeUnknown, Refused, Withheld
from flashsystem_operator.array.model import Dialect, Inventory, Odd, Pool, Throttle, Volume, capabilities
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
    VolumeStep,
    create_volume,
    expand_volume,
    remove_volume,
    throttle_volume,
)
from flashsystem_operator.values import PoolName, Provisioning, VolumeName
from support.builders import body, inventory, volume
from support.in_process import Answers, InProcess, connected

GB, MB = 1 << 30, 1 << 20
NAME, POOL = VolumeName("data-1a2b3c4d5e6f70"), PoolName("Pool0")
LEGACY = capabilities(body(dialect=Dialect.LEGACY, level=()).system)
DATA = volume("data", 1, throttle=Throttle())


def release(*level: int) -> Any:
    return capabilities(body(level=level).system)


# -- the form of the command -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "provisioning", "data_reduction", "command"),
    [
        pytest.param(LEGACY, "Thick", None, "mkvdisk -name v -mdiskgrp P -iogrp 0 -size 512 -unit b", id="legacy"),
        pytest.param(
            release(7, 5), "Thick", None, "mkvdisk -name v -mdiskgrp P -iogrp 0 -size 512 -unit b", id="before mkvolume"
        ),
        pytest.param(
            release(7, 5),
            "Thin",
            None,
            "mkvdisk -name v -mdiskgrp P -iogrp 0 -size 512 -unit b -rsize 2% -autoexpand",
            id="thin before mkvolume",
        ),
        pytest.param(
            release(7, 5),
            "Compressed",
            None,
            "mkvdisk -name v -mdiskgrp P -iogrp 0 -size 512 -unit b -rsize 2% -autoexpand -compressed",
            id="compressed before mkvolume",
        ),
        pytest.param(release(7, 6), "Thick", None, "mkvolume -name v -pool P -size 512 -unit b", id="thick"),
        pytest.param(release(8, 6), "Thick", True, "mkvolume -name v -pool P -size 512 -unit b", id="thick, reduced"),
        pytest.param(release(7, 6), "Thin", None, "mkvolume -name v -pool P -size 512 -unit b -thin", id="thin"),
        pytest.param(
            release(8, 6),
            "Compressed",
            False,
            "mkvolume -name v -pool P -size 512 -unit b -compressed",
            id="compressed",
        ),
        pytest.param(
            release(8, 6),
            "ThinDeduplicated",
            True,
            "mkvolume -name v -pool P -size 512 -unit b -thin -deduplicated",
            id="thin and deduplicated",
        ),
        pytest.param(
            release(8, 6),
            "CompressedDeduplicated",
            True,
            "mkvolume -name v -pool P -size 512 -unit b -compressed -deduplicated",
            id="compressed and deduplicated",
        ),
    ],
)
def test_a_volume_is_created_by_the_command_of_the_release(
    has: Any, provisioning: str, data_reduction: bool | None, command: str
) -> None:
    pool = Pool(PoolName("P"), "online", GB, GB, data_reduction=data_reduction)

    step = create_volume(VolumeName("v"), pool, 512, Provisioning(provisioning), None, has)

    assert isinstance(step, CreateVolume)
    assert shown(step) == f"svctask {command}"


@pytest.mark.parametrize(
    ("has", "provisioning", "pool", "why"),
    [
        (LEGACY, "Thin", {}, "this array has no volumes of provisioning Thin, only Thick"),
        (release(6, 3), "Compressed", {}, "this array has no volumes of provisioning Compressed, only Thick, Thin"),
        (release(8, 0), "ThinDeduplicated", {}, "this array has no volumes of provisioning ThinDeduplicated"),
        (release(8, 6), "ThinDeduplicated", {"data_reduction": False}, "deduplication needs a data reduction pool"),
        (release(8, 6), "CompressedDeduplicated", {}, "deduplication needs a data reduction pool"),
        (release(8, 6), "Thin", {"provisioning_policy": "policy0"}, "provisioning policy policy0 decides"),
    ],
)
def test_a_volume_that_array_or_pool_cannot_provide_is_refused_with_the_reason(
    has: Any, provisioning: str, pool: dict[str, Any], why: str
) -> None:
    found = create_volume(NAME, Pool(POOL, "online", GB, GB, **pool), GB, Provisioning(provisioning), None, has)

    assert isinstance(found, str)
    assert found.startswith(why)


def test_a_size_that_is_no_multiple_of_a_block_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not a multiple of 512"):
        create_volume(NAME, Pool(POOL, "online", GB, GB), 513, Provisioning.THICK, None, LEGACY)


def test_an_increase_is_computed_from_the_size_on_the_array() -> None:
    assert expand_volume(DATA, 3 * GB) == ExpandVolume(DATA.name, DATA.uid, 2 * GB, 3 * GB)
    assert expand_volume(replace(DATA, capacity=700), 1000) == ExpandVolume(DATA.name, DATA.uid, 512, 1212)


@pytest.mark.parametrize("size", [GB, GB - 512, 0])
def test_a_volume_is_never_expanded_to_less_than_it_has(size: int) -> None:
    with pytest.raises(ValueError, match="cannot be expanded"):
        expand_volume(DATA, size)


def test_a_volume_is_deleted_by_the_command_of_the_release() -> None:
    assert [shown(remove_volume(DATA, has)) for has in (LEGACY, release(7, 5), release(7, 6))] == [
        "svctask rmvdisk data",
        "svctask rmvdisk data",
        "svctask rmvolume data",
    ]


LIMITED = Throttle("throttle0", 5000, 100)
CH = "svctask chthrottle"


@pytest.mark.parametrize(
    ("present", "iops", "bandwidth", "commands"),
    [
        pytest.param(Throttle(), None, None, [], id="none, none is requested"),
        pytest.param(LIMITED, 5000, 100, [], id="as requested"),
        pytest.param(
            Throttle(), 1, 2, ["svctask mkthrottle -type vdisk -iops 1 -bandwidth 2 -vdisk data"], id="none before"
        ),
        pytest.param(LIMITED, 5000, 7, [f"{CH} -iops 5000 -bandwidth 7 throttle0"], id="another limit"),
        pytest.param(Throttle("t", 5), 5, 7, [f"{CH} -iops 5 -bandwidth 7 t"], id="one more limit"),
        pytest.param(LIMITED, None, None, ["svctask rmthrottle throttle0"], id="no limit any longer"),
        pytest.param(
            LIMITED,
            None,
            100,
            ["svctask rmthrottle throttle0", "svctask mkthrottle -type vdisk -bandwidth 100 -vdisk data"],
            id="one of two limits is removed",
        ),
    ],
)
def test_the_limits_of_a_volume_are_set_with_as_few_commands_as_possible(
    present: Throttle, iops: int | None, bandwidth: int | None, commands: list[str]
) -> None:
    known = inventory(limited := replace(DATA, throttle=present))
    steps = throttle_volume(limited, iops, bandwidth, release(8, 6))

    assert not isinstance(steps, str)
    assert list(map(shown, steps)) == commands
    for step in steps:
        step.apply(known)
        assert is_observed(step, known)
    assert throttle_volume(known.volumes[DATA.uid], iops, bandwidth, release(8, 6)) == ()


def test_an_array_without_throttles_or_a_view_of_them_is_not_asked_for_one() -> None:
    assert throttle_volume(DATA, 5, None, LEGACY) == "this array cannot limit the I/O of a volume with throttles"
    assert throttle_volume(volume("data"), 5, None, release(8, 6)) == (
        "the array does not show the throttle of volume data"
    )


# -- whether the effect was observed ---------------------------------------------------------------------------------

LARGER, NEW = replace(DATA, capacity=2 * GB), VolumeName("new")
EXPAND, REMOVE = ExpandVolume(DATA.name, DATA.uid, 512, GB + 512), RemoveVolume(DATA.name, DATA.uid)


def gone() -> Inventory:
    known = inventory()
    known.learn_volume_gone(DATA.uid)
    return known


@pytest.mark.parametrize(
    ("step", "seen", "observed"),
    [
        pytest.param(CreateVolume(NAME, POOL, GB), inventory(DATA), False, id="the name is free"),
        pytest.param(CreateVolume(DATA.name, POOL, 7), inventory(DATA), True, id="another volume has the name"),
        pytest.param(EXPAND, inventory(DATA), False, id="not larger"),
        pytest.param(EXPAND, inventory(LARGER), True, id="larger than requested, since the array rounds up"),
        pytest.param(EXPAND, inventory(), False, id="a volume to expand that no list shows"),
        pytest.param(EXPAND, gone(), True, id="a volume to expand that is gone"),
        pytest.param(REMOVE, inventory(DATA), False, id="not removed"),
        pytest.param(REMOVE, inventory(), False, id="a volume to remove that only a list lacks"),
        pytest.param(REMOVE, gone(), True, id="removed"),
        pytest.param(REMOVE, inventory(replace(DATA, status="deleting")), True, id="being removed"),
        pytest.param(RenameVolume(DATA.name, DATA.uid, NEW), inventory(DATA), False, id="not renamed"),
        pytest.param(RenameVolume(NEW, DATA.uid, DATA.name), inventory(DATA), True, id="renamed"),
        pytest.param(ThrottleVolume(DATA.name, DATA.uid, 5, None), inventory(volume("data")), False, id="not shown"),
        pytest.param(RemoveThrottle(DATA.name, DATA.uid, "t"), inventory(DATA), True, id="no limit any longer"),
    ],
)
def test_a_lost_command_is_settled_only_by_what_proves_that_it_cannot_still_run(
    step: VolumeStep, seen: Inventory, observed: bool
) -> None:
    assert is_observed(step, seen) is observed


@pytest.mark.parametrize("step", [EXPAND, REMOVE, RenameVolume(NEW, DATA.uid, DATA.name)])
def test_an_unreadable_row_of_the_volume_proves_nothing(step: VolumeStep) -> None:
    seen = gone()
    seen.learn_odd("lsvdisk", [Odd("lsvdisk", "cut", frozenset({DATA.uid.lower()}))])

    assert not is_observed(step, seen)


@pytest.mark.parametrize(("capacity", "accepted"), [(GB - 512, False), (GB, True), (GB + 512, True), (2 * GB, False)])
def test_a_new_volume_may_be_larger_than_requested_only_by_what_arrays_round_up(capacity: int, accepted: bool) -> None:
    found = replace(DATA, capacity=capacity, pool=POOL)

    assert CreateVolume(DATA.name, POOL, GB).has_created(found) is accepted
    assert not CreateVolume(DATA.name, PoolName("other"), GB).has_created(found)


def test_a_volume_is_not_deleted_if_a_row_of_its_mappings_cannot_be_read() -> None:
    row = Odd("lsvdiskhostmap", "SCSI_id is no number", frozenset({"node"}))

    with pytest.raises(Withheld, match="mapped to a host"):
        queries.check(REMOVE, queries.Known(volume_id=DATA.id), (DATA, (row,)))
    queries.check(REMOVE, queries.Known(volume_id=DATA.id), (DATA, ()))


def test_two_volumes_that_one_plan_creates_are_both_known_to_later_plans() -> None:
    known = inventory()
    for name in (NAME, NEW):
        CreateVolume(name, POOL, GB).apply(known)

    assert [known.volume_named(name) is not None for name in (NAME, NEW)] == [True, True]


def test_steps_on_one_volume_or_name_run_in_order_and_a_host_object_of_that_name_is_independent() -> None:
    create, remove = CreateVolume(DATA.name, POOL, GB), RemoveVolume(DATA.name, DATA.uid)
    rename = RenameVolume(NEW, DATA.uid, DATA.name)

    assert set(create.touches) & set(remove.touches) & set(rename.touches)
    assert DATA.uid in set(remove.touches) & set(rename.touches)
    assert DATA.name not in create.touches


# -- against the simulated array -------------------------------------------------------------------------------------

POOLS = {"legacy": PoolName("mdiskgrp0"), "modern": POOL}


class Changing(InProcess):
    """An array whose administrator acts right before a volume is created, changed or deleted, or right after."""

    first: Callable[[InProcess], object] = staticmethod(lambda _: None)
    then: Callable[[InProcess], object] = staticmethod(lambda _: None)

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        if "svctask" not in line:
            return super().run(line, shown=shown, before=before)
        self.first(self)
        reply = super().run(line, shown=shown, before=before)
        self.then(self)
        return reply


@pytest.fixture(params=["legacy", "modern"])
def array(request: pytest.FixtureRequest) -> Iterator[Changing]:
    pool = POOLS[request.param]
    config: dict[str, Any] = {
        "dialect": request.param,
        "volumes": [{"name": name, "pool": pool, "capacity": GB} for name in ("data", "logs")],
        "hosts": [{"name": "a", "ports": [{"name": "iqn.1994-05.com.redhat:a"}]}],
    }
    with Changing(config) as running:
        yield running


@pytest.fixture
def session(array: Changing) -> Iterator[Session]:
    with closing(array.session()) as opened:
        yield opened


def surveyed(session: Session) -> tuple[Inventory, Volume]:
    """Return the inventory, and volume `data`."""
    seen = discovery.survey(session, None, with_pools=True)
    found = seen.volume_named(VolumeName("data"))
    assert found is not None
    return seen, found


def create(session: Session, name: VolumeName = NAME, size: int = 2 * GB) -> CreateVolume:
    seen, _ = surveyed(session)
    assert seen.pools is not None
    (pool,) = [each for each in seen.pools.values() if each.name in POOLS.values()]
    step = create_volume(name, pool, size, Provisioning.THICK, None, seen.body.capabilities)
    assert isinstance(step, CreateVolume)
    return step


def do(session: Session, step: Step, seen: Inventory) -> Any:
    return session.do(step, known=queries.known(step, seen, (step,)))


def sizes(array: InProcess) -> dict[str, int]:
    return {each["name"]: each["capacity"] for each in array.state["volumes"]}


def writes(array: InProcess) -> list[str]:
    return [line for line in array.lines if "svctask" in line]


def test_a_created_volume_is_read_back_and_returned(array: Changing, session: Session) -> None:
    step = create(session)
    found = do(session, step, surveyed(session)[0])

    assert (found.name, found.capacity, found.pool) == (NAME, 2 * GB, step.pool)
    assert found.uid == next(each["uid"] for each in array.state["volumes"] if each["name"] == NAME)


def test_a_second_volume_of_the_same_name_is_never_created(array: Changing, session: Session) -> None:
    step = create(session, VolumeName("data"))

    with pytest.raises(Refused, match="CMMVC6035E"):
        do(session, step, surveyed(session)[0])

    assert sizes(array)["data"] == GB


@pytest.mark.parametrize(
    "then",
    [
        pytest.param([f"chvdisk -name x {NAME}"], id="it was renamed"),
        pytest.param([f"chvdisk -name x {NAME}", f"chvdisk -name {NAME} data"], id="another volume got its name"),
        pytest.param([f"mkvdiskhostmap -host a -scsi 1 {NAME}"], id="it was mapped"),
        pytest.param([f"expandvdisksize -size 1 -unit gb {NAME}"], id="it has another size"),
    ],
)
def test_a_volume_that_may_not_be_the_created_one_is_not_taken_for_ours(
    array: Changing, session: Session, then: list[str]
) -> None:
    step, seen = create(session, size=GB), surveyed(session)[0]
    array.then = lambda one: [one.admin(f"svctask {each}") for each in then]

    with pytest.raises(OutcomeUnknown, match="it was done, but its volume could not be read"):
        do(session, step, seen)


def test_a_volume_grows_by_the_difference_and_only_once(array: Changing, session: Session) -> None:
    seen, found = surveyed(session)
    step = expand_volume(found, 3 * GB)
    do(session, step, seen)

    with pytest.raises(Withheld, match="changed meanwhile, to 3221225472 bytes"):
        do(session, step, seen)

    assert sizes(array)["data"] == 3 * GB
    discovery.closely(session, seen, Focus(uids={found.uid: found.name}))
    assert is_observed(step, seen)


def test_a_volume_that_an_administrator_grew_meanwhile_is_not_grown(array: Changing, session: Session) -> None:
    seen, found = surveyed(session)
    array.admin("svctask expandvdisksize -size 1 -unit gb data")

    with pytest.raises(Withheld, match="changed meanwhile"):
        do(session, expand_volume(found, 3 * GB), seen)

    assert writes(array) == []


def test_a_volume_is_deleted_and_its_absence_is_proven_by_reading_it(array: Changing, session: Session) -> None:
    seen, found = surveyed(session)
    step = remove_volume(found, seen.body.capabilities)
    do(session, step, seen)

    assert set(sizes(array)) == {"logs"}
    discovery.closely(session, seen, Focus(uids={found.uid: found.name}))
    assert is_observed(step, seen)


def test_a_mapped_volume_is_not_deleted_whoever_mapped_it(array: Changing, session: Session) -> None:
    seen, found = surveyed(session)
    array.admin("svctask mkvdiskhostmap -host a -scsi 1 data")

    with pytest.raises(Withheld, match="was mapped to a host meanwhile"):
        do(session, remove_volume(found, seen.body.capabilities), seen)

    assert writes(array) == []


def test_a_volume_that_is_mapped_at_the_last_moment_is_kept_by_the_array(array: Changing, session: Session) -> None:
    seen, found = surveyed(session)
    array.first = lambda one: one.admin("svctask mkvdiskhostmap -host a -scsi 1 data")

    with pytest.raises(Refused):
        do(session, remove_volume(found, seen.body.capabilities), seen)

    assert "data" in sizes(array)


def steps_on(found: Volume, seen: Inventory) -> dict[str, Step]:
    return {
        "remove": remove_volume(found, seen.body.capabilities),
        "expand": expand_volume(found, 2 * GB),
        "rename": RenameVolume(found.name, found.uid, VolumeName("renamed")),
    }


def swap(array: InProcess) -> None:
    for former, name in (("data", "aside"), ("logs", "data"), ("aside", "logs")):
        array.admin(f"svctask chvdisk -name {name} {former}")


@pytest.mark.parametrize("kind", ["remove", "expand", "rename"])
def test_of_two_volumes_that_swapped_names_neither_is_changed(array: Changing, session: Session, kind: str) -> None:
    seen, found = surveyed(session)
    swap(array)

    with pytest.raises(Withheld, match="is now the name of another volume"):
        do(session, steps_on(found, seen)[kind], seen)

    assert writes(array) == []


@pytest.mark.parametrize("kind", ["remove", "expand", "rename"])
def test_the_intended_volume_is_changed_although_names_move_right_before_the_command(
    array: Changing, session: Session, kind: str
) -> None:
    seen, found = surveyed(session)
    array.first = swap
    do(session, steps_on(found, seen)[kind], seen)

    array.first = lambda _: None
    other = next(each for each in array.state["volumes"] if each["uid"] != found.uid)
    assert (other["name"], other["capacity"]) == ("data", GB)


@pytest.mark.parametrize("kind", ["remove", "expand", "rename"])
def test_a_volume_that_was_created_again_under_the_same_name_is_not_changed(
    array: Changing, session: Session, kind: str
) -> None:
    seen, found = surveyed(session)
    pool = array.state["volumes"][0]["pool"]
    array.admin("svctask rmvdisk data")
    array.admin(f"svctask mkvdisk -name data -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")

    with pytest.raises(Withheld, match="is now the name of another volume"):
        do(session, steps_on(found, seen)[kind], seen)

    assert writes(array) == []


def test_a_volume_is_renamed_and_later_found_under_its_new_name(array: Changing, session: Session) -> None:
    seen, found = surveyed(session)
    step = RenameVolume(found.name, found.uid, VolumeName("renamed"))
    do(session, step, seen)

    assert set(sizes(array)) == {"renamed", "logs"}
    discovery.closely(session, seen, Focus(uids={found.uid: found.name}))
    assert is_observed(step, seen)


def test_a_plan_that_unmaps_a_volume_and_then_deletes_it_is_done(array: Changing, session: Session) -> None:
    array.admin("svctask mkvdiskhostmap -host a -scsi 1 data")
    seen, found = surveyed(session)
    (on,) = seen.of_volume(found.uid)
    plan = (UnmapVolume(on, found.name, found.uid), remove_volume(found, seen.body.capabilities))
    for step in plan:
        session.do(step, known=queries.known(step, seen, plan))

    assert set(sizes(array)) == {"logs"}


FORMS = [
    ({"dialect": "legacy"}, "no", ["Thick"]),
    ({"dialect": "modern", "release": "7.5.0.0"}, "no", ["Thick", "Thin", "Compressed"]),
    ({"dialect": "modern", "release": "7.6.0.0"}, "no", ["Thick", "Thin", "Compressed"]),
    ({"dialect": "modern", "release": "8.6.0.0"}, "no", ["Thick", "Thin", "Compressed"]),
    ({"dialect": "modern", "release": "8.7.0.0"}, "yes", list(Provisioning)),
]


@pytest.mark.parametrize(("config", "data_reduction", "provisionings"), FORMS, ids=str)
def test_every_release_takes_the_commands_and_shows_the_volumes_that_were_requested(
    config: dict[str, Any], data_reduction: str, provisionings: list[str]
) -> None:
    pool = POOLS[config["dialect"]]
    state = {**config, "pools": [{"name": pool, "data_reduction": data_reduction}], "volumes": []}
    with InProcess(state) as array, closing(array.session()) as session:
        seen = discovery.survey(session, None, with_pools=True)
        assert seen.pools is not None
        created = dict[str, Provisioning | None]()
        for number, each in enumerate(provisionings):
            name = VolumeName(f"v{number}")
            step = create_volume(name, seen.pools[pool], GB, Provisioning(each), None, seen.body.capabilities)
            assert isinstance(step, CreateVolume)
            found = do(session, step, seen)
            created[each] = found.provisioning or Provisioning.THICK  # the legacy dialect shows none
            seen.learn_volume(found)
            do(session, expand_volume(found, 2 * GB), seen)
            do(session, remove_volume(found, seen.body.capabilities), seen)

    assert created == {each: each for each in provisionings}
    assert array.state["volumes"] == []


@pytest.mark.parametrize("release", ["7.7.0.0", "8.6.0.0", "9.1.3.0"])
def test_limits_are_set_changed_and_removed_on_every_release_with_throttles(release: str) -> None:
    wanted = [(5000, 100), (5000, 7), (9, 7), (None, 7), (None, None), (3, None)]
    with InProcess({"dialect": "modern", "release": release}) as array, closing(array.session()) as session:
        seen = discovery.survey(session, None)
        (data, *_) = seen.volumes
        for iops, bandwidth in wanted:
            discovery.closely(session, seen, Focus(detailed={data}))
            steps = throttle_volume(seen.volumes[data], iops, bandwidth, seen.body.capabilities)
            assert not isinstance(steps, str)
            for step in steps:
                do(session, step, seen)

            discovery.closely(session, seen, Focus(detailed={data}))
            assert (seen.volumes[data].throttle or Throttle("none")) == Throttle(
                "" if (iops, bandwidth) == (None, None) else "throttle0", iops, bandwidth
            )


def test_an_increase_that_the_array_rounds_up_is_done_and_not_repeated() -> None:
    with InProcess({"dialect": "modern", "release": "8.7.0.0"}) as array, closing(array.session()) as session:
        seen = discovery.survey(session, None)
        found = next(iter(seen.volumes.values()))
        step = expand_volume(found, found.capacity + 512)
        do(session, step, seen)
        discovery.closely(session, seen, Focus(uids={found.uid: found.name}))

        assert seen.volumes[found.uid].capacity == found.capacity + MB
        assert is_observed(step, seen)


def test_a_replicated_volume_is_not_deleted() -> None:
    config = {"dialect": "modern", "volumes": [{"name": "data", "pool": POOL, "replication_mode": "recovery"}]}
    with InProcess(config) as array, closing(array.session()) as session:
        seen, found = surveyed(session)
        assert found.why_kept == "is replicated by policy (recovery)"

        with pytest.raises(Withheld, match="is replicated by policy"):
            do(session, remove_volume(found, seen.body.capabilities), seen)

    assert writes(array) == []


def test_a_mirrored_volume_shows_that_it_is_in_several_pools() -> None:
    pools = [{"name": "Pool0"}, {"name": "Pool1"}]
    volumes = [{"name": "data", "pool": "Pool0", "mirror_pool": "Pool1"}]
    state = {"dialect": "modern", "pools": pools, "volumes": volumes}
    with InProcess(state) as array, closing(array.session()) as session:
        _, found = surveyed(session)

    assert (found.pool, found.copies, found.provisioning) == ("many", 2, Provisioning.THICK)


# -- views that the simulated array does not show --------------------------------------------------------------------


def shows(**changes: str) -> Answers:
    """Return an array that shows volume `data` with these values, unmapped."""
    row = {"id": "1", "name": "data", "capacity": str(GB), "vdisk_UID": DATA.uid, "throttle_name": "", **changes}
    view = "".join(f"{key}!{value}\n" for key, value in row.items())
    return Answers(lambda line: Reply(view if "lsvdisk " in line else "", "", 0))


def attempt(array: Answers, step: Step) -> list[str]:
    """Try the step; return the lines that would have changed the array."""
    with closing(connected(array, greeted=False)) as session:
        session.do(step, known=queries.Known(volume_id="1"))
    return [line for line in array.lines if "svctask" in line]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"fc_map_count": "1"}, "volume data is part of a FlashCopy mapping"),
        ({"snapshot_count": "2"}, "volume data has snapshots"),
        ({"replication_mode": "production"}, r"volume data is replicated by policy \(production\)"),
        ({"RC_name": "rcrel0"}, "volume data is in a remote-copy relationship"),
        ({"owner_type": "safeguarded_copy"}, "volume data belongs to a system object"),
    ],
)
def test_a_volume_on_which_something_depends_is_not_deleted(changes: dict[str, str], why: str) -> None:
    array = shows(**changes)

    with pytest.raises(Withheld, match=why):
        attempt(array, REMOVE)

    assert not [line for line in array.lines if "svctask" in line]


def test_a_volume_that_was_not_read_when_its_deletion_was_planned_is_not_deleted() -> None:
    with closing(connected(shows(), greeted=False)) as session, pytest.raises(Withheld, match="was not known"):
        session.do(REMOVE, known=queries.known(REMOVE, inventory(), (REMOVE,)))


def test_the_intended_throttle_is_changed_and_volumes_are_given_by_their_ids() -> None:
    change, limit = ThrottleVolume(DATA.name, DATA.uid, 5, None, "t"), ThrottleVolume(DATA.name, DATA.uid, 5, None)

    assert attempt(shows(throttle_name="t"), change) == ["svctask chthrottle -iops 5 t"]
    assert attempt(shows(), limit) == ["svctask mkthrottle -type vdisk -iops 5 -vdisk 1"]
    assert attempt(shows(throttle_name="t"), RemoveThrottle(DATA.name, DATA.uid, "t")) == ["svctask rmthrottle t"]


@pytest.mark.parametrize("step", [RemoveThrottle(DATA.name, DATA.uid, "t"), ThrottleVolume(DATA.name, DATA.uid, 5, 6)])
def test_another_throttle_than_planned_is_left_as_it_is(step: Step) -> None:
    with pytest.raises(Withheld, match="the throttle of volume data is another one now"):
        attempt(shows(throttle_name="other"), step)


@pytest.mark.parametrize(
    ("reply", "ours"),
    [
        ("Volume, id [1], successfully created\n", True),
        ("Virtual Disk, id [1], successfully created.\n", True),
        ("volume, id[1], successfully created\n", True),
        ("", True),
        ("Volume, id [2], successfully created\n", False),
    ],
)
def test_the_id_in_the_reply_of_the_array_must_be_that_of_the_created_volume(reply: str, ours: bool) -> None:
    create = CreateVolume(VolumeName("data"), POOL, GB)
    row = f"id!1\nname!data\ncapacity!{GB}\nvdisk_UID!{DATA.uid}\nmdisk_grp_name!{POOL}\n"
    array = Answers(lambda line: Reply(reply if "svctask" in line else row if "lsvdisk " in line else "", "", 0))

    with closing(connected(array, greeted=False)) as session:
        if ours:
            assert isinstance(session.do(create, known=queries.Known()), Volume)
        else:
            with pytest.raises(OutcomeUnknown, match="is another one"):
                session.do(create, known=queries.Known())
