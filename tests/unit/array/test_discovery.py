"""Reading an array, and what is known about it afterwards: on the simulated array, in both dialects."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.array import discovery
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.model import Dialect, Inventory, Throttle
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.values import HostName, PoolName, Provisioning, VolumeName, VolumeUid
from support.array_fixtures import ONE, POOLS, RELEASES, TWO, A, B, config, uid_of
from support.builders import iqn
from support.in_process import Answers, InProcess, connected


@pytest.fixture(params=RELEASES, ids=lambda each: " ".join(each.values()))
def array(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    with InProcess(config(request.param)) as running:
        yield running


def surveyed(array: InProcess) -> Inventory:
    with closing(array.session()) as session:
        return discovery.survey(session, None)


# -- surveys ---------------------------------------------------------------------------------------------------------


def test_a_survey_reads_everything_on_every_release(array: InProcess) -> None:
    known = surveyed(array)
    one, two = known.volume_named(ONE), known.volume_named(TWO)

    assert one is not None
    assert two is not None
    assert (one.capacity, two.capacity) == (4096, 8192)
    assert {name: (set(host.iqns), host.logins) for name, host in known.hosts.items()} == {
        A: ({iqn("a")}, 2),
        B: ({iqn("b")}, 0),
    }
    assert {uid: rows[0].luns for uid, rows in known.on_host(A).items()} == {one.uid: (0,), two.uid: (7,)}
    assert known.on_host(B) == {}
    assert known.of_volume(one.uid) == {A}
    assert known.body.system.dialect is Dialect(array.state["dialect"])
    assert known.body.nodes
    assert any(portal.usable for portal in known.body.portals)


def test_the_number_of_access_io_groups_of_a_volume_is_read_separately_and_retained() -> None:
    with InProcess(config(RELEASES[-1])) as array, closing(array.session()) as session:
        known = discovery.survey(session, None)
        one = known.volume_named(ONE)
        assert one is not None
        assert one.access_io_groups == 0

        discovery.closely(session, known, Focus(detailed={one.uid}))
        assert known.volumes[one.uid].access_io_groups == 1
        known.learn_volume(one)
        assert known.volumes[one.uid].access_io_groups == 1


def test_pools_are_read_by_one_more_command_and_only_if_volumes_need_them(array: InProcess) -> None:
    with closing(array.session()) as session:
        without = discovery.survey(session, None)
        before, lines = len(array.lines), set(array.lines)
        discovery.survey(session, None)
        plain = len(array.lines) - before
        known = discovery.survey(session, None, with_pools=True)

    assert without.pools is None
    assert known.pools is not None
    name = PoolName(POOLS[array.state["dialect"]])
    assert known.pools[name].capacity > known.pools[name].free > 0
    assert known.pools[name].provisioned == known.pools[name].used == 4096 + 8192
    assert len(array.lines) - before - plain == plain + 1
    more = set(array.lines) - lines
    assert all("lsmdiskgrp" in line for line in more)


def test_a_volume_shows_its_pool_on_every_release_and_its_details_once_it_is_read_by_itself(array: InProcess) -> None:
    pool, modern = POOLS[array.state["dialect"]], array.state["dialect"] == "modern"
    with closing(array.session()) as session:
        known = discovery.survey(session, None)
        one = uid_of(known, ONE)
        assert known.volumes[one].reserved is None
        discovery.closely(session, known, Focus(uids={one: ONE}))

    assert (known.volumes[one].pool, known.volumes[one].reserved) == (pool, "")
    assert known.volumes[one].provisioning is (Provisioning.THICK if modern else None)
    assert known.volumes[one].why_kept == ""


def test_details_of_a_volume_are_kept_until_they_are_read_again(array: InProcess) -> None:
    with closing(array.session()) as session:
        known = discovery.survey(session, None)
        one = uid_of(known, ONE)
        known.learn_volume(replace(known.volumes[one], throttle=Throttle("t", 5), used=7))
        discovery.volumes(session, known)
        kept = known.volumes[one]
        array.admin(f"svctask chvdisk -name x {ONE}")
        discovery.volumes(session, known)

    assert (kept.throttle, kept.used) == (Throttle("t", 5), 7)
    assert (known.volumes[one].name, known.volumes[one].used) == ("x", 7)


def test_a_survey_changes_nothing(array: InProcess) -> None:
    before = array.state
    surveyed(array)

    assert array.state == before
    assert all("svcinfo" in line and "svctask" not in line for line in array.lines)


def test_a_pool_is_read_by_name_and_a_missing_one_is_none(array: InProcess) -> None:
    named = PoolName(POOLS[array.state["dialect"]])
    with closing(array.session()) as session:
        found = discovery.body(session, named).pool
        missing = discovery.body(session, PoolName("no such pool")).pool

    assert found is not None
    assert (found.name, found.status) == (named, "online")
    assert found.capacity > found.free > 0
    assert missing is None


def test_an_array_that_calls_its_nodes_canisters_is_read() -> None:
    with InProcess(config(RELEASES[3]), node_verbs="lsnodecanister") as array:
        assert len(surveyed(array).body.nodes) == 2


def test_mappings_through_a_host_cluster_are_distinguished() -> None:
    cluster = {
        **config(RELEASES[3]),
        "hosts": [{"name": A, "ports": [{"name": iqn("a")}], "host_cluster": "c"}],
        "host_clusters": [{"name": "c"}],
        "mappings": [{"host": A, "volume": ONE, "lun": 3}],
        "shared_mappings": [{"host_cluster": "c", "volume": TWO, "lun": 4}],
    }
    with InProcess(cluster) as array:
        known = surveyed(array)

    assert known.hosts[A].cluster == "c"
    assert {m.volume: (m.luns, m.cluster) for rows in known.on_host(A).values() for m in rows} == {
        ONE: ((3,), ""),
        TWO: ((4,), "c"),
    }


def test_management_addresses_and_hot_spares_affect_neither_portals_nor_io_groups() -> None:
    """As printed in IBM's 8.7 guide and in a session recorded on 8.6."""
    extra_rows = {
        "lsip": "0!!!1!72!SystemManagement!192.168.1.52!24!!192.168.1.1!!\n",
        "lsnode": "9!spare1!!500507680C00D98F!spare!!!no!!SV1!!!78KKLD0!!!!!\n",
    }
    with InProcess(config({"dialect": "modern", "release": "8.6.0.0"})) as array:

        def answer(line: str) -> Reply:
            reply = array.run(line)
            return Reply(reply.stdout + extra_rows.get(line.split()[1], ""), reply.stderr, reply.status)

        plain = surveyed(array).body
        with closing(connected(Answers(answer))) as session:
            found = discovery.body(session, None)

    assert found.portals == plain.portals
    assert found.io_groups == plain.io_groups == {"0": "io_grp0"}
    assert [(node.name, node.status, node.online) for node in found.nodes][-1] == ("spare1", "spare", False)


