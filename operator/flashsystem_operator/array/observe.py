"""Looks at an array. Looking changes nothing.

A *survey* reads everything and is the base of a view; a *close look* reads again only what a few objects need.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from flashsystem_operator.array import portals, queries
from flashsystem_operator.array.capabilities import capabilities
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.state import Node, Pool, Portal, System
from flashsystem_operator.array.view import Body, View
from flashsystem_operator.values import ChapSecret, HostName, PoolName, VolumeName, VolumeUid

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Focus:
    """What a close look looks at.

    hosts: host objects, with their ports.
    mapped: host objects whose mappings are to be read by a command meant for each of them, because something may turn
        out to be gone.
    listed: host objects whose mappings may as well come from a listing of all, where the array gives one.
    names: volumes whose UID is to be found by name.
    uids: volumes that are known by UID, with the name under which they were last seen (empty if never).
    volumes: volumes whose mappings to any host are to be read.
    grouped: host objects whose I/O groups are to be read.
    chap: whether the secrets that host objects ask for are to be read.
    """

    hosts: set[HostName] = field(default_factory=set)
    mapped: set[HostName] = field(default_factory=set)
    listed: set[HostName] = field(default_factory=set)
    names: set[VolumeName] = field(default_factory=set)
    uids: dict[VolumeUid, VolumeName] = field(default_factory=dict)
    volumes: set[VolumeUid] = field(default_factory=set)
    grouped: set[HostName] = field(default_factory=set)
    chap: bool = False

    @property
    def cost(self) -> int:
        """Commands that the look takes at most, but for volumes that were renamed."""
        mappings = len(self.mapped | self.listed)
        volumes = len(self.names) + len(self.uids) + len(self.volumes)
        return len(self.hosts) + mappings + volumes + len(self.grouped) + self.chap


def body(session: Session, pool: PoolName | None) -> Body:
    """The array itself: system, nodes, portals and pool. Takes 4 or 5 commands."""
    system = session.ask(queries.SYSTEM)
    nodes = _nodes(session)
    found, portsets = _portals(session, system, nodes)
    return Body(system, nodes, found, _pool(session, system, pool), portsets)


def survey(session: Session, pool: PoolName | None) -> View:
    """Everything: the array itself, all hosts with their ports, all volumes, all mappings."""
    view = View(body(session, pool))
    volumes(session, view)
    hosts(session, view)
    return view


def volumes(session: Session, view: View) -> None:
    """All volumes."""
    for volume in session.ask(queries.VOLUMES):
        view.learn_volume(volume)


def hosts(session: Session, view: View) -> None:
    """All hosts with their ports, and all mappings."""
    names = [row.name for row in session.ask(queries.HOSTS)]
    for gone in view.hosts.keys() - set(names):
        view.learn_host(gone, session.find(queries.host(gone)))
    found = session.hosts(names)
    for name, host in found.items():
        view.learn_host(name, host)
    for name, mappings in session.all_mappings([name for name, host in found.items() if host is not None]):
        view.learn_mappings_of_host(name, mappings)


def closely(session: Session, view: View, focus: Focus) -> None:
    """Read again what the focus names, each by a command meant for it, and learn it into the view."""
    for host_name, host in session.hosts(sorted(focus.hosts)).items():
        view.learn_host(host_name, host)
    for volume_name in sorted(focus.names):
        _volume_by_name(session, view, volume_name)
    for uid, last_name in sorted(focus.uids.items()):
        _volume_by_uid(session, view, uid, last_name)
    _mappings(session, view, focus)
    for uid in sorted(focus.volumes):
        _mappings_of_volume(session, view, uid)
    grouped = sorted(focus.grouped & view.hosts.keys())
    for name, groups in zip(grouped, session.ask_all(map(queries.io_groups_of_host, grouped)), strict=True):
        if groups is not None:
            view.io_groups[name] = groups
    if focus.chap:
        view.chap = _chap(session)


def _chap(session: Session) -> Mapping[HostName, ChapSecret] | None:
    """None where the user may not ask for secrets. That must not keep the rest of the array from being looked at."""
    try:
        return session.ask(queries.CHAP)
    except (Refused, Unreadable) as error:
        log.warning("the array does not tell which hosts ask for a CHAP secret: %s", error)
        return None


def _mappings(session: Session, view: View, focus: Focus) -> None:
    listed = sorted((focus.listed - focus.mapped) & view.hosts.keys())
    mapped = sorted((focus.mapped | (focus.listed if len(listed) == 1 else set())) & view.hosts.keys())
    for name, found in session.all_mappings(listed) if len(listed) > 1 else ():
        if name in listed:
            view.learn_mappings_of_host(name, found)
    for name, found in session.mappings(mapped):
        view.learn_mappings_of_host(name, found)


def _mappings_of_volume(session: Session, view: View, uid: VolumeUid) -> None:
    """Where the name is nobody's or another volume's meanwhile, the answer says nothing of the volume that is meant."""
    if (volume := view.volumes.get(uid)) is not None:
        found = session.find(queries.mappings_of_volume(volume.name))
        if found is not None and all(mapping.uid == uid for mapping in found):
            view.learn_mappings_of_volume(uid, found)


def _volume_by_name(session: Session, view: View, name: VolumeName) -> None:
    volume = session.find(queries.volume(name))
    if volume is None or volume.name != name:
        view.learn_name_is_free(name)
    if volume is not None:
        view.learn_volume(volume)


def _volume_by_uid(session: Session, view: View, uid: VolumeUid, last_name: VolumeName) -> None:
    """By the name that it last had, which is mostly right; then by UID, since it may have been renamed."""
    if last_name:
        _volume_by_name(session, view, last_name)
        if uid in view.volumes:
            return
    filters = view.body.capabilities.finds_by_uid
    for volume in session.ask(queries.volumes_with_uid(uid) if filters else queries.VOLUMES):
        view.learn_volume(volume)
    if uid not in view.volumes:
        view.learn_volume_gone(uid)


def _nodes(session: Session) -> tuple[Node, ...]:
    """`lsnode` where it is known, `lsnodecanister` on enclosures that do not know it."""
    try:
        return session.ask(queries.NODES)
    except Refused:
        return session.ask(queries.NODE_CANISTERS)


def _portals(session: Session, system: System, nodes: tuple[Node, ...]) -> tuple[tuple[Portal, ...], tuple[str, ...]]:
    """The portals, and the portsets that are for hosts."""
    if not capabilities(system).portsets:
        found = session.ask(
            Query("lsportip", lambda text, line: portals.from_lsportip(text, line, nodes, system.dialect))
        )
        return found, ()
    types = session.ask(Query("lsportset", portals.portset_types))
    found = session.ask(Query("lsip", lambda text, line: portals.from_lsip(text, line, nodes, types)))
    return found, tuple(name for name, kind in types.items() if kind == "host")


def _pool(session: Session, system: System, named: PoolName | None) -> Pool | None:
    """None when the array has no such pool, or when none is asked for."""
    name = named or capabilities(system).default_pool
    return None if name is None else session.find(queries.pool(PoolName(name)))
