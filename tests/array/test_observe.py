"""Looking at an array, and what is known of it afterwards: on the pretend array, in both dialects."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from flashsystem_operator.array import observe
from flashsystem_operator.array.observe import Focus
from flashsystem_operator.array.state import Dialect
from flashsystem_operator.array.view import View
from flashsystem_operator.values import PoolName
from support.arranging import iqn
from support.in_process import InProcess
from support.observing import ONE, POOLS, RELEASES, TWO, A, B, config, uid_of


@pytest.fixture(params=RELEASES, ids=lambda each: " ".join(each.values()))
def array(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    with InProcess(config(request.param)) as running:
        yield running


def surveyed(array: InProcess) -> View:
    with closing(array.session()) as session:
        return observe.survey(session, None)


# -- looking ---------------------------------------------------------------------------------------------------------


def test_a_survey_sees_everything_of_every_release(array: InProcess) -> None:
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


def test_looking_changes_nothing(array: InProcess) -> None:
    before = array.state
    surveyed(array)

    assert array.state == before
    assert all("svcinfo" in line and "svctask" not in line for line in array.lines)


def test_a_pool_is_looked_at_by_name_and_one_that_is_not_there_is_none(array: InProcess) -> None:
    named = PoolName(POOLS[array.state["dialect"]])
    with closing(array.session()) as session:
        found = observe.body(session, named).pool
        missing = observe.body(session, PoolName("no such pool")).pool

    assert found is not None
    assert (found.name, found.status) == (named, "online")
    assert found.capacity > found.free > 0
    assert missing is None


def test_an_array_that_calls_its_nodes_canisters_is_understood() -> None:
    with InProcess(config(RELEASES[3]), node_verbs="lsnodecanister") as array:
        assert len(surveyed(array).body.nodes) == 2


def test_what_comes_through_a_host_cluster_is_told_apart() -> None:
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


# -- looking closely -------------------------------------------------------------------------------------------------


def closely(array: InProcess, known: View, **what: Any) -> View:
    with closing(array.session()) as session:
        observe.closely(session, known, Focus(**what))
    return known


def test_a_volume_that_was_renamed_is_found_by_its_uid(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask chvdisk -name renamed {ONE}")
    closely(array, known, uids={uid: ONE})

    assert known.volumes[uid].name == "renamed"
    assert known.volume_named(ONE) is None


def test_volumes_that_swapped_their_names_are_told_apart_though_one_is_looked_for(array: InProcess) -> None:
    known = surveyed(array)
    one, two = uid_of(known, ONE), uid_of(known, TWO)
    for old, new in ((ONE, "x"), (TWO, ONE), ("x", TWO)):
        array.admin(f"svctask chvdisk -name '{new}' '{old}'")
    closely(array, known, uids={one: ONE})

    assert known.volumes[one].name == TWO
    assert known.volume_named(ONE) == known.volumes[two]


def test_another_volume_under_the_name_and_id_of_a_lost_one_is_another(array: InProcess) -> None:
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


def test_a_mapping_that_a_name_shows_for_another_volume_is_not_taken_for_an_answer(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask chvdisk -name x {ONE}")
    closely(array, known, volumes={uid})
    assert known.of_volume(uid) == {A}

    array.admin(f"svctask chvdisk -name {ONE} '{TWO}'")
    closely(array, known, volumes={uid})
    assert known.of_volume(uid) == {A}


def test_a_host_object_that_is_gone_takes_its_mappings_with_it(array: InProcess) -> None:
    known = surveyed(array)
    uid = uid_of(known, ONE)
    array.admin(f"svctask rmhost -force {A}")
    closely(array, known, hosts={A}, mapped={A})

    assert A not in known.hosts
    assert known.on_host(A) == {}
    assert known.of_volume(uid) == frozenset()
    assert known.holder(iqn("a")) is None


def test_a_close_look_costs_what_it_says_at_most(array: InProcess) -> None:
    known = surveyed(array)
    before = len(array.lines)
    focus = Focus({A, B}, {A}, {B}, {ONE}, {uid_of(known, TWO): TWO}, {uid_of(known, ONE)})
    closely(
        array,
        known,
        **{name: getattr(focus, name) for name in ("hosts", "mapped", "listed", "names", "uids", "volumes")},
    )

    asked = sum(line.count("svcinfo") for line in array.lines[before:])
    assert asked <= focus.cost + 3  # the greeting, and what turned out not to be offered
