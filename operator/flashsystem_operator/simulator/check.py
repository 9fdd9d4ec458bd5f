"""Whether a state can be: every name it refers to is there, and nothing is there twice."""

from collections import Counter
from collections.abc import Iterable, Iterator

from flashsystem_operator.simulator.config import State


class Contradiction(ValueError):
    """A state that no array could be in; says which entry, and what to do."""


def check(state: State) -> None:
    """Raise Contradiction with every reason why this state cannot be."""
    reasons = [*_twice(state), *_missing(state), *_clashes(state)]
    if reasons:
        raise Contradiction("; ".join(reasons))


def _twice(state: State) -> Iterator[str]:
    for section in ("nodes", "portsets", "pools", "volumes", "hosts", "host_clusters"):
        things = getattr(state, section)
        yield from _repeated(section, "name", (thing.name for thing in things))
        yield from _repeated(section, "id", (thing.id for thing in things))
    yield from _repeated("volumes", "uid", (volume.uid for volume in state.volumes if volume.uid))
    ports = (port.name.casefold() for host in state.hosts for port in host.ports)
    yield from _repeated("hosts", "port", ports)
    yield from _repeated("mappings", "pair", ((entry.host, entry.volume) for entry in state.mappings))
    shared = ((entry.host_cluster, entry.volume) for entry in state.shared_mappings)
    yield from _repeated("shared_mappings", "pair", shared)
    yield from _repeated("fibre_ports", "wwpn", (port.wwpn for port in state.fibre_ports))
    yield from _repeated("users", "name", (user.name for user in state.users))


def _repeated(section: str, what: str, values: Iterable[object]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{section}: the {what} {value} is there {count} times: give each its own"


def _missing(state: State) -> Iterator[str]:
    known = {
        section: {thing.name for thing in getattr(state, section)}
        for section in ("nodes", "portsets", "pools", "volumes", "hosts", "host_clusters")
    }
    for where, section, name in _references(state):
        if name not in known[section]:
            yield f"{where}: there is no {name} in {section}: add it there, or name one that is"


def _references(state: State) -> Iterator[tuple[str, str, str]]:
    yield from (("volumes.pool", "pools", volume.pool) for volume in state.volumes)
    yield from (("ports.node", "nodes", port.node) for port in state.ports)
    yield from (("fibre_ports.node", "nodes", port.node) for port in state.fibre_ports)
    for address in state.addresses:
        if address.node:
            yield "addresses.node", "nodes", address.node
        yield "addresses.portset", "portsets", address.portset
    for host in state.hosts:
        if host.portset:
            yield "hosts.portset", "portsets", host.portset
        if host.host_cluster:
            yield "hosts.host_cluster", "host_clusters", host.host_cluster
    for entry in state.mappings:
        yield "mappings.host", "hosts", entry.host
        yield "mappings.volume", "volumes", entry.volume
    for shared in state.shared_mappings:
        yield "shared_mappings.host_cluster", "host_clusters", shared.host_cluster
        yield "shared_mappings.volume", "volumes", shared.volume


def _clashes(state: State) -> Iterator[str]:
    """LUNs that one host would use twice in an I/O group, the shared ones of its host cluster included."""
    groups = {volume.name: volume.access_io_groups or [volume.io_group] for volume in state.volumes}
    cluster_of = {host.name: host.host_cluster for host in state.hosts}
    shared: dict[tuple[str, int], list[int]] = {}
    for mapping in state.shared_mappings:
        for group in groups.get(mapping.volume, ()):
            shared.setdefault((mapping.host_cluster, group), []).append(mapping.lun)
    for (cluster, _), luns in shared.items():
        yield from _repeated(f"shared_mappings of {cluster}", "LUN", luns)
    used: dict[tuple[str, int], list[int]] = {}
    for entry in state.mappings:
        for group in groups.get(entry.volume, ()):
            used.setdefault((entry.host, group), []).append(entry.luns.get(group, entry.lun))
    for (host, group), luns in used.items():
        both = [*luns, *shared.get((cluster_of.get(host, ""), group), [])]
        yield from _repeated(f"mappings of {host}", "LUN", both)
