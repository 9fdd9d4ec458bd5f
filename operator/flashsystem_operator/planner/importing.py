"""Import: resources that take over existing objects of an array, so that applying them changes nothing on the array.

Each proposal is planned as if it were applied, by the same code: one that would not be InSync at once is not proposed,
and its decision gives the reason. So no rule of the operator is implemented twice.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, OtherPorts
from flashsystem_operator.api.metadata import API_VERSION, Kind, ObjectRef
from flashsystem_operator.array.commands import shown
from flashsystem_operator.array.model import Host, Inventory, Protocol
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, Decision, InSync, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.values import (
    MAX_INITIATORS,
    HostName,
    host_object_name,
    iqn,
    made_by_another,
    volume_uid,
)

_LONGEST = 57
"""Characters that leave room for a number, in a name that is also valid as a label."""

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")

_YOUNGEST = "9999-12-31T23:59:59Z"
"""The creation time of proposals: after all existing objects."""


class Namer:
    """Give each object a unique name in a namespace: its name on the array if it is free, else one with a number.

    prefix: the beginning of names, for a namespace that several arrays share.
    own: the resources for which host objects were created. They keep these names: others would not prove ownership.
    """

    def __init__(
        self, namespace: str, taken: AbstractSet[ObjectRef], prefix: str = "", own: Mapping[HostName, str] | None = None
    ) -> None:
        self._namespace = namespace
        self._taken = set(taken)
        self._prefix = prefix
        self._own = own or {}
        self._kept = {self._ref(Kind.HOST, name) for name in self._own.values()} - self._taken

    def host(self, name: HostName) -> str:
        own = self._own.get(name)
        if own and (kept := self._ref(Kind.HOST, own)) in self._kept:
            self._kept.remove(kept)
            self._taken.add(kept)
            return own
        return self._free(Kind.HOST, own or f"{self._prefix}{name}")

    def attachment(self, volume: str, host: str) -> str:
        """host: of a volume that several hosts see; empty if one does."""
        return self._free(
            Kind.ATTACHMENT, self._prefix + (f"{volume}-{host.removeprefix(self._prefix)}" if host else volume)
        )

    def _free(self, kind: Kind, wanted: str) -> str:
        base = slug(wanted, kind.short_name)
        number = 1
        while (ref := self._ref(kind, base if number == 1 else f"{base}-{number}")) in self._taken or ref in self._kept:
            number += 1
        self._taken.add(ref)
        return ref.name

    def _ref(self, kind: Kind, name: str) -> ObjectRef:
        return ObjectRef(kind, self._namespace, name)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import. namespace: of the resources. hosts, volumes: globs of names on the array; none: all.

    taken: objects that are in the cluster, for any array; their names are not used again.
    prefix: the beginning of names.
    """

    namespace: str
    hosts: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    taken: frozenset[ObjectRef] = frozenset()
    prefix: str = ""

    def wants_host(self, name: str) -> bool:
        return not self.hosts or any(fnmatchcase(name, glob) for glob in self.hosts)

    def wants_volume(self, name: str) -> bool:
        return not self.volumes or any(fnmatchcase(name, glob) for glob in self.volumes)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed resource. about: its object on the array, as names. host: None for a host itself."""

    document: Mapping[str, Any]
    about: str
    host: ObjectRef | None = None

    @property
    def ref(self) -> ObjectRef:
        meta = self.document["metadata"]
        return ObjectRef(Kind(self.document["kind"]), meta["namespace"], meta["name"])


@dataclass(frozen=True, slots=True)
class Left:
    """What is not imported, and why."""

    what: str
    why: str


@dataclass(slots=True)
class Import:
    """proposals: each host before its attachments. left: what cannot be imported. there: how many exist already."""

    proposals: list[Proposal] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    there: int = 0


def propose(desired: Desired, inventory: Inventory, request: ImportRequest) -> Import:
    """Propose resources for all requested objects of the array that have none yet."""
    found = Import()
    own = resources_of(inventory.hosts, (desired.installation, *desired.former), request.namespace)
    named = Namer(request.namespace, request.taken, request.prefix, own)
    # The host objects for which there is a resource already.
    resolved = ((host, host_plan.resolve_host(host, desired, inventory)) for host in desired.hosts.values())
    present = {
        each.host.name: host for host, each in resolved if isinstance(each, host_plan.Managed | host_plan.Adopted)
    }
    for host in sorted(inventory.hosts.values(), key=lambda each: each.name):
        if request.wants_host(host.name):
            _add_host(found, host, present.get(host.name), desired, inventory, request, named)
    while dropped := _unfit(found.proposals, desired, inventory):
        found.left += [Left(each.about, why) for each, why in dropped]
        gone = {each.ref for each, _ in dropped}
        found.proposals = [each for each in found.proposals if each.ref not in gone]
    return found


def _add_host(
    found: Import,
    host: Host,
    present: FlashSystemHost | None,
    desired: Desired,
    inventory: Inventory,
    request: ImportRequest,
    named: Namer,
) -> None:
    about = f"host object {host.name}"
    mappings = [m for rows in inventory.on_host(host.name).values() for m in rows if request.wants_volume(m.volume)]
    if request.volumes and not mappings:
        return
    if present is None and (why := _unfit_host(host, desired)):
        seen = f", with its mappings of {plural(len(mappings), 'volume')}" if mappings else ""
        found.left.append(Left(f"{about}{seen}", why))
        return
    if present:
        ref = present.ref
        found.there += 1
        if ref.namespace != request.namespace:
            found.left += [
                Left(_named(m), f"its host is {ref}, of another namespace: import it into that one")
                for m in mappings
                if not _is_attached(m, ref, desired)
            ]
            found.there += sum(_is_attached(m, ref, desired) for m in mappings)
            return
    else:
        proposal = _host(host, desired, request, named)
        ref = proposal.ref
        found.proposals.append(proposal)
    for mapping in sorted(mappings, key=lambda each: each.luns):
        if _is_attached(mapping, ref, desired):
            found.there += 1
        elif why := _unfit_mapping(mapping):
            found.left.append(Left(_named(mapping), why))
        else:
            found.proposals.append(_attachment(mapping, ref, inventory, request, named))


def _unfit_host(host: Host, desired: Desired) -> str:
    """Why this host object cannot have a FlashSystemHost; empty if it can."""
    if not desired.installation and made_by_another((), host.name):
        return (
            "its name has the form of host objects that an operator creates: give --installation-id, the UID of "
            "its cluster's namespace kube-system, to find out whether it is this one's"
        )
    others = sorted({port.protocol.value for port in host.ports if port.protocol is not Protocol.ISCSI})
    names = sorted(host.iqns)
    if not host.ports:
        return "it has no initiator, so its machine cannot be identified"
    if not names:
        return f"its ports are {listed(others)}: only iSCSI hosts are managed"
    if len(names) > MAX_INITIATORS:
        return f"it has {len(names)} initiators, and a FlashSystemHost at most {MAX_INITIATORS}"
    bad = [name for name in names if _is_not(name, iqn)]
    return f"{listed(bad)} is not written as iSCSI names are" if bad else ""


def _unfit_mapping(mapping: VolumeMapping) -> str:
    if mapping.cluster:
        return f"it comes through host cluster {mapping.cluster}: such mappings belong to the array administrator"
    if len(mapping.luns) > 1:
        return f"it has the LUNs {', '.join(map(str, mapping.luns))}, by I/O group: map it again with one LUN first"
    if _is_not(mapping.uid, volume_uid):
        return f"its UID {mapping.uid!r} is not a valid volume UID"
    return ""


def _is_not(text: str, reads: Callable[[str], object]) -> bool:
    try:
        reads(text)
    except ValueError:
        return True
    return False


# -- what exists already -----------------------------------------------------------------------------------------------


def _is_attached(mapping: VolumeMapping, host: ObjectRef, desired: Desired) -> bool:
    return any(each.host == host for each in desired.bound_to(mapping.uid))


# -- what is written ---------------------------------------------------------------------------------------------------


def _host(host: Host, desired: Desired, request: ImportRequest, named: Namer) -> Proposal:
    array = {"name": desired.array.metadata.name}
    if desired.array.metadata.namespace != request.namespace:
        array["namespace"] = desired.array.metadata.namespace
    initiators: dict[str, object] = {"iscsi": sorted(host.iqns)}
    if any(port.protocol is not Protocol.ISCSI for port in host.ports):
        initiators["otherPorts"] = OtherPorts.ALLOW.value
    return Proposal(
        _document(
            Kind.HOST,
            request.namespace,
            named.host(host.name),
            {"arrayRef": array, "initiators": initiators, "deletionPolicy": "Retain"},
        ),
        f"host object {host.name}",
    )


def _attachment(
    mapping: VolumeMapping, host: ObjectRef, inventory: Inventory, request: ImportRequest, named: Namer
) -> Proposal:
    shared = len(inventory.of_volume(mapping.uid)) > 1
    spec = {
        "hostRef": {"name": host.name},
        "volume": {"uid": mapping.uid},
        "lun": mapping.lun,
        "access": "Shared" if shared else "Exclusive",
        "deletionPolicy": "Retain",
    }
    name = named.attachment(mapping.volume, host.name if shared else "")
    return Proposal(_document(Kind.ATTACHMENT, request.namespace, name, spec), _named(mapping), host)


def _document(kind: Kind, namespace: str, name: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": kind.value, "metadata": meta, "spec": spec}


def _named(mapping: VolumeMapping) -> str:
    return f"volume {mapping.volume} on host {mapping.host} at LUN {', '.join(map(str, mapping.luns))}"


# -- whether it would change anything ----------------------------------------------------------------------------------


def _unfit(proposals: list[Proposal], desired: Desired, inventory: Inventory) -> list[tuple[Proposal, str]]:
    """The proposals that would not be in sync at once, each with the reason."""
    new_hosts: dict[ObjectRef, FlashSystemHost] = {}
    new_attachments: dict[ObjectRef, VolumeAttachment] = {}
    for number, proposal in enumerate(proposals):
        made = {"creationTimestamp": _YOUNGEST, "uid": f"{number:08}", "generation": 1}
        body = {**proposal.document, "metadata": {**proposal.document["metadata"], **made}}
        if proposal.host is None:
            new_hosts[proposal.ref] = FlashSystemHost.read(body)
        else:
            new_attachments[proposal.ref] = VolumeAttachment.read(body)
    supposed = replace(
        desired, hosts={**desired.hosts, **new_hosts}, attachments={**desired.attachments, **new_attachments}
    )
    decisions = batch.plan(supposed, inventory, (*supposed.hosts, *supposed.attachments))
    wrong = {each.ref: why for each in proposals if (why := _objection(decisions[each.ref]))}
    hosts_wrong = {ref for ref in wrong if ref.kind is Kind.HOST}
    dropped: list[tuple[Proposal, str]] = []
    for each in proposals:
        if each.host in hosts_wrong:
            dropped.append((each, f"its host cannot be imported: {wrong[each.host]}"))
        elif each.ref in wrong and not (hosts_wrong and each.host):
            # While a host is dropped, decisions about attachments may depend on it alone: they are planned again.
            dropped.append((each, wrong[each.ref]))
    return dropped


def _objection(decision: Decision) -> str:
    match decision:
        case InSync():
            return ""
        case Act(steps=steps):
            return f"applying it would send `{shown(steps[0])}` to the array"
        case Wait(message=message) | Refuse(message=message):
            return message
        case Release():
            return "it is being deleted"


def slug(name: str, instead: str) -> str:
    """Lower-case letters, digits and dashes. instead: for a name without any of them."""
    return _NOT_IN_NAMES.sub("-", name.lower()).strip("-")[:_LONGEST].strip("-") or instead


def resources_of(hosts: Iterable[HostName], installations: Collection[str], namespace: str) -> Mapping[HostName, str]:
    """The FlashSystemHosts of this namespace for which the operator created host objects, as far as names prove it."""
    found: dict[HostName, str] = {}
    for host in hosts:
        if not made_by_another((), host):
            continue
        base = host[: -len("-") - 14]
        for name in (base, base.removeprefix("h")):  # the name begins with that of the resource, perhaps after an h
            proven = {host_object_name(installation, namespace, name, name) for installation in installations if name}
            if host in proven:
                found[host] = name
                break
    return found
