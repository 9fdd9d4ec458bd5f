"""The desired state of one array: its resources as one value, with their relations and access rights.

`Tenancy` decides which namespaces may use an array, adopt its host objects, attach which volumes and create
PersistentVolumes. Its label selectors have the semantics of Kubernetes.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain, groupby
from typing import TypeVar

from flashsystem_operator.api.array import (
    Expression,
    FlashSystemArray,
    From,
    LabelSelector,
    Namespaces,
    Operator,
    PersistentVolumes,
)
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import parse_quantity, quantity
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef, Resource
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.model import Host, Inventory, Odd, Volume
from flashsystem_operator.planner.decision import Note, Reason, Refuse, Wait
from flashsystem_operator.planner.text import listed
from flashsystem_operator.values import (
    ChapSecret,
    HostName,
    Iqn,
    VolumeName,
    VolumeUid,
    host_object_name,
    made_by,
    made_by_another,
    made_for,
)

Labels = Mapping[str, str]


def chooses(selector: LabelSelector, labels: Labels) -> bool:
    """Whether all requirements of the selector hold for these labels. An empty selector chooses everything."""
    required = selector.match_labels or {}
    return all(labels.get(key) == value for key, value in required.items()) and all(
        _holds(expression, labels) for expression in selector.match_expressions
    )


def _holds(expression: Expression, labels: Labels) -> bool:
    """Evaluate one requirement. Like DoesNotExist, NotIn also holds without such a label."""
    value = labels.get(expression.key)
    match expression.operator:
        case Operator.IN:
            return value is not None and value in expression.values
        case Operator.NOT_IN:
            return value is None or value not in expression.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None


LABELS_UNKNOWN = "LabelsUnknown"

Refusal = Wait | Refuse | None
"""Why something is not allowed, or None if it is. Wait: it is not known yet."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The permissions of one array.

    labels: of each namespace that is known.
    namespaced: the operator is installed for named namespaces; it may know no labels, and keep no PersistentVolumes.
    """

    array: FlashSystemArray
    labels: Mapping[str, Labels]
    namespaced: bool = False

    def use(self, namespace: str) -> Refusal:
        """Why a namespace may have no host, volume and attachment on the array."""
        return self._among(
            self.array.spec.allowed_namespaces,
            "allowedNamespaces",
            namespace,
            Refuse(
                Reason.ARRAY_NOT_ALLOWED,
                f"{self.array.ref} does not allow namespace {namespace}: {self._rule('allowedNamespaces')}. Ask "
                "the array administrator to allow it, or create this object in a namespace that is allowed. "
                "Attached volumes stay attached.",
            ),
        )

    def adoption(self, namespace: str) -> Refusal:
        """Why a namespace may not adopt a host object, mapping or volume that the operator did not create."""
        return self._among(
            self.array.spec.host_adoption,
            "hostAdoption",
            namespace,
            Refuse(
                Reason.ADOPTION_NOT_ALLOWED,
                f"Initiators of this host, this mapping or this volume were created on the array outside this "
                f"operator, and {self.array.ref} does not let namespace {namespace} take that over: "
                f"{self._rule('hostAdoption')}. Ask the array administrator to allow it.",
            ),
        )

    def volume(self, namespace: str, name: str | None, uid: str | None = None) -> Refusal:
        """Why a namespace may neither attach nor import a volume.

        name: the present name of the volume; None if the array shows no volume of the UID. A namespace must not learn
            from a UID whether another namespace's volume exists, so both are refused with the same message, without
            the name: only a namespace with an entry for every volume is informed that there is none.
        uid: if the volume is requested by UID and not by name.
        """
        entries = self.array.spec.volume_access
        if not entries:
            return None
        labels = self.labels.get(namespace)
        if labels is None:
            return self._unknown(namespace, "volumeAccess")
        globs = (glob for entry in entries if chooses(entry.namespace_selector, labels) for glob in entry.volumes)
        if any(fnmatchcase(name, glob) if name is not None else set(glob) == {"*"} for glob in globs):
            return None
        none_for = f"No entry in spec.volumeAccess of {self.array.ref} lets namespace {namespace} use"
        if uid is None:
            message = f"{none_for} volume {name}. Ask the array administrator for one."
        else:
            message = (
                f"{none_for} a volume with UID {uid}, if the array has one. Create this object again with another "
                "volume, or ask the array administrator for an entry."
            )
        return Refuse(Reason.VOLUME_NOT_ALLOWED, message)

    def volume_creation(self, namespace: str, pool: str | None, size: int, others: int) -> Refusal:
        """Why a namespace may not have a volume of this size.

        pool: where it is created or is; None if unknown. others: the bytes of its other volumes, which count first.
        """
        rule = self.array.spec.volume_creation
        not_allowed = Refuse(
            Reason.VOLUME_CREATION_NOT_ALLOWED,
            f"{self.array.ref} does not let namespace {namespace} create or grow volumes: "
            f"{self._rule('volumeCreation')}. Ask the array administrator to allow it, or create this object in a "
            "namespace that is allowed.",
        )
        if answer := self._among(rule, "volumeCreation", namespace, not_allowed):
            return answer
        if pool is not None and rule.pools and not any(fnmatchcase(pool, glob) for glob in rule.pools):
            return Refuse(
                Reason.VOLUME_CREATION_NOT_ALLOWED,
                f"spec.volumeCreation.pools of {self.array.ref} does not allow pool {pool}. Ask the array "
                "administrator.",
            )
        if rule.max_volume_size is not None and size > rule.max_volume_size:
            most = quantity(rule.max_volume_size)
            return Refuse(
                Reason.CAPACITY_EXCEEDED,
                f"{quantity(size)} is more than the {most} that spec.volumeCreation.maxVolumeSize of {self.array.ref} "
                f"allows. Request less, or ask the array administrator.",
            )
        if rule.max_capacity_per_namespace is not None and size + others > rule.max_capacity_per_namespace:
            most = quantity(rule.max_capacity_per_namespace)
            return Refuse(
                Reason.CAPACITY_EXCEEDED,
                f"With {quantity(size)} for this volume, namespace {namespace} would have {quantity(size + others)}, "
                f"more than the {most} that spec.volumeCreation.maxCapacityPerNamespace of {self.array.ref} allows. "
                "Request less, delete volumes that were created earlier, or ask the array administrator.",
            )
        return None

    def persistent_volumes(self) -> Note | None:
        """Why no attachment of the array may create a PersistentVolume."""
        if self.namespaced:
            return Note(
                "PersistentVolumeBlocked",
                Reason.NAMESPACED_INSTALLATION,
                "This operator is installed for named namespaces, and PersistentVolumes belong to none. Remove "
                "spec.persistentVolume and use status.connection or spec.connectionSecret; or ask the cluster "
                "administrator to install the operator for the whole cluster.",
            )
        if self.array.spec.persistent_volumes is PersistentVolumes.ALLOWED:
            return None
        return Note(
            "PersistentVolumeBlocked",
            Reason.PERSISTENT_VOLUME_NOT_ALLOWED,
            f"{self.array.ref} has spec.persistentVolumes Forbidden. Ask the array administrator to set it to Allowed, "
            "or remove spec.persistentVolume.",
        )

    def unusable(self) -> Note | None:
        """The condition about permissions that cannot allow any namespace. The array administrator can fix them."""
        fields = _choosing_by_labels(self.array)
        if not self.namespaced or not fields:
            return None
        outs = ["set from to Same or All"] if fields != ("volumeAccess",) else []
        outs += ["leave volumeAccess out"] if "volumeAccess" in fields else []
        return Note(
            LABELS_UNKNOWN,
            Reason.NAMESPACED_INSTALLATION,
            f"{listed([f'spec.{field}' for field in fields])} would choose namespaces by their labels, which this "
            "operator may not read: it is installed for named namespaces. So nothing new is allowed by that, in any "
            "namespace; attached volumes stay attached. Ask the cluster administrator to install the operator for the "
            f"whole cluster; or {' and '.join(outs)}.",
        )

    def _among(self, choice: Namespaces, field: str, namespace: str, refusal: Refuse) -> Refusal:
        match choice.from_:
            case From.ALL:
                return None
            case From.SAME:
                return None if namespace == self.array.metadata.namespace else refusal
            case From.SELECTOR:
                labels = self.labels.get(namespace)
                if labels is None:
                    return self._unknown(namespace, field)
                return None if choice.selector and chooses(choice.selector, labels) else refusal

    def _unknown(self, namespace: str, field: str) -> Wait | Refuse:
        if self.namespaced:
            return Refuse(
                Reason.NAMESPACED_INSTALLATION,
                f"{self.array.ref} chooses namespaces by their labels, in spec.{field}, and this operator is installed "
                "for named namespaces and may not read labels. Ask the array administrator to "
                + ("leave that field out" if field == "volumeAccess" else "set it to from Same or All")
                + ", or the cluster administrator to install the operator for the whole cluster. Attached volumes stay "
                "attached.",
            )
        return Wait(
            Reason.NAMESPACE_UNKNOWN,
            f"The labels of namespace {namespace}, by which the array chooses who may use it, are not known to the "
            "operator. It goes on when they are; the operator needs the right to list and watch namespaces.",
        )

    def _rule(self, field: str) -> str:
        """The field that decides; the labels of a selector are shown in the array's own namespace only."""
        spec = self.array.spec
        choice: Namespaces = {
            "allowedNamespaces": spec.allowed_namespaces,
            "hostAdoption": spec.host_adoption,
            "volumeCreation": spec.volume_creation,
        }[field]
        if choice.from_ is From.SAME:
            return f"its spec.{field} is from Same, the array's own namespace"
        return f"the selector in its spec.{field} does not choose that namespace's labels"


