"""Observation of an array: reads it through a session into an inventory.

`survey` reads all of the array, `closely` only the objects of a `Focus`, and `protection` the settings of volume
protection. Objects are read by their own commands where a listing is not sufficient proof that something is absent.
"""

import collections.abc
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from flashsystem_operator.array import queries
from flashsystem_operator.array.dialect import portals
from flashsystem_operator.array.dialect.objects import sift
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.model import (
    Body,
    Host,
    Inventory,
    Mapping,
    Odd,
    Portset,
    Volume,
    capabilities,
)
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.session import Session
from flashsystem_operator.values import ChapSecret, HostName, PoolName, VolumeName, VolumeUid


@dataclass(frozen=True, slots=True)
class Protection:
    """Volume protection that is enabled. minutes: after the last I/O. pools: the affected pools that enable it."""

    minutes: int
    pools: tuple[PoolName, ...]


def protection(session: Session, volumes: Iterable[VolumeName]) -> Protection | None:
    """Read the volume protection of these volumes; None if it is disabled. Without volumes the system decides.

    It protects volumes with recent I/O, even against -force, if the system *and* the volume's pool enable it. It is
    read after a refusal only, since the code of a refusal (8457E to 8463E, 8478E to 8484E, or an unknown one) does not
    show how long it lasts. Sends one command for the system and, if enabled there, one for each volume and each pool.
    Source: array-cli facts 4.4.
    """
    minutes = session.ask(queries.PROTECTION_TIME)
    if minutes is None:
        return None
    names = tuple(volumes)
    found = session.ask_all(map(queries.pools_of_volume, names))
    pools = tuple(dict.fromkeys(pool for some in found for pool in some or ()))
    guarding = tuple(pool for pool in pools if session.find(queries.protects(pool)))
    return Protection(minutes, guarding) if guarding or not names else None


