"""The commands that only read, as values: the command line, and the parser of its answer."""

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
    """A command that only reads.

    read: parses the text of the answer, or raises Unreadable. arguments: those after `svcinfo VERB -delim !`.
    secret: whether the answer contains secrets, so that nothing of it may be shown.
    """

    verb: str
    read: Callable[[str, str], Answer_co]
    arguments: tuple[str, ...] = ()
    secret: bool = False

    def argv(self) -> tuple[str, ...]:
        return ("svcinfo", self.verb, "-delim", DELIMITER, *self.arguments)


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
    """Return a parser for the view of one object that returns Odd for a malformed view.

    So one malformed view does not end a read of many objects. An empty view remains Unreadable.
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
    """Read a host object. name: its name or its id, which is digits only, as no name is."""
    return Query("lshost", objects.host, (name,))


def io_groups_of_host(name: HostName) -> Query[frozenset[str]]:
    return Query("lshostiogrp", objects.io_groups, (name,))


def volume_or_odd(name: VolumeName | str) -> Query[Volume | Odd]:
    return Query("lsvdisk", _or_odd(objects.volume, name), ("-bytes", name))


def volume(name: VolumeName | str) -> Query[Volume]:
    """Read a volume. name: its name or its id."""
    return Query("lsvdisk", objects.volume, ("-bytes", name))


def volumes_with_uid(uid: VolumeUid) -> Query[tuple[Volume | Odd, ...]]:
    """Find volumes by UID. Not every array supports it: see `Capabilities.finds_by_uid`."""
    return Query("lsvdisk", objects.volumes, ("-bytes", "-filtervalue", f"vdisk_UID={uid}"))


def mappings_of_host(name: HostName | str) -> Query[tuple[Mapping | Odd, ...]]:
    """Read the mappings of a host object. name: its name or its id."""
    return Query("lshostvdiskmap", objects.mappings_by_host, (name,))


def mappings_of_volume(name: VolumeName | str) -> Query[tuple[Mapping | Odd, ...]]:
    """Read the mappings of a volume. name: its name or its id."""
    return Query("lsvdiskhostmap", objects.mappings_by_volume, (name,))