def by_labels(array: FlashSystemArray) -> bool:
    """Whether the permissions of the array depend on labels of namespaces."""
    return bool(_choosing_by_labels(array))


def _choosing_by_labels(array: FlashSystemArray) -> tuple[str, ...]:
    """The fields of the spec that choose namespaces by labels."""
    spec = array.spec
    chosen = {
        "allowedNamespaces": spec.allowed_namespaces.from_ is From.SELECTOR,
        "hostAdoption": spec.host_adoption.from_ is From.SELECTOR,
        "volumeCreation": spec.volume_creation.from_ is From.SELECTOR,
        "volumeAccess": bool(spec.volume_access),
    }
    return tuple(field for field, by_labels in chosen.items() if by_labels)


AnyResource = TypeVar("AnyResource", bound=Resource)


@dataclass(frozen=True)
class Desired:
    """All resources of one array, not only those that are due: a rival counts whether or not it is due.

    Also those whose spec cannot be read: nothing is done for them (`Resource.unreadable`), but what can be read of
    them is respected, and for the other fields the strictest value that they may have.

    installation: the id of this installation of the operator (3.3).
    former: ids that it had before; host objects named by these are ours too.
    namespaces: the labels of each namespace, by which the array may choose; a missing one is unknown.
    namespaced: the operator is installed for named namespaces, and has no permission outside of them.
    closed: why nothing new may be created through the array at present; empty if it may. Detaching always works.
    in_doubt: host objects on which a command may still be running whose reply was lost.
    in_doubt_volumes: names and UIDs of volumes on which a command may still be running whose reply was lost.
    in_doubt_pairs: the mappings among these: the volume may still appear on the host object, or vanish from it.
    all_in_doubt: the same for the whole array, after its Lease was taken over from a holder that did not release it.
    chap: the CHAP secret for each host whose spec requests one, or why it is not available.
    vanished: attachments whose mapping existed and is gone, and for which that was not reported before.
    debounced: deletions after which further ones are still expected, with the seconds until then.
    held: steps that are not to be sent again yet, each with the wait that replaces it.
    counted: the start of the window in which the detach rate limit last counted each attachment, by uid.
    now: the time of the pass, RFC 3339 in UTC with whole seconds: texts compare as times do.
    paused: why nothing may be written to any array at present; empty if it may.
    marked: the hosts, of other arrays too, for which a host object of a name may have been created.
    in_use: deleted attachments whose volume is still used in the cluster, as checked for this pass.
    referring: for volumes that are being deleted, the attachments that refer to them or have them by UID, also those
        whose host is on another array or does not exist.
    """

    array: FlashSystemArray
    hosts: Mapping[ObjectRef, FlashSystemHost]
    attachments: Mapping[ObjectRef, VolumeAttachment]
    installation: str
    closed: str = ""
    in_doubt: frozenset[HostName] = field(default_factory=frozenset)
    in_doubt_pairs: frozenset[tuple[HostName, VolumeUid]] = field(default_factory=frozenset)
    in_doubt_volumes: frozenset[str] = field(default_factory=frozenset)
    all_in_doubt: bool = False
    chap: Mapping[ObjectRef, ChapSecret | Refuse] = field(default_factory=dict)
    debounced: Mapping[ObjectRef, float] = field(default_factory=dict)
    held: Mapping[Step, Wait] = field(default_factory=dict)
    counted: Mapping[str, str] = field(default_factory=dict)
    now: str = "1970-01-01T00:00:00Z"
    paused: str = ""
    former: tuple[str, ...] = ()
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    namespaced: bool = False
    in_use: Mapping[ObjectRef, Wait] = field(default_factory=dict)
    vanished: frozenset[ObjectRef] = frozenset()
    marked: Callable[[HostName], Iterable[FlashSystemHost]] = lambda _: ()
    volumes: Mapping[ObjectRef, FlashSystemVolume] = field(default_factory=dict)
    referring: Mapping[ObjectRef, tuple[VolumeAttachment, ...]] = field(default_factory=dict)

    @cached_property
    def tenancy(self) -> Tenancy:
        return Tenancy(self.array, self.namespaces, self.namespaced)

    def counts(self, host: FlashSystemHost) -> bool:
        """Whether a host counts: it may use the array, or was admitted before and has objects on it."""
        return self.tenancy.use(host.metadata.namespace) is None or has_been_admitted(host)

    def access_denied(self, attachment: VolumeAttachment, inventory: Inventory) -> Refusal:
        """Why an attachment may not have its volume. One that already has it keeps it: see `has_been_admitted`."""
        namespace = attachment.metadata.namespace
        if refused := self.tenancy.use(namespace):
            return refused
        if attachment.volume_ref:
            return None  # a FlashSystemVolume of the same namespace, which may have its volume
        selector, seen = attachment.spec.volume, attachment.status.volume
        if uid := selector.uid or (seen.uid if seen else None):
            known = inventory.volumes.get(uid)
            return self.tenancy.volume(namespace, known.name if known else None, uid)
        return self.tenancy.volume(namespace, selector.name) if selector.name else None

    def name_of(self, host: FlashSystemHost) -> HostName:
        """The name of the host object that we create for this resource."""
        return self.names_of(host)[0]

    def names_of(self, host: FlashSystemHost) -> tuple[HostName, ...]:
        """The names that prove that a host object is this resource's: the present one and those of former ids."""
        return self._proving_names(host)

    def object_of(self, host: FlashSystemHost, inventory: Inventory) -> HostName:
        """The name of the host object that we created for this resource; if there is none, the name it would get."""
        names = self.names_of(host)
        return next((name for name in names if name in inventory.hosts), names[0])

    def names_of_volume(self, volume: FlashSystemVolume) -> tuple[VolumeName, ...]:
        """The names that prove that a volume was created for this resource: the present one and those of former ids."""
        return tuple(map(VolumeName, self._proving_names(volume)))

    def _proving_names(self, resource: FlashSystemHost | FlashSystemVolume) -> tuple[HostName, ...]:
        meta = resource.metadata
        return tuple(
            host_object_name(installation, meta.namespace, meta.name, resource.base_name)
            for installation in (self.installation, *self.former)
        )

    def volume_refused(self, volume: FlashSystemVolume, size: int, pool: str | None) -> Refusal:
        """Why a volume may not be created, or grown to this size (bytes), by the limits of its namespace.

        All volumes of the namespace that exist or are being created count, and of the others the older ones.
        """
        namespace, others = volume.metadata.namespace, 0
        for other in self.volumes.values():
            if other.metadata.namespace != namespace or other.ref == volume.ref:
                continue
            known = other.status.capacity
            exists = other.status.uid is not None or other.status.intent is not None
            if exists or seniority(other) < seniority(volume):
                others += max(other.spec.size or 0, recorded_bytes(known) if known else 0)
        return self.tenancy.volume_creation(namespace, pool, size, others)

    def resource(self, ref: ObjectRef) -> "Worked | None":
        """The host, volume or attachment of this reference."""
        return self.hosts.get(ref) or self.volumes.get(ref) or self.attachments.get(ref)

    def ours(self, name: HostName | VolumeName) -> bool:
        """Whether its name proves that this installation created it."""
        return any(made_by(installation, name) for installation in (self.installation, *self.former))

    def of_another_installation(self, name: HostName | VolumeName) -> bool:
        """Whether its name shows that the operator of another cluster created it."""
        return made_by_another((self.installation, *self.former), name)

    def elsewhere(self, name: HostName) -> FlashSystemHost | None:
        """The host of another array of this installation whose host object this is, by its name.

        It is a copy that the arrays keep (policy-based high availability), or was left when that host moved there.
        """
        others = (each for each in self.marked(name) if each.array != self.array.ref)
        return next(others, None) if self.ours(name) else None

    def is_volume_in_doubt(self, *identifiers: str) -> bool:
        """Whether a command may still be running on a volume. identifiers: its name, and its UID if it is known."""
        return self.all_in_doubt or not self.in_doubt_volumes.isdisjoint(identifiers)

    def is_in_doubt(self, name: HostName) -> bool:
        return self.all_in_doubt or name in self.in_doubt

    def perhaps_mapped(self, uid: VolumeUid) -> frozenset[HostName]:
        """The host objects on which a volume may still appear."""
        return frozenset(host for host, volume in self.in_doubt_pairs if volume == uid)

    def attachments_of(self, host: FlashSystemHost) -> tuple[VolumeAttachment, ...]:
        """The attachments that name the host, from the oldest to the youngest, and unreadable ones that may name it."""
        named = self._attachments_by_host.get(host.ref, ())
        unread = self._attachments_by_host.get(replace(host.ref, name=""), ())
        mine = [each for each in unread if self.is_of(each, host.ref)] if unread else []
        return by_age((*named, *mine)) if mine else named

    def is_of(self, attachment: VolumeAttachment, ref: ObjectRef) -> bool:
        """Whether an attachment names a FlashSystemHost; or may, where its spec.hostRef cannot be read."""
        if attachment.host == ref or attachment.host != replace(ref, name=""):
            return attachment.host == ref
        host, seen = self.hosts.get(ref), attachment.status.host
        if host is None or seen is None or seen.name in {*self.names_of(host), host.status.name}:
            return True
        return not set(host.spec.initiators.iscsi).isdisjoint(seen.initiators)

    def rivals(
        self, attachment: VolumeAttachment, volume: Volume, inventory: Inventory
    ) -> tuple[VolumeAttachment, ...]:
        """The other live attachments of the same volume, from the oldest to the youngest."""
        named = self._attachments_by_selector
        return by_age(
            other
            for key in (volume.uid, volume.name)
            for other in named.get(key, ())
            if other.ref != attachment.ref and not other.metadata.deleting and volume_of(other, inventory) == volume
            if has_been_admitted(other) or not self.access_denied(other, inventory)
        )

    def bound_to(self, uid: VolumeUid, name: VolumeName | None = None) -> tuple[VolumeAttachment, ...]:
        """The attachments of this volume, by the recorded UID or that of the spec.

        name: of the volume, to include attachments that are not resolved yet.
        """
        named = self._attachments_by_selector
        return by_age((*named.get(uid, ()), *(named.get(name, ()) if name else ())))

    def recorded_at(self, attachment: VolumeAttachment, inventory: Inventory) -> tuple[Host, ...]:
        """The host objects on which the volume was mapped for this attachment and still is, even under other names.

        By name, by an initiator, or by id, which a host object keeps when it loses its name and its initiators. But the
        array gives the id of a removed one to another: if another attachment has the volume there, it owns the mapping.
        """
        seen, volume = attachment.status.host, attachment.status.volume
        uid = volume.uid if volume else None
        if seen is None or uid is None:
            return ()
        found: list[Host] = []
        for host in (inventory.hosts[name] for name in sorted(inventory.of_volume(uid)) if name in inventory.hosts):
            same = (bool(seen.id) and host.id == seen.id) or not host.iqns.isdisjoint(seen.initiators)
            if host.name == seen.name or (same and not self._has_another(attachment, host, uid, inventory)):
                found.append(host)
        return tuple(found)

    def _has_another(self, attachment: VolumeAttachment, host: Host, uid: VolumeUid, inventory: Inventory) -> bool:
        """Whether another attachment of the volume is recorded on this host object, or its FlashSystemHost uses it."""
        volume = inventory.volumes.get(uid)
        for other in self.bound_to(uid, volume.name if volume else None):
            resource, seen = self.hosts.get(other.host), other.status.host
            uses = resource is not None and (
                host.name in self.names_of(resource) or not host.iqns.isdisjoint(resource.spec.initiators.iscsi)
            )
            if other.ref != attachment.ref and (uses or (seen is not None and seen.name == host.name)):
                return True
        return False

    def attachments_by_ref(self, volume: ObjectRef) -> tuple[VolumeAttachment, ...]:
        """The attachments whose spec refers to this FlashSystemVolume."""
        return self._attachments_by_volume.get(volume, ())

    def leaving(self, uid: VolumeUid) -> tuple[VolumeAttachment, ...]:
        """The attachments of this volume that are being deleted."""
        return tuple(each for each in self.bound_to(uid) if each.metadata.deleting)

    def claimants(self, iqn: Iqn) -> tuple[FlashSystemHost, ...]:
        """The hosts whose spec names this initiator, from the oldest to the youngest."""
        return self._hosts_by_iqn.get(iqn, ())

    def claimant(self, iqn: Iqn, inventory: Inventory) -> FlashSystemHost | None:
        """The host that owns an initiator: of those that claim it the one proven on the array, else the oldest.

        On a host object that the operator did not create, a host that uses it already comes before those that may adopt
        it, and these before all others: a claim takes nothing that the claimant may not have from another host.
        """
        claimants, holder = self.claimants(iqn), inventory.hosts.get(inventory.holder(iqn) or HostName(""))
        if holder is None or len(claimants) < 2:  # noqa: PLR2004 - one claim has no rival
            return next(iter(claimants), None)

        def rank(host: FlashSystemHost) -> tuple[bool, ...]:
            recorded = {port.iqn for port in host.status.ports}
            has = host.status.name == holder.name or not holder.iqns.isdisjoint(recorded)
            may = self.tenancy.adoption(host.metadata.namespace) is None
            may = may and holder.iqns.issubset(host.spec.initiators.iscsi)
            return holder.name not in self.names_of(host), not (has and may), not has, not may

        if self.ours(holder.name):
            return next(chain((each for each in claimants if holder.name in self.names_of(each)), claimants))
        return min(claimants, key=rank)  # the oldest of equal ones

    @cached_property
    def host_by_object_name(self) -> Mapping[HostName, FlashSystemHost]:
        return {name: host for host in self.hosts.values() for name in self.names_of(host)}

    @cached_property
    def namespaces_of_host_object(self) -> Mapping[str, frozenset[str]]:
        """The namespaces of each host object, by name or by resolution; several if an adopted one is shared."""
        found: dict[str, set[str]] = {}
        for host in self.hosts.values():
            for name in {*self.names_of(host), host.status.name} - {None}:
                found.setdefault(str(name), set()).add(host.metadata.namespace)
        return {name: frozenset(namespaces) for name, namespaces in found.items()}

    @cached_property
    def _attachments_by_host(self) -> Mapping[ObjectRef, tuple[VolumeAttachment, ...]]:
        ordered = sorted(self.attachments.values(), key=lambda each: (each.host, *seniority(each)))
        return {ref: tuple(some) for ref, some in groupby(ordered, key=lambda each: each.host)}

    @cached_property
    def _attachments_by_volume(self) -> Mapping[ObjectRef, tuple[VolumeAttachment, ...]]:
        found: dict[ObjectRef, list[VolumeAttachment]] = {}
        for attachment in self.attachments.values():
            if attachment.volume_ref:
                found.setdefault(attachment.volume_ref, []).append(attachment)
        return {ref: tuple(some) for ref, some in found.items()}

    @cached_property
    def _attachments_by_selector(self) -> Mapping[str, list[VolumeAttachment]]:
        found: dict[str, list[VolumeAttachment]] = {}
        for attachment in self.attachments.values():
            seen = attachment.status.volume
            key = attachment.spec.volume.uid or (seen.uid if seen else None) or attachment.spec.volume.name
            found.setdefault(key or "", []).append(attachment)
        return found

    @cached_property
    def _hosts_by_iqn(self) -> Mapping[Iqn, tuple[FlashSystemHost, ...]]:
        found: dict[Iqn, list[FlashSystemHost]] = {}
        for host in by_age(filter(self.counts, self.hosts.values())):
            for iqn in host.spec.initiators.iscsi:
                found.setdefault(iqn, []).append(host)
        return {iqn: tuple(hosts) for iqn, hosts in found.items()}