_TRIES = 3
"""Attempts to read what an administrator changes during the read."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Focus:
    """What a targeted read reads.

    hosts: host objects, with their ports.
    mapped: host objects whose mappings are read by one command each, because a mapping may turn out to be absent.
    listed: host objects whose mappings may come from a listing of all, if the array has one.
    names: volumes whose UID is to be found by name.
    uids: volumes that are known by UID, with their last known name (empty if unknown).
    volumes: volumes whose mappings to any host are read by ids, which prove that a mapping is absent even if names
        changed.
    clustered: volumes whose mappings to host clusters are read, if the array has host clusters.
    detailed: known volumes that are read with more details than a listing has.
    grouped: host objects whose I/O groups are read.
    chap: whether the CHAP secrets of the host objects are read.
    """

    hosts: set[HostName] = field(default_factory=set)
    mapped: set[HostName] = field(default_factory=set)
    listed: set[HostName] = field(default_factory=set)
    names: set[VolumeName] = field(default_factory=set)
    uids: dict[VolumeUid, VolumeName] = field(default_factory=dict)
    volumes: set[VolumeUid] = field(default_factory=set)
    clustered: set[VolumeUid] = field(default_factory=set)
    detailed: set[VolumeUid] = field(default_factory=set)
    grouped: set[HostName] = field(default_factory=set)
    chap: bool = False

    @property
    def cost(self) -> int:
        """Maximum number of commands of the read, without renamed volumes and the hosts of `volumes`."""
        mappings = len(self.mapped | self.listed)
        volumes = len(self.names) + len(self.uids) + 2 * len(self.volumes) + bool(self.clustered) + len(self.detailed)
        return len(self.hosts) + mappings + volumes + len(self.grouped) + self.chap


def body(session: Session, pool: PoolName | None) -> Body:
    """Read the array itself: system, nodes, portals and pool. Sends 4 or 5 commands."""
    system, odd = session.ask(queries.SYSTEM), list[Odd]()
    try:
        rows = session.ask(queries.NODES)
    except Refused:  # enclosures may have lsnodecanister instead of lsnode
        rows = session.ask(queries.NODE_CANISTERS)
    nodes = tuple(sift(rows, odd))
    portsets: tuple[Portset, ...] = ()
    if capabilities(system).portsets:
        portsets = session.ask(Query("lsportset", lambda text, line: portals.portsets(text, line, odd)))
        found = session.ask(Query("lsip", lambda text, line: portals.from_lsip(text, line, nodes, portsets, odd)))
    else:
        found = session.ask(
            Query("lsportip", lambda text, line: portals.from_lsportip(text, line, nodes, system.dialect, odd))
        )
    if odd and not any(portal.usable for portal in found):
        raise Unreadable(odd[0].line, odd[0].why)
    name = pool or capabilities(system).default_pool  # None: no pool is requested
    existing = None if name is None else session.find(queries.pool(PoolName(name)))
    return Body(system, nodes, found, existing, portsets, tuple(dict.fromkeys(odd)))


def survey(session: Session, pool: PoolName | None) -> Inventory:
    """Read all of the array: the array itself, all hosts with their ports, all volumes, all mappings."""
    inventory = Inventory(body(session, pool))
    volumes(session, inventory)
    hosts(session, inventory)
    return inventory


def volumes(session: Session, inventory: Inventory) -> None:
    """Read all volumes."""
    odd = list[Odd]()
    for volume in sift(session.ask(queries.VOLUMES), odd):
        inventory.learn_volume(volume)
    # A malformed row may still have a readable id: then the detailed view of the volume is read.
    partial = {each.first: each for each in odd if each.is_out_of_shape and each.first.isdecimal()}
    answers = session.ask_all(queries.volume_or_odd(VolumeName(number)) for number in partial)
    for number, found in zip(partial, answers, strict=True):
        if isinstance(found, Volume):
            odd.remove(partial[number])
            inventory.learn_volume(found)
    inventory.learn_odd("lsvdisk", odd)


def hosts(session: Session, inventory: Inventory) -> None:
    """Read all hosts with their ports, and all mappings.

    A host that is listed and then not found by its name was renamed or removed in between: all hosts are read again,
    since a host that is left out would look like one without mappings. A malformed row may still have a readable id.
    """
    for _ in range(_TRIES):
        odd = list[Odd]()
        rows = tuple(sift(session.ask(queries.HOSTS), odd))
        found = session.hosts([row.name for row in rows])
        seen = {host.id for host in found.values() if isinstance(host, Host)}
        if {row.id for row in rows if not isinstance(found[row.name], Odd)} <= seen:
            break
    else:
        raise Unreadable("lshost", f"host objects were renamed during each of {_TRIES} reads")
    partial = {HostName(each.first): each for each in odd if each.first.isdecimal()}
    for number, host in session.hosts(partial).items():
        if isinstance(host, Host):
            odd.remove(partial[number])
            found[host.name] = host
    inventory.learn_odd("lshost", odd)
    for gone in inventory.hosts.keys() - found.keys():
        _learn_host(inventory, gone, session.find(queries.host_or_odd(gone)))
    for name, host in found.items():
        _learn_host(inventory, name, host)
    for name, mappings in session.all_mappings([name for name, host in found.items() if host is not None]):
        _learn_mappings(inventory, name, mappings)


def closely(session: Session, inventory: Inventory, focus: Focus) -> None:
    """Read the objects of the focus again, each by its own command, into the inventory."""
    for host_name, host in session.hosts(sorted(focus.hosts)).items():
        _learn_host(inventory, host_name, host)
    for volume_name in sorted(focus.names):
        _volume_by_name(session, inventory, volume_name)
    for uid, last_name in sorted(focus.uids.items()):
        _volume_by_uid(session, inventory, uid, last_name)
    _mappings(session, inventory, focus)
    _mappings_of_volumes(session, inventory, focus.volumes)
    if focus.clustered and inventory.body.capabilities.host_clusters:
        inventory.host_clusters = _host_clusters(session, inventory)
    detailed = [inventory.volumes[uid] for uid in sorted(focus.detailed & inventory.volumes.keys())]
    for known, found in zip(detailed, session.ask_all(queries.volume(each.name) for each in detailed), strict=True):
        if found is not None and found.uid == known.uid:
            inventory.learn_volume(found)
    grouped = sorted(focus.grouped & inventory.hosts.keys())
    for name, groups in zip(grouped, session.ask_all(map(queries.io_groups_of_host, grouped)), strict=True):
        if groups is not None:
            inventory.io_groups[name] = groups
    if focus.chap:
        inventory.chap = _chap(session)


def _chap(session: Session) -> collections.abc.Mapping[HostName, ChapSecret | None] | None:
    """Read the CHAP secrets; None if the user is not permitted to. The rest of the array is read nevertheless."""
    try:
        return session.ask(queries.CHAP)
    except (Refused, Unreadable) as error:
        log.warning("cannot read which hosts have a CHAP secret: %s", error)
        return None


def _host_clusters(session: Session, inventory: Inventory) -> collections.abc.Mapping[VolumeUid, frozenset[str]]:
    """Read the host clusters of volumes; the previous value if that fails. The rest is read nevertheless."""
    try:
        return session.ask(queries.HOST_CLUSTERS_BY_VOLUME)
    except (Refused, Unreadable) as error:
        log.warning("cannot read which volumes are mapped to host clusters: %s", error)
        return inventory.host_clusters


def _mappings(session: Session, inventory: Inventory, focus: Focus) -> None:
    listed = sorted((focus.listed - focus.mapped) & inventory.hosts.keys())
    mapped = sorted((focus.mapped | (focus.listed if len(listed) == 1 else set())) & inventory.hosts.keys())
    for name, found in session.all_mappings(listed) if len(listed) > 1 else ():
        if name in listed:
            _learn_mappings(inventory, name, found)
    for name, found in session.mappings(mapped):
        _learn_mappings(inventory, name, found, proven=True)


def _learn_host(inventory: Inventory, name: HostName, found: Host | Odd | None) -> None:
    """Record a host; an unreadable one stays unchanged."""
    inventory.learn_odd(f"lshost {name}", [found] if isinstance(found, Odd) else ())
    if not isinstance(found, Odd):
        inventory.learn_host(name, found)


def _learn_mappings(
    inventory: Inventory, name: HostName, found: tuple[Mapping | Odd, ...] | None, *, proven: bool = False
) -> None:
    """Record mappings. None: no host object of this name exists; that does not prove that its mappings are gone."""
    odd = list[Odd]()
    if found is None:
        inventory.learn_host(name, None)
    else:
        readable = tuple(sift(found, odd))
        inventory.learn_mappings_of_host(name, readable, proven=proven and not odd)
    inventory.learn_odd(f"lshostvdiskmap {name}", _about(odd, name))


def _about(odd: Iterable[Odd], *names: str) -> Iterator[Odd]:
    """Add these names to unreadable rows, since the answer was about them."""
    return (replace(each, words=each.words | {name.lower() for name in names}) for each in odd)


def _mappings_of_volumes(session: Session, inventory: Inventory, uids: collections.abc.Set[VolumeUid]) -> None:
    """Read all mappings of these volumes, with their host objects; none for a volume that is gone.

    Read by ids, which do not change while the object exists; by names if the array does not accept ids.
    """
    left = set(uids)
    for by_id in (True, False) * _TRIES:
        for uid in sorted(left - inventory.volumes.keys() - inventory.gone_volumes):
            _volume_by_uid(session, inventory, uid, VolumeName(""))
        for gone in left & inventory.gone_volumes:
            if inventory.odd_about((gone,)) is None:
                inventory.learn_mappings_of_volume(gone, ())
        left = _changing(
            session, inventory, [inventory.volumes[uid] for uid in sorted(left & inventory.volumes.keys())], by_id=by_id
        )
        if not left:
            return
    raise Unreadable("lsvdiskhostmap", f"volumes or host objects were renamed during each of {2 * _TRIES} reads")


def _changing(session: Session, inventory: Inventory, volumes: Sequence[Volume], *, by_id: bool) -> set[VolumeUid]:
    """Record the mappings of these volumes; return the volumes for which the answers are inconsistent.

    A volume is read after its mappings, to check that they are its own; then each host object by the id or name in the
    row of the mapping.
    """

    def key_of(row: Mapping) -> str:
        return (by_id and row.host_id) or row.host

    keys = [volume.id if by_id else volume.name for volume in volumes]
    listed = session.ask_all(map(queries.mappings_of_volume, keys))
    owners = session.ask_all(map(queries.volume_or_odd, keys))
    named = sorted({key_of(row) for rows in listed for row in rows or () if isinstance(row, Mapping)})
    found = dict(zip(named, session.ask_all(map(queries.host_or_odd, named)), strict=True))
    changing = set()
    for volume, rows, owner in zip(volumes, listed, owners, strict=True):
        odd = [owner] if isinstance(owner, Odd) else []
        own = tuple(sift(rows or (), odd))
        inventory.learn_odd(f"lsvdiskhostmap {volume.uid}", _about(odd, volume.uid, volume.name))
        if isinstance(owner, Odd) or odd:
            continue
        if owner is None or owner.uid != volume.uid:
            _forget(inventory, volume.uid)
            changing.add(volume.uid)
            continue
        inventory.learn_volume(owner)
        hosts = [(row, found[key_of(row)]) for row in own]
        # Each mapping must be of this volume and of the host object that was read for it, unless that is unreadable.
        consistent = rows is not None and all(
            row.uid == owner.uid
            and (isinstance(host, Odd) or (host is not None and host.name == row.host and row.host_id in ("", host.id)))
            for row, host in hosts
        )
        if not consistent:
            changing.add(volume.uid)
            continue
        for row, host in hosts:
            _learn_host(inventory, row.host, host)
        inventory.learn_mappings_of_volume(owner.uid, own)
    return changing


def _volume_by_name(session: Session, inventory: Inventory, name: VolumeName) -> None:
    volume = session.find(queries.volume_or_odd(name))
    inventory.learn_odd(f"lsvdisk {name}", [volume] if isinstance(volume, Odd) else ())
    if isinstance(volume, Odd):
        return
    if volume is None or volume.name != name:
        inventory.learn_name_is_free(name)
    if volume is not None:
        inventory.learn_volume(volume)


def _volume_by_uid(session: Session, inventory: Inventory, uid: VolumeUid, last_name: VolumeName) -> None:
    """Find a volume by its last known id, which never changes, then by its last known name, then by UID.

    Absence from a listing is no proof, since a row may be lost. The volume is gone if a read of its id or name, which
    has its own exit status, did not find it either.
    """
    source = f"lsvdisk {uid}"
    inventory.learn_odd(source, ())
    if number := inventory.volume_ids.get(uid):
        found = session.find(queries.volume_or_odd(number))
        if isinstance(found, Odd):
            inventory.learn_odd(source, _about([found], uid))
            return
        if found is not None:
            inventory.learn_volume(found)
        if found is not None and found.uid == uid:
            if last_name not in ("", found.name):
                _volume_by_name(session, inventory, last_name)  # which may now be another volume's, or free
            return
        _forget(inventory, uid)
    if last_name:
        _volume_by_name(session, inventory, last_name)
        if uid in inventory.volumes:
            return
    filters = inventory.body.capabilities.finds_by_uid
    odd = list[Odd]()
    for volume in sift(session.ask(queries.volumes_with_uid(uid) if filters else queries.VOLUMES), odd):
        inventory.learn_volume(volume)
    asked = {uid.lower(), last_name.lower()}
    maybe = [each for each in odd if filters or each.is_out_of_shape or not asked.isdisjoint(each.words)]
    inventory.learn_odd(source, _about(maybe, uid))
    if (number or last_name) and uid not in inventory.volumes and not maybe:
        inventory.learn_volume_gone(uid)


def _forget(inventory: Inventory, uid: VolumeUid) -> None:
    """Remove a volume from its last known name; it may have another one."""
    if (known := inventory.volumes.get(uid)) is not None:
        inventory.learn_name_is_free(known.name)
