"""State files: the built-in arrays (the files in arrays/), loading, defaults and validation."""

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flashsystem_operator.simulator.state.model import (
    Address,
    ConsistencyGroup,
    FibrePort,
    FlashCopyMap,
    Host,
    HostCluster,
    Identity,
    IpPort,
    MappingEntry,
    Node,
    Pool,
    Portset,
    SharedEntry,
    Snapshot,
    ThrottleEntry,
    User,
    Volume,
    VolumeGroup,
)
from flashsystem_operator.simulator.state.rules import PARTITIONS, PORTSETS, Dialect, Level, Limits, Rules


def sections(dialect: Dialect, release: object) -> dict[str, Any]:
    """Return every section of a state file for a small array of this dialect, with a few volumes and no host.

    release: as in the state file, not yet validated; None is that of the built-in array.
    """
    found = copy.deepcopy(_read(dialect))
    newer = found.pop("from_8_7", {})
    if isinstance(release, str) and re.match(r"\d+(\.\d+)*$", release) and Level.of(dialect, release).at(*PARTITIONS):
        for section, objects in newer.items():
            found[section] += objects
    return found


@cache
def _read(dialect: Dialect) -> dict[str, Any]:
    text = (files("flashsystem_operator.simulator") / "arrays" / f"{dialect}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


NAMED = ("nodes", "portsets", "pools", "volumes", "hosts", "host_clusters", "volume_groups", "consistency_groups")
"""Sections whose objects have a name and an id of their own."""
NUMBERED = (*NAMED, "addresses", "snapshots", "flashcopy_maps", "throttles")
MERGED = ("system", "rules", "limits")
Model = TypeVar("Model", bound=BaseModel)


class ConfigError(ValueError):
    """A state file, a change or an order is invalid. The message has the field, the reason and the remedy."""


def default_portset(portsets: list[Portset], *, fc: bool) -> str:
    """Return the default portset for a host; empty if there is none of its type."""
    kind = "fc" if fc else "ethernet"
    return next((each.name for each in portsets if each.is_default == "yes" and each.port_type == kind), "")


class State(BaseModel):
    """The state of an array: the answer of `GET /state`, and the content of a state file."""

    model_config = ConfigDict(extra="forbid")

    dialect: Dialect
    release: str = Field(pattern=r"^\d+(\.\d+){0,4}$")
    system: Identity
    users: list[User]
    nodes: list[Node]
    ports: list[IpPort]
    fibre_ports: list[FibrePort] = []
    addresses: list[Address]
    portsets: list[Portset]
    pools: list[Pool]
    volumes: list[Volume]
    hosts: list[Host] = []
    host_clusters: list[HostCluster] = []
    mappings: list[MappingEntry] = []
    shared_mappings: list[SharedEntry] = []
    volume_groups: list[VolumeGroup] = []
    snapshots: list[Snapshot] = []
    consistency_groups: list[ConsistencyGroup] = []
    flashcopy_maps: list[FlashCopyMap] = []
    throttles: list[ThrottleEntry] = []
    rules: Rules = Rules()
    limits: Limits = Limits()

    @property
    def level(self) -> Level:
        return Level.of(self.dialect, self.release)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self.rules = self.rules.for_array(self.level)
        if not self.system.code_level:
            self.system.code_level = f"{self.release} (build 1.0)"
        if self.level.within(PORTSETS):
            for host in self.hosts:
                fc = any(port.kind == "fc" for port in host.ports)
                host.portset = host.portset or default_portset(self.portsets, fc=fc)
        named = {pool.name: pool for pool in self.pools}
        for pool in self.pools:
            if pool.parent in named:
                if named[pool.parent].parent:
                    raise ValueError(
                        f"pools: {pool.parent}, the parent of {pool.name}, is a child pool: name its parent"
                    )
                pool.data_reduction = named[pool.parent].data_reduction
                pool.extent_size = named[pool.parent].extent_size
        return self


def load(config: dict[str, Any] | Path | str | None = None, dialect: Dialect | None = None) -> State:
    """Load a state file or a dictionary of the same form, and take missing sections from the built-in array.

    A list that is given replaces the built-in one; `system`, `rules` and `limits` are merged field by field.
    """
    given = config if isinstance(config, dict) else read_file(config)
    named = given.get("dialect", dialect or "modern")
    if dialect and named != dialect:
        raise ConfigError(f"dialect: the state file has {named}, the command line {dialect}: omit one of them")
    if named not in ("legacy", "modern"):
        raise ConfigError(f"dialect: {named!r} is not a dialect: write legacy or modern")
    base = sections(named, given.get("release"))
    merged = {**base, **given, "dialect": named}
    for section in MERGED:
        if isinstance(given.get(section), dict):
            merged[section] = {**base.get(section, {}), **given[section]}
    # Every object without an id gets the lowest free one, in the order of the file.
    for section in NUMBERED:
        rows = merged.get(section)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            continue
        used = {row["id"] for row in rows if isinstance(row.get("id"), int)}
        first = 1 if section == "consistency_groups" else 0  # group 0 stands for the maps that are in none
        free = (number for number in range(first, first + len(rows) + len(used)) if number not in used)
        merged[section] = [row if "id" in row else {"id": next(free), **row} for row in rows]
    return whole(merged)


def whole(sections: dict[str, Any]) -> State:
    """Validate all sections as a State, or raise ConfigError."""
    state = validated(State, sections)
    try:
        check(state)
    except Contradiction as error:
        raise ConfigError(str(error)) from None
    return state


def validated(model: type[Model], data: Any) -> Model:
    """Validate data as a model, or raise ConfigError with one part for each wrong field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError("; ".join(_describe(problem) for problem in error.errors())) from None


def _describe(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{where}: no such field: remove it, or see docs/simulator.md for the known fields"
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if not where:
        return reason
    given = "" if problem["type"] == "missing" else f", not {problem['input']!r:.80}"
    return f"{where}: {reason}{given}"


def read_file(path: Path | str | None) -> dict[str, Any]:
    """Read the sections of a state file, without validation."""
    if path is None:
        return {}
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: give the path of a state file that can be read") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8: give a state file, which is text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}: not YAML{line}: {getattr(error, 'problem', error)}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        kind = "list" if isinstance(data, list) else "single value"
        raise ConfigError(f"{path}: a state file is a mapping of sections such as volumes and hosts, not a {kind}")
    return data


class Contradiction(ValueError):
    """A state that an array cannot have. The message has the entry and the remedy."""


def check(state: State) -> None:
    """Raise Contradiction with every reason why this state is impossible."""
    known = {section: {each.name for each in getattr(state, section)} for section in NAMED}
    known["snapshots"] = {str(snapshot.id) for snapshot in state.snapshots}
    missing = [
        f"{where}: there is no {name} in {section}: add it there, or name one that is"
        for where, section, name in _references(state)
        if name not in known[section]
    ]
    reasons = [*_twice(state), *missing, *_clashes(state)]
    if reasons:
        raise Contradiction("; ".join(reasons))


def _twice(state: State) -> Iterator[str]:
    for section in (*NAMED, "flashcopy_maps", "throttles"):
        objects = getattr(state, section)
        named = objects if section != "volumes" else [each for each in objects if not each.is_being_deleted]
        yield from _repeated(section, "name", (each.name for each in named))
        yield from _repeated(section, "id", (each.id for each in objects))
    yield from _repeated("volumes", "uid", (volume.uid for volume in state.volumes if volume.uid))
    yield from _repeated("snapshots", "id", (each.id for each in state.snapshots))
    parents = ((each.volume_group or each.parent_uid, each.name) for each in state.snapshots)
    yield from _repeated("snapshots", "parent and name", (pair for pair in parents if pair[0] is not None))
    uids = [each.uid for each in state.volume_groups if each.uid is not None]
    yield from _repeated("volume_groups", "uid", uids)
    yield from _repeated("flashcopy_maps", "target", (each.target for each in state.flashcopy_maps))
    ports = (port.name.casefold() for host in state.hosts for port in host.ports)
    yield from _repeated("hosts", "port", ports)
    yield from _repeated("mappings", "pair", ((entry.host, entry.volume) for entry in state.mappings))
    shared = ((entry.host_cluster, entry.volume) for entry in state.shared_mappings)
    yield from _repeated("shared_mappings", "pair", shared)
    yield from _repeated("fibre_ports", "wwpn", (port.wwpn for port in state.fibre_ports))
    yield from _repeated("users", "name", (user.name for user in state.users))
    yield from _repeated("throttles", "object", (throttle.target for throttle in state.throttles))


def _repeated(section: str, what: str, values: Iterable[object]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{section}: the {what} {value} is there {count} times: give each its own"


def _references(state: State) -> Iterator[tuple[str, str, str]]:
    yield from _references_of_volumes(state)
    for throttle in state.throttles:
        field, name = throttle.target
        if name:
            yield f"throttles.{field}", f"{field}s", name
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


def _references_of_volumes(state: State) -> Iterator[tuple[str, str, str]]:
    for volume in state.volumes:
        yield from (("volumes.pool", "pools", name) for name in volume.pools)
        if volume.volume_group:
            yield "volumes.volume_group", "volume_groups", volume.volume_group
        if volume.source_snapshot is not None:
            yield "volumes.source_snapshot", "snapshots", str(volume.source_snapshot)
    yield from (("pools.parent", "pools", pool.parent) for pool in state.pools if pool.parent)
    for snapshot in state.snapshots:
        if snapshot.volume_group:
            yield "snapshots.volume_group", "volume_groups", snapshot.volume_group
        for image in snapshot.images:
            if not image.uid:
                yield "snapshots.images.volume", "volumes", image.volume
            if image.pool:
                yield "snapshots.images.pool", "pools", image.pool
    maps = state.flashcopy_maps
    yield from (("flashcopy_maps.source", "volumes", each.source) for each in maps)
    yield from (("flashcopy_maps.target", "volumes", each.target) for each in maps)
    groups = [each.consistency_group for each in maps if each.consistency_group]
    yield from (("flashcopy_maps.consistency_group", "consistency_groups", group) for group in groups)


def _clashes(state: State) -> Iterator[str]:
    """Find maps onto themselves, and LUNs that a host, with its host cluster, uses twice in an I/O group."""
    for each in state.flashcopy_maps:
        if each.source == each.target:
            yield f"flashcopy_maps: {each.name} copies {each.source} onto itself: name another target"
    live = [volume for volume in state.volumes if not volume.is_being_deleted]
    groups = {volume.name: volume.access_io_groups or [volume.io_group] for volume in live}
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
