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
from flashsystem_operator.api.base import DeletionPolicy
from flashsystem_operator.api.host import FlashSystemHost, OtherPorts
from flashsystem_operator.api.metadata import API_VERSION, Kind, ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.commands import shown
from flashsystem_operator.array.model import Host, Inventory, Protocol
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.decision import Act, Decision, InSync, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, with_volumes
from flashsystem_operator.planner.dry_run import bound
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.planner.volume import volume_plan
from flashsystem_operator.values import (
    MAX_INITIATORS,
    HostName,
    VolumeName,
    VolumeUid,
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
    own: the resources for which host objects and volumes were created. They keep these names: others would not prove
        ownership.
    """

    def __init__(
        self,
        namespace: str,
        taken: AbstractSet[ObjectRef],
        prefix: str = "",
        own: Mapping[HostName | VolumeName, ObjectRef] | None = None,
    ) -> None:
        self._namespace = namespace
        self._taken = set(taken)
        self._prefix = prefix
        self._own = own or {}
        self._kept = {*self._own.values()} - self._taken

    def host(self, name: HostName) -> str:
        return self._own_or_free(Kind.HOST, name)

    def volume(self, name: VolumeName) -> str:
        return self._own_or_free(Kind.VOLUME, name)

    def attachment(self, volume: str, host: str) -> str:
        """host: of a volume that several hosts see; empty if one does."""
        return self._free(
            Kind.ATTACHMENT, self._prefix + (f"{volume}-{host.removeprefix(self._prefix)}" if host else volume)
        )

    def _own_or_free(self, kind: Kind, name: HostName | VolumeName) -> str:
        own = self._own.get(name)
        if own is None or own.kind is not kind:
            return self._free(kind, f"{self._prefix}{name}")
        if own in self._kept:
            self._kept.remove(own)
            self._taken.add(own)
            return own.name
        return self._free(kind, own.name)

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
    prefix: the beginning of names. with_volumes: whether to propose a FlashSystemVolume for each volume too.
    """

    namespace: str
    hosts: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    taken: frozenset[ObjectRef] = frozenset()
    prefix: str = ""
    with_volumes: bool = True

    def wants_host(self, name: str) -> bool:
        return not self.hosts or any(fnmatchcase(name, glob) for glob in self.hosts)

    def wants_volume(self, name: str) -> bool:
        return not self.volumes or any(fnmatchcase(name, glob) for glob in self.volumes)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed resource. about: its object on the array, as names.

    mapping: of a VolumeAttachment; None for other kinds. refers_to: the host and the volume of a VolumeAttachment.
    """

    document: Mapping[str, Any]
    about: str
    mapping: VolumeMapping | None = None
    refers_to: tuple[ObjectRef, ...] = ()

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
    """proposals: each host and volume before its attachments. left: what cannot be imported.

    there: how many exist already.
    """

    proposals: list[Proposal] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    there: int = 0


def propose(desired: Desired, inventory: Inventory, request: ImportRequest) -> Import:
    """Propose resources for all requested objects of the array that have none yet."""
    installations, found = (desired.installation, *desired.former), Import()
    own = {
        **resources_of(Kind.HOST, inventory.hosts, installations, request.namespace),
        **resources_of(
            Kind.VOLUME, (each.name for each in inventory.volumes.values()), installations, request.namespace
        ),
    }
    named = Namer(request.namespace, request.taken, request.prefix, own)
    # The host objects for which there is a resource already.
    resolved = ((host, host_plan.resolve_host(host, desired, inventory)) for host in desired.hosts.values())
    present = {
        each.host.name: host for host, each in resolved if isinstance(each, host_plan.Managed | host_plan.Adopted)
    }
    proposer = _Proposer(found, desired, inventory, request, named)
    for host in sorted(inventory.hosts.values(), key=lambda each: each.name):
        if request.wants_host(host.name):
            proposer.add_host(host, present.get(host.name))
    while dropped := _unfit(found.proposals, desired, inventory):
        gone = {each.ref for each, _ in dropped}
        found.left += [Left(each.about, why) for each, why in dropped]
        found.proposals = [_without(each, gone) for each in found.proposals if each.ref not in gone]
    used = {ref for each in found.proposals for ref in each.refers_to} | proposer.attached
    found.proposals = [each for each in found.proposals if each.ref.kind is not Kind.VOLUME or each.ref in used]
    return found


@dataclass(slots=True)
class _Proposer:
    """Adds proposals to an import. volumes: the FlashSystemVolume of each volume that was looked at; None: it has none.

    attached: the proposed volumes for which there is a VolumeAttachment already.
    """

    found: Import
    desired: Desired
    inventory: Inventory
    request: ImportRequest
    named: Namer
    volumes: dict[VolumeUid, ObjectRef | None] = field(default_factory=dict)
    attached: set[ObjectRef] = field(default_factory=set)

    def add_host(self, host: Host, present: FlashSystemHost | None) -> None:
        """Propose a host, its volumes and its attachments. present: its resource, if there is one already."""
        found, desired, request = self.found, self.desired, self.request
        about = f"host object {host.name}"
        rows = self.inventory.on_host(host.name)
        mappings = [m for of_volume in rows.values() for m in of_volume if request.wants_volume(m.volume)]
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
            proposal = _host(host, desired, request, self.named)
            ref = proposal.ref
            found.proposals.append(proposal)
        for mapping in sorted(mappings, key=lambda each: each.luns):
            attached = _is_attached(mapping, ref, desired)
            if not attached and (why := _unfit_mapping(mapping)):
                found.left.append(Left(_named(mapping), why))
                continue
            volume = self._volume(mapping) if request.with_volumes else None
            if attached:
                found.there += 1
                self.attached |= {volume} if volume else set()
            else:
                found.proposals.append(_attachment(mapping, ref, volume, self.inventory, request, self.named))

    def _volume(self, mapping: VolumeMapping) -> ObjectRef | None:
        """The FlashSystemVolume that attachments of this volume may refer to: one that exists, or a new proposal."""
        uid, desired = mapping.uid, self.desired
        if uid in self.volumes:
            return self.volumes[uid]
        self.volumes[uid] = None
        about = f"volume {mapping.volume}"
        if existing := next((each for each in desired.volumes.values() if each.status.uid == uid), None):
            self.found.there += 1
            if existing.metadata.namespace == self.request.namespace and not existing.metadata.deleting:
                self.volumes[uid] = existing.ref
            return self.volumes[uid]
        if not desired.installation and made_by_another((), mapping.volume):
            self.found.left.append(Left(about, _WHOSE.format("volumes")))
            return None
        spec = {
            "arrayRef": _array_ref(desired, self.request),
            "import": {"uid": uid},
            "deletionPolicy": DeletionPolicy.RETAIN.value,
        }
        document = _document(Kind.VOLUME, self.request.namespace, self.named.volume(mapping.volume), spec)
        resource = FlashSystemVolume.read(_as_applied(document, 0))
        resolved = volume_plan.resolve_volume(resource, desired, self.inventory)
        if isinstance(resolved, Wait | Refuse):
            self.found.left.append(Left(about, resolved.message))
        else:
            self.volumes[uid] = resource.ref
            self.found.proposals.append(Proposal(document, about))
        return self.volumes[uid]


_WHOSE = (
    "its name has the form of {} that an operator creates: give --installation-id, the UID of its cluster's namespace "
    "kube-system, to find out whether it is this one's"
)


def _unfit_host(host: Host, desired: Desired) -> str:
    """Why this host object cannot have a FlashSystemHost; empty if it can."""
    if not desired.installation and made_by_another((), host.name):
        return _WHOSE.format("host objects")
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
    initiators: dict[str, object] = {"iscsi": sorted(host.iqns)}
    if any(port.protocol is not Protocol.ISCSI for port in host.ports):
        initiators["otherPorts"] = OtherPorts.ALLOW.value
    return Proposal(
        _document(
            Kind.HOST,
            request.namespace,
            named.host(host.name),
            {
                "arrayRef": _array_ref(desired, request),
                "initiators": initiators,
                "deletionPolicy": DeletionPolicy.RETAIN.value,
            },
        ),
        f"host object {host.name}",
    )


def _array_ref(desired: Desired, request: ImportRequest) -> Mapping[str, str]:
    meta = desired.array.metadata
    return {"name": meta.name, **({} if meta.namespace == request.namespace else {"namespace": meta.namespace})}


def _attachment(
    mapping: VolumeMapping,
    host: ObjectRef,
    volume: ObjectRef | None,
    inventory: Inventory,
    request: ImportRequest,
    named: Namer,
) -> Proposal:
    shared = len(inventory.of_volume(mapping.uid)) > 1
    spec = {
        "hostRef": {"name": host.name},
        "volume": {"ref": {"name": volume.name}} if volume else {"uid": mapping.uid},
        "lun": mapping.lun,
        "access": "Shared" if shared else "Exclusive",
        "deletionPolicy": DeletionPolicy.RETAIN.value,
    }
    name = named.attachment(mapping.volume, host.name if shared else "")
    document = _document(Kind.ATTACHMENT, request.namespace, name, spec)
    return Proposal(document, _named(mapping), mapping, (host, *([volume] if volume else [])))


def _document(kind: Kind, namespace: str, name: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": kind.value, "metadata": meta, "spec": spec}


def _named(mapping: VolumeMapping) -> str:
    return f"volume {mapping.volume} on host {mapping.host} at LUN {', '.join(map(str, mapping.luns))}"


# -- whether it would change anything ----------------------------------------------------------------------------------


def _unfit(proposals: list[Proposal], desired: Desired, inventory: Inventory) -> list[tuple[Proposal, str]]:
    """The proposals that would not be in sync at once, each with the reason."""
    new_hosts: dict[ObjectRef, FlashSystemHost] = {}
    new_volumes: dict[ObjectRef, FlashSystemVolume] = {}
    new_attachments: dict[ObjectRef, VolumeAttachment] = {}
    for number, proposal in enumerate(proposals):
        body = _as_applied(proposal.document, number)
        match proposal.ref.kind:
            case Kind.HOST:
                new_hosts[proposal.ref] = FlashSystemHost.read(body)
            case Kind.VOLUME:
                volume = FlashSystemVolume.read(body)
                found = inventory.volumes[VolumeUid(proposal.document["spec"]["import"]["uid"])]
                new_volumes[proposal.ref] = bound(volume, found, volume_plan.origin_of(volume, found, desired))
            case _:
                new_attachments[proposal.ref] = VolumeAttachment.read(body)
    volumes = {**desired.volumes, **new_volumes}
    attachments = with_volumes({**desired.attachments, **new_attachments}, volumes)
    supposed = replace(desired, hosts={**desired.hosts, **new_hosts}, volumes=volumes, attachments=attachments)
    decisions = batch.plan(supposed, inventory, (*supposed.hosts, *supposed.volumes, *supposed.attachments))
    wrong = {each.ref: why for each in proposals if (why := _objection(decisions[each.ref]))}
    parents_wrong = {ref for ref in wrong if ref.kind is not Kind.ATTACHMENT}
    dropped: list[tuple[Proposal, str]] = []
    for each in proposals:
        host = next((ref for ref in each.refers_to if ref.kind is Kind.HOST), None)
        if host in parents_wrong:
            dropped.append((each, f"its host cannot be imported: {wrong[host]}"))
        elif each.ref in wrong and not (parents_wrong and each.mapping):
            # While a host or volume is dropped, decisions about attachments may depend on it alone: they are planned
            # again.
            dropped.append((each, wrong[each.ref]))
    return dropped


def _without(proposal: Proposal, gone: Collection[ObjectRef]) -> Proposal:
    """The proposal; an attachment of a volume that is not imported names that by its UID."""
    if proposal.mapping is None or not any(ref.kind is Kind.VOLUME and ref in gone for ref in proposal.refers_to):
        return proposal
    spec = {**proposal.document["spec"], "volume": {"uid": proposal.mapping.uid}}
    return replace(
        proposal,
        document={**proposal.document, "spec": spec},
        refers_to=tuple(ref for ref in proposal.refers_to if ref not in gone),
    )


def _as_applied(document: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """The resource as the cluster would have it: younger than all others. number: its place among the proposals."""
    made = {"creationTimestamp": _YOUNGEST, "uid": f"{number:08}", "generation": 1}
    return {**document, "metadata": {**document["metadata"], **made}}


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


def resources_of(
    kind: Kind, names: Iterable[HostName | VolumeName], installations: Collection[str], namespace: str
) -> Mapping[HostName | VolumeName, ObjectRef]:
    """The resources of this namespace for which the operator created these objects, as far as their names prove it.

    kind: of the resources. names: of host objects or volumes.
    """
    found: dict[HostName | VolumeName, ObjectRef] = {}
    for each in names:
        if not made_by_another((), each):
            continue
        base = each[: -len("-") - 14]
        for name in (base, base.removeprefix("h")):  # the name begins with that of the resource, perhaps after an h
            proven = {host_object_name(installation, namespace, name, name) for installation in installations if name}
            if each in proven:
                found[each] = ObjectRef(kind, namespace, name)
                break
    return found
