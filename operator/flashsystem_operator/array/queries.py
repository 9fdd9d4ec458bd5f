"""The commands that only read, as values: what to type, and how to read the answer."""

import collections.abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flashsystem_operator.array.dialect import objects
from flashsystem_operator.array.dialect.tables import DELIMITER
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.model import Host, HostRow, Mapping, Node, Odd, Pool, System, Volume
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


SYSTEM: Query[System] = Query("lssystem", objects.system, secret=True)
NODES: Query[tuple[Node | Odd, ...]] = Query("lsnode", objects.nodes)
NODE_CANISTERS: Query[tuple[Node | Odd, ...]] = Query("lsnodecanister", objects.nodes)
HOSTS: Query[tuple[HostRow | Odd, ...]] = Query("lshost", objects.host_rows)
VOLUMES: Query[tuple[Volume | Odd, ...]] = Query("lsvdisk", objects.volumes, ("-bytes",))
PROTECTION_TIME: Query[int | None] = Query("lssystem", objects.protection_time, secret=True)
CHAP: Query[collections.abc.Mapping[HostName, ChapSecret | None]] = Query("lsiscsiauth", objects.secrets, secret=True)
MAPPINGS: Query[tuple[Mapping | Odd, ...]] = Query("lshostvdiskmap", objects.mappings_by_host)
HOST_CLUSTERS_BY_VOLUME: Query[collections.abc.Mapping[VolumeUid, frozenset[str]]] = Query(
    "lshostclustervolumemap", objects.host_clusters_by_volume
)


def _or_odd(read: Callable[[str, str], Answer_co], name: str) -> Callable[[str, str], Answer_co | Odd]:
    """The reader of the view of one object, for looks at which what cannot be read is not to end the others.

    A view that shows nothing is no view of it, and not odd: something else is wrong.
    """

    def reader(text: str, line: str) -> Answer_co | Odd:
        try:
            return read(text, line)
        except Unreadable as error:
            if not text.strip():
                raise
            return objects.odd_view(text, error, name)

    return reader


def pool(name: PoolName) -> Query[Pool]:
    return Query("lsmdiskgrp", lambda text, line: objects.pool(text, line, name), ("-bytes", name))


def protects(name: PoolName) -> Query[bool]:
    return Query("lsmdiskgrp", objects.protects, ("-bytes", name))


def pools_of_volume(name: VolumeName) -> Query[tuple[PoolName, ...]]:
    return Query("lsvdisk", objects.pools_of_volume, ("-bytes", name))


def host_or_odd(name: HostName | str) -> Query[Host | Odd]:
    return Query("lshost", _or_odd(objects.host, name), (name,))


def host(name: HostName | str) -> Query[Host]:
    """name: or the id, which is digits only, as no name is."""
    return Query("lshost", objects.host, (name,))


def io_groups_of_host(name: HostName) -> Query[frozenset[str]]:
    return Query("lshostiogrp", objects.io_groups, (name,))


def volume_or_odd(name: VolumeName | str) -> Query[Volume | Odd]:
    return Query("lsvdisk", _or_odd(objects.volume, name), ("-bytes", name))


def volume(name: VolumeName | str) -> Query[Volume]:
    """name: or the id."""
    return Query("lsvdisk", objects.volume, ("-bytes", name))


def volumes_with_uid(uid: VolumeUid) -> Query[tuple[Volume | Odd, ...]]:
    """Not every array filters: see `Capabilities.finds_by_uid`."""
    return Query("lsvdisk", objects.volumes, ("-bytes", "-filtervalue", f"vdisk_UID={uid}"))


def mappings_of_host(name: HostName | str) -> Query[tuple[Mapping | Odd, ...]]:
    """name: or the id."""
    return Query("lshostvdiskmap", objects.mappings_by_host, (name,))


def mappings_of_volume(name: VolumeName | str) -> Query[tuple[Mapping | Odd, ...]]:
    """name: or the id."""
    return Query("lsvdiskhostmap", objects.mappings_by_volume, (name,))