class Renaming(InProcess):
    """An array on which a host object is renamed after each of the next `times` listings of hosts."""

    times = 0

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        if line == "svcinfo lshost -delim '!'" and self.times:
            self.times -= 1
            self.admin(f"svctask chhost -name renamed{self.times} {next(iter(self.system.hosts.values())).name}")
        return reply


def test_a_host_object_that_is_renamed_after_it_was_listed_is_listed_again() -> None:
    with Renaming(config(RELEASES[0])) as array:
        array.times = 2
        known = surveyed(array)

    assert {name: host.iqns for name, host in known.hosts.items()} == {
        "renamed0": frozenset({iqn("a")}),
        B: frozenset({iqn("b")}),
    }
    assert known.on_host(HostName("renamed0"))


def test_hosts_that_are_renamed_after_every_listing_are_unreadable() -> None:
    with Renaming(config(RELEASES[0])) as array:
        array.times = 100
        with pytest.raises(Unreadable, match="were renamed"):
            surveyed(array)


# -- targeted reads --------------------------------------------------------------------------------------------------


def closely(array: InProcess, known: Inventory, **what: Any) -> Inventory:
    with closing(array.session()) as session:
        discovery.closely(session, known, Focus(**what))
    return known


def test_a_volume_that_was_renamed_is_found_by_its_uid(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask chvdisk -name renamed {ONE}")
    closely(array, known, uids={uid: ONE})

    assert known.volumes[uid].name == "renamed"
    assert known.volume_named(ONE) is None


def test_volumes_that_swapped_names_are_distinguished_although_one_is_queried(array: InProcess) -> None:
    known = surveyed(array)
    one, two = uid_of(known, ONE), uid_of(known, TWO)
    for old, new in ((ONE, "x"), (TWO, ONE), ("x", TWO)):
        array.admin(f"svctask chvdisk -name '{new}' '{old}'")
    closely(array, known, uids={one: ONE})

    assert known.volumes[one].name == TWO
    assert known.volume_named(ONE) == known.volumes[two]


def test_a_new_volume_with_the_name_and_id_of_a_removed_one_is_another_volume(array: InProcess) -> None:
    known, pool = surveyed(array), POOLS[array.state["dialect"]]
    lost = known.volume_named(ONE)
    assert lost is not None
    array.admin(f"svctask rmvdisk -force {ONE}")
    array.admin(f"svctask mkvdisk -name {ONE} -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    closely(array, known, uids={lost.uid: ONE})

    assert lost.uid in known.gone_volumes
    assert lost.uid not in known.volumes
    new = known.volume_named(ONE)
    assert new is not None
    assert (new.id, new.uid == lost.uid) == (lost.id, False)


def test_a_mapping_listed_by_name_for_another_volume_is_not_taken_for_an_answer(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask chvdisk -name x {ONE}")
    closely(array, known, volumes={uid})
    assert known.of_volume(uid) == {A}

    array.admin(f"svctask chvdisk -name {ONE} '{TWO}'")
    closely(array, known, volumes={uid})
    assert known.of_volume(uid) == {A}


def test_a_mapping_is_found_by_the_ids_of_volume_and_host_after_both_were_renamed(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask chvdisk -name x {ONE}")
    array.admin(f"svctask chhost -name renamed {A}")
    closely(array, known, volumes={uid})

    assert known.volumes[uid].name == "x"
    assert "renamed" in known.of_volume(uid)
    assert known.hosts[HostName("renamed")].iqns == {iqn("a")}


def test_a_removed_volume_has_no_mappings_although_another_volume_has_its_id_now(array: InProcess) -> None:
    known, pool = surveyed(array), POOLS[array.state["dialect"]]
    uid = uid_of(known, ONE)
    array.admin(f"svctask rmvdisk -force {ONE}")
    array.admin(f"svctask mkvdisk -name new -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    array.admin(f"svctask mkvdiskhostmap -host {A} -scsi 3 new")
    closely(array, known, volumes={uid})

    assert uid in known.gone_volumes
    assert known.of_volume(uid) == frozenset()


def test_an_array_that_accepts_no_ids_is_queried_by_name() -> None:
    class ByName(InProcess):
        def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
            if line.rsplit(maxsplit=1)[-1].isdecimal() and "svcinfo" in line:
                return Reply("", "CMMVC5754E Specified object does not exist.", 1)
            return super().run(line, shown=shown, before=before)

    with ByName(config(RELEASES[0])) as array:
        known = surveyed(array)
        uid = uid_of(known, ONE)
        closely(array, known, volumes={uid})
        assert known.of_volume(uid) == {A}

        array.admin(f"svctask rmvdiskhostmap -host {A} {ONE}")
        closely(array, known, volumes={uid})
        assert known.of_volume(uid) == frozenset()


class Losing(InProcess):
    """An array whose lists of volumes omit one, filtered or not; its detailed view is correct."""

    lost = ""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        if not self.lost or not line.startswith("svcinfo lsvdisk") or line.endswith((" 0", self.lost)):
            return reply
        rows = reply.stdout.splitlines(keepends=True)
        return Reply("".join(row for row in rows if f"!{self.lost}!" not in row), reply.stderr, reply.status)


@pytest.mark.parametrize("release", [RELEASES[0], RELEASES[3]], ids=["legacy", "modern"])
def test_a_renamed_volume_that_no_list_shows_is_not_gone(release: dict[str, str]) -> None:
    with Losing(config(release)) as array:
        known = surveyed(array)
        uid = uid_of(known, ONE)
        array.admin(f"svctask chvdisk -name renamed {ONE}")
        array.lost = "renamed"
        closely(array, known, uids={uid: ONE}, volumes={uid})

        assert uid not in known.gone_volumes
        assert known.volumes[uid].name == "renamed"
        assert known.of_volume(uid) == {A}


@pytest.mark.parametrize("release", [RELEASES[0], RELEASES[3]], ids=["legacy", "modern"])
def test_a_volume_that_no_list_shows_is_found_by_the_id_in_its_mapping(release: dict[str, str]) -> None:
    with Losing(config(release)) as array:
        uid = uid_of(surveyed(array), ONE)
        array.admin(f"svctask chvdisk -name renamed {ONE}")
        array.lost = "renamed"
        known = surveyed(array)
        assert uid not in known.volumes
        closely(array, known, uids={uid: ONE})

        assert known.volumes[uid].name == "renamed"


def test_a_volume_without_a_known_id_or_name_is_not_considered_gone_by_a_list(array: InProcess) -> None:
    known, never = surveyed(array), VolumeUid("6" * 32)
    closely(array, known, uids={never: VolumeName("")})

    assert never not in known.volumes
    assert never not in known.gone_volumes


def test_the_mappings_of_a_removed_host_object_are_removed_from_the_inventory(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask rmhost -force {A}")
    closely(array, known, hosts={A}, mapped={A})

    assert A not in known.hosts
    assert known.on_host(A) == {}
    assert known.of_volume(uid) == frozenset()
    assert known.holder(iqn("a")) is None


def test_a_targeted_read_costs_at_most_what_its_focus_states(array: InProcess) -> None:
    known = surveyed(array)
    before = len(array.lines)
    focus = Focus({A, B}, {A}, {B}, {ONE}, {uid_of(known, TWO): TWO}, {uid_of(known, ONE)})
    closely(
        array,
        known,
        **{name: getattr(focus, name) for name in ("hosts", "mapped", "listed", "names", "uids", "volumes")},
    )

    queries = sum(line.count("svcinfo") for line in array.lines[before:])
    # The rest: the greeting, commands that the array does not offer, and the host object that has the volume.
    assert queries <= focus.cost + 4
