"""The commands that only read, as values: what to type, and how to read the answer."""

import collections.abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flashsystem_operator.array import chap, dialect
from flashsystem_operator.array.state import Host, HostRow, Mapping, Node, Pool, System, Volume
from flashsystem_operator.array.tables import DELIMITER
from flashsystem_operator.values import ChapSecret, HostName, PoolName, VolumeName, VolumeUid

Answer_co = TypeVar("Answer_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Query(Generic[Answer_co]):
    """words: what is typed after `svcinfo VERB -delim !`. read: makes the answer of the text, or raises Unreadable.

    secret: whether the answer holds secrets, so that nothing of it may be shown.
    """

    verb: str
    read: Callable[[str, str], Answer_co]
    words: tuple[str, ...] = ()
    secret: bool = False

    def argv(self) -> tuple[str, ...]:
        return ("svcinfo", self.verb, "-delim", DELIMITER, *self.words)


SYSTEM: Query[System] = Query("lssystem", dialect.system)
NODES: Query[tuple[Node, ...]] = Query("lsnode", dialect.nodes)
NODE_CANISTERS: Query[tuple[Node, ...]] = Query("lsnodecanister", dialect.nodes)
HOSTS: Query[tuple[HostRow, ...]] = Query("lshost", dialect.host_rows)
VOLUMES: Query[tuple[Volume, ...]] = Query("lsvdisk", dialect.volumes, ("-bytes",))
PROTECTION_TIME: Query[int | None] = Query("lssystem", dialect.protection_time)
CHAP: Query[collections.abc.Mapping[HostName, ChapSecret]] = Query("lsiscsiauth", chap.secrets, secret=True)
MAPPINGS: Query[tuple[Mapping, ...]] = Query("lshostvdiskmap", dialect.mappings_by_host)


def pool(name: PoolName) -> Query[Pool]:
    return Query("lsmdiskgrp", lambda text, line: dialect.pool(text, line, name), ("-bytes", name))


def protects(name: PoolName) -> Query[bool]:
    return Query("lsmdiskgrp", dialect.protects, ("-bytes", name))


def pools_of_volume(name: VolumeName) -> Query[tuple[PoolName, ...]]:
    return Query("lsvdisk", dialect.pools_of_volume, ("-bytes", name))


def host(name: HostName) -> Query[Host]:
    return Query("lshost", dialect.host, (name,))


def io_groups_of_host(name: HostName) -> Query[frozenset[str]]:
    return Query("lshostiogrp", dialect.io_groups, (name,))


def volume(name: VolumeName) -> Query[Volume]:
    return Query("lsvdisk", dialect.volume, ("-bytes", name))


def volumes_with_uid(uid: VolumeUid) -> Query[tuple[Volume, ...]]:
    """Not every array filters: see `Capabilities.finds_by_uid`."""
    return Query("lsvdisk", dialect.volumes, ("-bytes", "-filtervalue", f"vdisk_UID={uid}"))


def mappings_of_host(name: HostName) -> Query[tuple[Mapping, ...]]:
    return Query("lshostvdiskmap", dialect.mappings_by_host, (name,))


def mappings_of_volume(name: VolumeName) -> Query[tuple[Mapping, ...]]:
    return Query("lsvdiskhostmap", dialect.mappings_by_volume, (name,))
