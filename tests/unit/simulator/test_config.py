"""Errors in a state file name the field and what to do."""

from pathlib import Path
from typing import Any

import pytest

from flashsystem_operator.simulator.state.config import ConfigError, load

BAD: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour: no such field"),
    ({"dialect": "ancient"}, "dialect: 'ancient' is not a dialect"),
    ({"release": "new"}, "release: "),
    ({"volumes": 3}, "volumes: "),
    ({"volumes": [{"name": "a"}]}, "volumes.0.pool: Field required"),
    ({"volumes": [{"name": "1a", "pool": "Pool0"}]}, "volumes.0.name: not a name of the array"),
    ({"volumes": [{"name": "a", "pool": "nowhere"}]}, "volumes.pool: there is no nowhere in pools"),
    ({"hosts": [{"name": "a"}, {"name": "a"}]}, "hosts: the name a is there 2 times: give each its own"),
    ({"hosts": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]}, "hosts: the id 1 is there 2 times"),
    ({"hosts": [{"name": n, "ports": [{"name": p}]} for n, p in ("ax", "bX")]}, "hosts: the port x is there 2 times"),
    ({"mappings": [{"host": "a", "volume": "vol0", "lun": 0}]}, "mappings.host: there is no a in hosts"),
    (
        {
            "hosts": [{"name": "a"}],
            "mappings": [{"host": "a", "volume": f"vol{n}", "lun": 1} for n in (0, 1)],
        },
        "mappings of a: the LUN 1 is there 2 times",
    ),
    ({"volumes": [{"id": [], "name": "a", "pool": "Pool0"}]}, "volumes.0.id: "),
    ({"hosts": [{"name": "a", "io_groups": [4]}]}, "hosts.0.io_groups.0: "),
    ({"users": [{"name": "a", "keys": ["ssh-ed25519 A"]}]}, "users.0.keys: not a public key: write it as in"),
    (
        {
            "host_clusters": [{"name": "c"}],
            "shared_mappings": [{"host_cluster": "c", "volume": f"vol{n}", "lun": 1} for n in (0, 1)],
        },
        "shared_mappings of c: the LUN 1 is there 2 times",
    ),
    (
        {
            "host_clusters": [{"name": "c"}],
            "shared_mappings": [{"host_cluster": "c", "volume": "vol0", "lun": n} for n in (0, 1)],
        },
        "shared_mappings: the pair ('c', 'vol0') is there 2 times",
    ),
    ({"flashcopy_maps": [{"name": "m", "source": "x", "target": "vol0"}]}, "flashcopy_maps.source: there is no x in"),
    ({"flashcopy_maps": [{"name": "m", "source": "vol0", "target": "vol0"}]}, "m copies vol0 onto itself"),
    (
        {"flashcopy_maps": [{"name": f"m{n}", "source": f"vol{n}", "target": "vol2"} for n in (0, 1)]},
        "flashcopy_maps: the target vol2 is there 2 times",
    ),
    (
        {"flashcopy_maps": [{"name": "m", "source": "vol0", "target": "vol1", "consistency_group": "g"}]},
        "flashcopy_maps.consistency_group: there is no g in consistency_groups",
    ),
    ({"snapshots": [{"name": "s", "images": []}]}, "snapshots.0.images: "),
    ({"snapshots": [{"name": "s", "images": [{"volume": "x"}]}]}, "snapshots.images.volume: there is no x in volumes"),
    (
        {"snapshots": [{"name": "s", "parent_uid": 3, "images": [{"volume": f"vol{n}"}]} for n in (0, 1)]},
        "snapshots: the parent and name (3, 's') is there 2 times",
    ),
    (
        {"volumes": [{"name": "a", "pool": "Pool0", "volume_group": "g"}]},
        "volumes.volume_group: there is no g in volume_groups",
    ),
    (
        {"volumes": [{"name": "a", "pool": "Pool0", "source_snapshot": 7}]},
        "volumes.source_snapshot: there is no 7 in snapshots",
    ),
    (
        {"volumes": [{"id": 0, "name": "a", "pool": "Pool0", "status": state} for state in ("online", "deleting")]},
        "volumes: the id 0 is there 2 times",
    ),
    ({"system": {"clock": "today"}}, "system.clock: "),
    ({"rules": {"shell_chain": True}}, "rules.shell_chain: no such field"),
    ({"limits": {"sessions": "many"}}, "limits.sessions: "),
]


@pytest.mark.parametrize(("config", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_mistake_is_reported_with_its_field(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(config)

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"), [("a: [", "not YAML"), ("- a", "not a list"), ("hello", "not a single value")]
)
def test_a_file_that_is_not_a_state_file_is_named(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "array.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=reason) as refused:
        load(path)

    assert str(path) in str(refused.value)


def test_an_empty_file_is_the_built_in_array(tmp_path: Path) -> None:
    path = tmp_path / "array.yaml"
    path.write_text("")

    assert load(path) == load()


def test_a_dialect_named_twice_must_agree() -> None:
    with pytest.raises(ConfigError, match="dialect: the state file has legacy"):
        load({"dialect": "legacy"}, "modern")


def test_objects_without_an_id_are_numbered_in_their_order() -> None:
    state = load({"hosts": [{"name": "a"}, {"name": "b", "id": 0}, {"name": "c"}]})

    assert [host.id for host in state.hosts] == [1, 0, 2]


def test_group_0_stands_for_no_consistency_group() -> None:
    assert [group.id for group in load({"consistency_groups": [{"name": "a"}, {"name": "b"}]}).consistency_groups] == [
        1,
        2,
    ]


def test_a_partial_system_section_leaves_the_rest_unchanged() -> None:
    assert load({"system": {"name": "mine"}}).system.id == load().system.id


def test_a_lun_is_used_once_in_each_io_group() -> None:
    volumes = [{"name": f"v{group}", "pool": "Pool0", "io_group": group} for group in (0, 1)]
    mappings = [{"host": "a", "volume": f"v{group}", "lun": 1} for group in (0, 1)]

    assert len(load({"volumes": volumes, "hosts": [{"name": "a"}], "mappings": mappings}).mappings) == 2
