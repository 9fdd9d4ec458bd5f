"""Arrays of the releases that differ, and everything that is known after a read."""

from typing import Any

from flashsystem_operator.array.model import Inventory
from flashsystem_operator.values import HostName, VolumeName, VolumeUid
from support.builders import iqn

RELEASES: list[dict[str, Any]] = [
    {"dialect": "legacy"},
    {"dialect": "modern", "release": "7.6.0.0"},
    {"dialect": "modern", "release": "8.2.1.0"},
    {"dialect": "modern", "release": "8.6.0.0"},
    {"dialect": "modern", "release": "9.1.3.0"},
]
POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
A, B = HostName("a"), HostName("b")
ONE, TWO = VolumeName("one"), VolumeName("two words")


def config(release: dict[str, Any]) -> dict[str, Any]:
    pool = POOLS[release["dialect"]]
    return {
        **release,
        "volumes": [{"name": ONE, "pool": pool, "capacity": 4096}, {"name": TWO, "pool": pool, "capacity": 8192}],
        "hosts": [
            {"name": A, "ports": [{"name": iqn("A").upper(), "logins": 2}, {"kind": "fc", "name": "2100000E1E30E597"}]},
            {"name": B, "ports": [{"name": iqn("b")}]},
        ],
        "mappings": [{"host": A, "volume": ONE, "lun": 0}, {"host": A, "volume": TWO, "lun": 7}],
    }


def facts(known: Inventory, *, supposed: bool = False) -> dict[str, Any]:
    """Everything in an inventory. supposed: without what an array reports only of objects that exist."""
    return {
        "hosts": {
            name: (set(host.iqns), host.cluster, *(() if supposed else (host.id, host.portset, host.ports)))
            for name, host in known.hosts.items()
        },
        "holders": {each: known.holder(iqn(each)) for each in "abcd"},
        "volumes": known.volumes,
        "named": {each.name: known.volume_named(each.name) for each in known.volumes.values()},
        "on hosts": {name: dict(known.on_host(name)) for name in known.hosts},
        "of volumes": {uid: known.of_volume(uid) for uid in known.volumes},
    }


def uid_of(known: Inventory, name: VolumeName) -> VolumeUid:
    found = known.volume_named(name)
    assert found is not None
    return found.uid