def volume_of(attachment: VolumeAttachment, inventory: Inventory) -> Volume | None:
    """The volume of the attachment: after it was resolved once, only the UID counts, never again the name.

    A UID of the spec, which is immutable, comes before a recorded one.
    """
    selector, seen = attachment.spec.volume, attachment.status.volume
    if uid := selector.uid or (seen.uid if seen else None):
        return inventory.volumes.get(uid)
    return None if selector.name is None else inventory.volume_named(selector.name)


def marked_among(hosts: Collection[FlashSystemHost]) -> Callable[[HostName], list[FlashSystemHost]]:
    """`Desired.marked`, where there is no index of marks."""

    def marked(name: HostName) -> list[FlashSystemHost]:
        return [each for each in hosts if made_for(name, each.metadata.namespace, each.metadata.name)]

    return marked


def with_volumes(
    attachments: Mapping[ObjectRef, VolumeAttachment], volumes: Mapping[ObjectRef, FlashSystemVolume]
) -> dict[ObjectRef, VolumeAttachment]:
    """The attachments, those of a FlashSystemVolume with the UID of its volume, as if their specs had it.

    An attachment is bound to the volume by UID at once: it keeps the recorded UID whatever happens to the resource.
    """
    found = dict(attachments)
    for ref, attachment in attachments.items():
        if attachment.volume_ref is None:
            continue
        seen, volume = attachment.status.volume, volumes.get(attachment.volume_ref)
        uid = (seen.uid if seen else None) or (volume.status.uid if volume else None)
        if uid is not None:
            selector = attachment.spec.volume.model_copy(update={"uid": uid})
            found[ref] = attachment.model_copy(update={"spec": attachment.spec.model_copy(update={"volume": selector})})
    return found


def recorded_bytes(recorded: str) -> int:
    """The bytes of a Quantity of a status; 0 if it cannot be read: another release may have written it."""
    try:
        return parse_quantity(recorded)
    except ValueError:
        return 0


def has_been_admitted(resource: "Worked") -> bool:
    """Whether something was done for it on the array before: a permission withdrawn later does not undo that.

    Taken from what only the operator writes: the host object that was found or created, the origin of the mapping.
    """
    if isinstance(resource, FlashSystemHost):
        return resource.status.name is not None
    return resource.status.origin is not None


Worked = FlashSystemHost | FlashSystemVolume | VolumeAttachment
"""A resource of the kinds that are reconciled on an array."""


def seniority(resource: Resource) -> tuple[str, str]:
    """Sort key: the oldest first. Times are RFC 3339 in UTC: their texts sort as the times do."""
    return resource.metadata.creation_timestamp, resource.metadata.uid


def by_age(resources: Iterable[AnyResource]) -> tuple[AnyResource, ...]:
    return tuple(sorted(resources, key=seniority))


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of messages of an object in this namespace."""

    namespace: str
    desired: Desired

    @classmethod
    def of(cls, resource: Resource, desired: Desired) -> "Reader":
        return cls(resource.metadata.namespace, desired)

    @property
    def keeps_the_array(self) -> bool:
        """Whether this is the array's own namespace: only there other objects of the array are shown."""
        return self.namespace == self.desired.array.metadata.namespace

    def knows(self, host_object: str) -> bool:
        """Whether the name of a host object may be shown."""
        owners = self.desired.namespaces_of_host_object.get(host_object)
        if not owners and (other := self.desired.elsewhere(HostName(host_object))):
            owners = frozenset({other.metadata.namespace})
        return self.namespace in owners if owners else self.keeps_the_array

    def may_know(self, volume: str, uid: VolumeUid) -> bool:
        """Whether the name of a volume that is mapped to a host of this namespace may be shown.

        The machine sees LUN and UID itself, but not the name on the array: that is only for namespaces that may attach
        the volume, or have attached it.
        """
        if self.desired.tenancy.volume(self.namespace, volume) is None:
            return True
        had = (each for each in self.desired.bound_to(uid) if each.metadata.namespace == self.namespace)
        return any(map(has_been_admitted, had))

    def host_object(self, name: str) -> str:
        """`Host object node-0123...` or a redacted form, as the beginning of a sentence."""
        return f"Host object {name}" if self.knows(name) else "A host object of another owner's"

    def host_objects(self, names: Iterable[str]) -> str:
        """`a-0123...`, `a-0123... and 2 other hosts`, `another host`."""
        all_of_them = sorted(names)
        known = [name for name in all_of_them if self.knows(name)]
        hidden = len(all_of_them) - len(known)
        return listed([*known, *([] if not hidden else ["another host"] if hidden == 1 else [f"{hidden} other hosts"])])

    def resource(self, other: Resource) -> str:
        """`FlashSystemHost storage/node`, or `a FlashSystemHost of another namespace`."""
        near = other.metadata.namespace == self.namespace
        return str(other.ref) if near else f"a {other.KIND} of another namespace"

    def resources(self, others: Collection[Resource]) -> str:
        """Their names; of other namespaces only the number."""
        near = sorted(each.metadata.name for each in others if each.metadata.namespace == self.namespace)
        far = len(others) - len(near)
        kind = next((each.KIND for each in others), "resource")
        one, several = f"a {kind} of another namespace", f"{far} {kind}s of other namespaces"
        return listed([*near, *([] if not far else [one] if far == 1 else [several])])


def stands_on(resource: Worked, desired: Desired, inventory: Inventory) -> Odd | None:
    """A row that cannot be read and that is about the resource's host object, initiators or volume."""
    if not inventory.odd:
        return None
    return inventory.odd_about(_names_of(resource, desired, inventory))


def _names_of(resource: Worked, desired: Desired, inventory: Inventory) -> Iterator[str]:
    if isinstance(resource, FlashSystemVolume):
        imported, intent = resource.spec.import_, resource.status.intent
        yield from desired.names_of_volume(resource)
        yield from (resource.metadata.asked.volume_uid or "", (intent.name if intent else None) or "")
        for each in (imported, resource.status):
            if each:
                yield from (each.name or "", each.uid or "")
        if known := inventory.volumes.get(resource.status.uid or VolumeUid("")):
            yield known.name
        return
    if isinstance(resource, FlashSystemHost):
        initiators = [*resource.spec.initiators.iscsi, *(port.iqn for port in resource.status.ports if port.iqn)]
        yield from initiators
        yield from inventory.holders(resource.spec.initiators.iscsi)
        yield from desired.names_of(resource)
        yield resource.status.name or ""
        return
    host, selector, status = desired.hosts.get(resource.host), resource.spec.volume, resource.status
    if host:
        yield from _names_of(host, desired, inventory)
    if seen := status.host:
        yield from (seen.name or "", *seen.initiators, *inventory.holders(seen.initiators))
    known = volume_of(resource, inventory)
    for volume in (selector, status.volume, known):
        if volume:
            yield from (volume.name or "", volume.uid or "")
