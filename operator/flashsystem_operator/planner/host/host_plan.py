"""Plan of a FlashSystemHost: find its host object on the array, keep its ports and settings, and remove it.

Host lifecycle: how long a host object that the operator created stays after its last volume or its resource is gone.
Resolution: Managed (created by the operator), Adopted (created by the array administrator) or Absent.
"""

from dataclasses import dataclass

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import DeletionPolicy, Origin
from flashsystem_operator.api.host import FlashSystemHost, Lifecycle
from flashsystem_operator.api.metadata import FORCE_DETACH
from flashsystem_operator.array.commands import RemoveHost, RemovePort, Step, add_ports
from flashsystem_operator.array.model import Host, Inventory
from flashsystem_operator.planner import drift, luns
from flashsystem_operator.planner.decision import Act, Decision, InSync, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired, Reader, has_been_admitted
from flashsystem_operator.planner.host import host_settings
from flashsystem_operator.planner.policies import way_out
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.values import HostName, Iqn, made_for


def is_no_longer_needed(resource: FlashSystemHost, host: Host, desired: Desired, inventory: Inventory) -> bool:
    """Whether the host object of a resource that stays is removed: it is empty, and no attachment needs it.

    Retain keeps it here, too: what is left must not depend on whether the last volume or the resource is removed first.
    """
    wanted = any(not each.metadata.deleting for each in desired.attachments_of(resource))
    return not wanted and resource.spec.lifecycle is not Lifecycle.PERSISTENT and _may_go(resource, host, inventory)


def outlived(
    resource: FlashSystemHost, stands_on: Host | None, desired: Desired, inventory: Inventory
) -> tuple[RemoveHost, ...]:
    """Steps that remove host objects that we created for a resource that now uses another one.

    Its initiators are now on another host object: of the array administrator, to which the spec was changed, or of
    another owner, which may never release them; or one has the name of a former installation. Such a host object would
    stay forever, and no other FlashSystemHost could use its initiators.
    """
    if resource.unreadable or on_another_system(resource, desired, inventory):
        return ()
    wanted = resource.spec.initiators.iscsi
    left = (host for host in _made_for(resource, desired, inventory) if host != stands_on)
    going = (
        host.name
        for host in left
        if not desired.is_in_doubt(host.name) and _may_go(resource, host, inventory)
        if host.iqns.isdisjoint(wanted) or is_no_longer_needed(resource, host, desired, inventory)
    )
    return tuple(map(RemoveHost, going))


def _made_for(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> tuple[Host, ...]:
    return tuple(inventory.hosts[name] for name in desired.names_of(resource) if name in inventory.hosts)


def _may_go(resource: FlashSystemHost, host: Host, inventory: Inventory) -> bool:
    retained = resource.spec.deletion_policy is DeletionPolicy.RETAIN
    return not (retained or inventory.on_host(host.name) or host.cluster)


def in_use(resource: FlashSystemHost, desired: Desired) -> Wait | None:
    """Wait while attachments still need a resource that is being deleted."""
    attachments = desired.attachments_of(resource)
    if not attachments:
        return None
    names = listed(sorted(each.metadata.name for each in attachments))
    return Wait(
        Reason.IN_USE,
        f"In use by {plural(len(attachments), 'VolumeAttachment')}: {names}. Delete them first, or wait if they are "
        "being deleted.",
    )


def end(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Act | Release:
    """Remove or keep the host objects that we created for a deleted resource that is no longer in use."""
    hosts = _made_for(resource, desired, inventory)
    if going := tuple(RemoveHost(host.name) for host in hosts if _may_go(resource, host, inventory)):
        return Act(going)
    return Release(" ".join(_why_it_stays(host, inventory) for host in hosts), on=tuple(host.name for host in hosts))


def _why_it_stays(host: Host, inventory: Inventory) -> str:
    stays = f"Host object {host.name} stays on the array"
    if left := len(inventory.on_host(host.name)):
        return f"{stays}: it has mappings of {plural(left, 'volume')} of others."
    if host.cluster:
        return f"{stays}: it is a member of host cluster {host.cluster}."
    return f"{stays}, since spec.deletionPolicy is Retain."


def on_another_system(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Refuse | None:
    """Refuse if our host object is on another system than the one to which the array's resource leads now.

    An adopted host object is not ours: the operator searches for the host again on the new system.
    """
    seen, system = resource.status.array, inventory.body.system
    if resource.status.ownership is not Origin.CREATED or seen is None or seen.system_id in (None, system.id):
        return None
    return Refuse(
        Reason.OTHER_SYSTEM,
        f"{_host_object(resource)} was created on system {seen.system_id}, but {desired.array.ref} now leads to "
        f"{system.name} ({system.id}). The operator cannot see the former system. Let spec.management and "
        "spec.systemID of the array lead there again; or delete this FlashSystemHost and "
        f"{way_out(resource.metadata)}.",
    )


def end_on_another_system(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Refuse | Release | None:
    """The end of a deleted resource whose host object is on another system: it waits, unless the policy is Retain."""
    elsewhere, seen = on_another_system(resource, desired, inventory), resource.status.array
    if elsewhere is None or seen is None or resource.spec.deletion_policy is not DeletionPolicy.RETAIN:
        return elsewhere
    return Release(
        f"{_host_object(resource)} stays on system {seen.system_id}, since spec.deletionPolicy is Retain; "
        f"{desired.array.ref} now leads to another system."
    )


def _host_object(resource: FlashSystemHost) -> str:
    return f"Host object {resource.status.name}" if resource.status.name else "The host object"


@dataclass(frozen=True, slots=True)
class Managed:
    """The host object that we created for this resource.

    missing: initiators of the spec that it lacks. surplus: initiators that we added and that are no longer in the spec.
    """

    host: Host
    missing: tuple[Iqn, ...] = ()
    surplus: tuple[Iqn, ...] = ()


@dataclass(frozen=True, slots=True)
class Adopted:
    """A host object of the array administrator for the same machine. missing: initiators of the spec that it lacks."""

    host: Host
    missing: tuple[Iqn, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no host object yet; the first mapping creates it under this name."""

    name: HostName


HostResolution = Managed | Adopted | Absent | Wait | Refuse
"""The host object of a FlashSystemHost on the array, or why it cannot be determined."""


def resolve_host(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> HostResolution:
    """Find the host object of a resource: by its initiators, then by our own name for it."""
    wanted = resource.spec.initiators.iscsi
    if resource.unreadable:
        return Refuse(Reason.SPEC_UNREADABLE, resource.unreadable)
    if (access_denied := desired.tenancy.use(resource.metadata.namespace)) and not has_been_admitted(resource):
        return access_denied
    if elsewhere := on_another_system(resource, desired, inventory):
        return elsewhere
    for iqn in wanted:
        winner = desired.claimant(iqn, inventory)
        if winner is not None and winner.ref != resource.ref:
            return Refuse(
                Reason.INITIATOR_CLAIMED,
                f"Initiator {iqn} is claimed by {Reader.of(resource, desired).resource(winner)} too, which has "
                "precedence. Remove it from one of the two.",
            )
    own, holders = desired.object_of(resource, inventory), inventory.holders(wanted)
    if len(holders) > 1:
        return Refuse(
            Reason.CONFLICT,
            "The initiators of this host are spread over several host objects of the array: "
            f"{Reader.of(resource, desired).host_objects(holders)}. Move them to one host object there, or write one "
            "FlashSystemHost for each.",
        )
    if holders:
        return _held_by(inventory.hosts[holders[0]], resource, own, desired, inventory)
    return _by_name(resource, own, inventory)


def plan(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Decision:
    """Plan a FlashSystemHost: keep the ports of a host object that we created, and remove it when it is empty."""
    if resource.metadata.deleting:
        # Wait for the attachments; then remove the host object, if it is ours and nothing is left on it.
        if waits := in_use(resource, desired) or end_on_another_system(resource, desired, inventory):
            return waits
        doubtful = next((name for name in desired.names_of(resource) if desired.is_in_doubt(name)), None)
        return in_doubt(doubtful) if doubtful else end(resource, desired, inventory)
    if desired.array.metadata.deleting and not resource.metadata.guarded:
        return Wait(Reason.PARENT_DELETING, f"{desired.array.ref} is being deleted and takes no new host.")
    found = resolve_host(resource, desired, inventory)
    access_denied = desired.tenancy.use(resource.metadata.namespace)
    if not access_denied or has_been_admitted(resource):
        stands_on = found.host if isinstance(found, Managed | Adopted) else None
        if going := outlived(resource, stands_on, desired, inventory):
            return Act(going)
    if isinstance(found, Wait):
        return (None if access_denied else _release_claimed(resource, desired, inventory)) or found
    if isinstance(found, Refuse):
        return found
    if isinstance(found, Adopted):
        access_denied = access_denied or desired.tenancy.adoption(resource.metadata.namespace)
    decision = _plan_found(found, resource, desired, inventory)
    if not isinstance(found, Absent):
        decision = luns.of_host(decision, found.host.name, inventory)
    # Only removing host objects needs no permission.
    only_removes = isinstance(decision, Act) and all(isinstance(step, RemoveHost) for step in decision.steps)
    return access_denied if access_denied and not only_removes else decision


def _plan_found(
    found: Managed | Adopted | Absent, resource: FlashSystemHost, desired: Desired, inventory: Inventory
) -> Decision:
    if isinstance(found, Absent):
        if trouble := host_settings.trouble(resource, None, desired, inventory):
            return trouble
        if resource.spec.lifecycle is Lifecycle.ON_DEMAND:
            unneeded = InSync(Reason.NOT_NEEDED, "No volume is attached; the first attachment creates the host object.")
            return drift.of_host(resource, found.name, desired) or unneeded
        if desired.array.metadata.deleting:
            return Wait(Reason.PARENT_DELETING, f"{desired.array.ref} is being deleted and takes no new host object.")
        if desired.is_in_doubt(found.name):
            return in_doubt(found.name)
        return Act(host_settings.making(resource, found.name, desired, inventory))
    if found.host.name in desired.in_doubt:
        return in_doubt(found.host.name)
    if isinstance(found, Adopted):
        if found.missing:
            return missing_initiators(found)
        if trouble := host_settings.trouble(resource, found.host, desired, inventory, adopted=True):
            return trouble
        return InSync(Reason.READY, f"Host object {found.host.name} of the array administrator is used unchanged.")
    put = {*put_by_us(resource), *found.surplus}
    decision = drift.noted(_plan_managed(found, resource, desired, inventory), resource, found.host, put)
    # After a takeover nothing is changed for a while, but a host object that is in sync may be reported as such.
    return in_doubt(found.host.name) if desired.all_in_doubt and isinstance(decision, Act) else decision


def in_doubt(name: HostName) -> Wait:
    return Wait(
        Reason.OUTCOME_UNKNOWN,
        f"A command that changes host object {name} may still be running: its reply was lost, or the previous operator "
        "process ended without it. Nothing more is changed on it until the array has been read again.",
    )


def trouble(
    resource: FlashSystemHost, found: Managed | Adopted | Absent, desired: Desired, inventory: Inventory
) -> Refuse | Wait | None:
    """Why the host object cannot match the spec, or None. If it cannot, nothing new is mapped to it."""
    host = None if isinstance(found, Absent) else found.host
    return host_settings.trouble(resource, host, desired, inventory, adopted=isinstance(found, Adopted))


def missing_initiators(found: Adopted) -> Refuse:
    return Refuse(
        Reason.MISSING_INITIATORS,
        f"Host object {found.host.name} was not created by this operator and lacks {listed(found.missing)}, so this "
        "host would see a volume mapped to it through some initiators only. Add them on the array, or remove them "
        "from spec.initiators.iscsi.",
    )


def _held_by(
    host: Host, resource: FlashSystemHost, own: HostName, desired: Desired, inventory: Inventory
) -> HostResolution:
    wanted = resource.spec.initiators.iscsi
    missing = tuple(iqn for iqn in wanted if iqn not in host.iqns)
    if host.name == own:
        return Managed(host, missing, _surplus(host, resource))
    if desired.ours(host.name) or desired.of_another_installation(host.name):
        return _proven_anothers(host, resource, desired, inventory)
    known = {port.iqn for port in resource.status.ports}
    was_adopted = resource.status.ownership is Origin.ADOPTED and (
        resource.status.name == host.name or not host.iqns.isdisjoint(known)
    )
    if (access_denied := desired.tenancy.adoption(resource.metadata.namespace)) and not was_adopted:
        return access_denied
    if extra := drift.unlisted(host, resource, wanted):
        return Refuse(
            Reason.EXTRA_INITIATORS,
            f"Host object {host.name} was not created by this operator and has further initiators: "
            f"{listed([port.name for port in extra])}. Machines that log in with them would see the volumes too. "
            f"{drift.port_remedy(extra, 'remove them from the host object on the array')}",
        )
    return Adopted(host, missing)


def _proven_anothers(host: Host, resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Wait:
    """Wait: the name proves that an operator created it for another resource, which owns it. It is never adopted."""
    reader, other = Reader.of(resource, desired), desired.host_by_object_name.get(host.name)
    begins = f"{reader.host_object(host.name)} holds initiators of this host and belongs to "
    if not desired.ours(host.name):
        return Wait(
            Reason.INITIATOR_HELD_BY,
            f"{begins}another installation of this operator, which removes it when its host is deleted. If this is "
            "that installation, moved or restored, start the operator with its id among --former-installation-ids; if "
            "that installation no longer exists, rename the host object on the array.",
        )
    if other:
        return Wait(Reason.INITIATOR_HELD_BY, f"{begins}{reader.resource(other)}. It is used when that releases it.")
    uses = [plural(host.logins, "session")] if host.logins else []
    uses += [f"mappings of {plural(len(mapped), 'volume')}"] if (mapped := inventory.on_host(host.name)) else []
    uses += [f"a place in host cluster {host.cluster}"] if host.cluster else []
    if elsewhere := desired.elsewhere(host.name):
        near = elsewhere.metadata.namespace == reader.namespace
        message = (
            f"{begins}{reader.resource(elsewhere)}, which is on {elsewhere.array if near else 'another array'}. It may "
            "be the copy of one host object that the two arrays keep (policy-based high availability): leave it on the "
            "array. Attach the volumes of this machine through that FlashSystemHost, or take the initiators out of it."
        )
    elif uses:
        message = (
            f"{begins}a FlashSystemHost that no longer exists, and it has {listed(uses)}: a machine may be using it. "
            "Create that FlashSystemHost again, with the same name and namespace, and it is used unchanged; "
            "status.audit of the array lists it. The initiators are free when it is unused and no longer on the array."
        )
    else:
        message = (
            f"{begins}a FlashSystemHost that no longer exists. It has no session and no mapping: remove it on the "
            "array, or create that FlashSystemHost again. status.audit of the array lists it."
        )
    return Wait(Reason.INITIATOR_HELD_BY, message)


def _by_name(resource: FlashSystemHost, own: HostName, inventory: Inventory) -> HostResolution:
    """Resolve by name if the array has none of the initiators. A host object of our name is this one reinstalled."""
    host = inventory.hosts.get(own)
    if host is None:
        return Absent(own)
    foreign = not host.iqns <= put_by_us(resource)
    if foreign and not inventory.on_host(own) and not inventory.is_proven_empty(own):
        return Wait(
            Reason.HOST_NOT_READY,
            f"Host object {own} has other initiators. Whether volumes are mapped to it is read again before they are "
            "replaced.",
            retry=1.0,
        )
    if foreign and inventory.on_host(own):
        return Refuse(
            Reason.HOST_HOLDS_OTHER_MAPPINGS,
            f"Host object {own} has other initiators ({listed(sorted(host.iqns))}) and volumes mapped to it. If it is "
            "this machine, reinstalled, correct its initiators on the array; or unmap the volumes when no machine "
            "is logged in with the old ones.",
        )
    return Managed(host, resource.spec.initiators.iscsi, tuple(Iqn(iqn) for iqn in sorted(host.iqns)))


def _surplus(host: Host, resource: FlashSystemHost) -> tuple[Iqn, ...]:
    """Ports that we added and that are no longer in the spec. Ports that we never added are not ours to remove."""
    put = put_by_us(resource)
    return tuple(Iqn(iqn) for iqn in sorted(host.iqns & put - set(resource.spec.initiators.iscsi)))


def put_by_us(resource: FlashSystemHost) -> frozenset[str]:
    """The ports that we added to our host object or requested: each was recorded before.

    The status of an adopted host object lists its ports too, but those are the array administrator's.
    """
    if resource.status.ownership is not Origin.CREATED:
        return frozenset()
    return frozenset(port.iqn for port in resource.status.ports if port.iqn)


def _plan_managed(found: Managed, resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Decision:
    """Ports are added first and removed last, so that the machine never loses all its paths."""
    host = found.host
    if is_no_longer_needed(resource, host, desired, inventory):
        return Act((RemoveHost(host.name),))
    logged_in = tuple(port.name for port in host.ports if port.name in found.surplus and port.logged_in)
    live = () if resource.metadata.forced else logged_in
    trouble = host_settings.trouble(resource, host, desired, inventory)
    steps: tuple[Step, ...] = () if trouble else host_settings.changes(resource, host, desired, inventory)
    missing = drift.to_put(found.missing, resource, host)
    steps += add_ports(host.name, missing) if missing else ()
    steps += tuple(RemovePort(host.name, iqn) for iqn in found.surplus if iqn not in live)
    if steps and host.partition:
        return Refuse(
            Reason.HOST_DIFFERS,
            f"Host object {host.name} does not match the spec, and it is in storage partition {host.partition} of the "
            "array, which only the array administrator changes. Change it there, remove it from the partition, or "
            "change the spec.",
        )
    if steps:
        return Act(steps, warning=host_settings.taken_from_a_session(steps, host))
    if waits := trouble or host_settings.awaited(resource, host, desired, inventory):
        return waits
    if live:
        return Wait(
            Reason.PORT_LOGGED_IN,
            f"{listed(live)} is no longer in the spec, but still logged in to the array. It is removed from host "
            f"object {host.name} when it has logged out; or at once with annotation {FORCE_DETACH}: "
            f"{resource.metadata.uid} on this object.{resource.metadata.force_detach_mismatch}",
        )
    return InSync(Reason.READY, f"Host object {host.name} matches the spec.")


def _release_claimed(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Act | None:
    """Remove idle ports that are no longer in the spec and that another host claims.

    Without this, two hosts that swap initiators would wait for each other.
    """
    host = inventory.hosts.get(desired.object_of(resource, inventory))
    if host is None or desired.is_in_doubt(host.name):
        return None
    idle = {port.name for port in host.ports if not port.logged_in}
    claimed = (iqn for iqn in _surplus(host, resource) if iqn in idle and desired.claimants(iqn))
    steps = tuple(RemovePort(host.name, iqn) for iqn in claimed)
    return Act(steps) if steps else None


def is_anothers(host: Host, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether a host object belongs to another FlashSystemHost than the attachment's, or to another installation."""
    wanted = attachment.host
    if not desired.ours(host.name):
        return desired.of_another_installation(host.name) or _is_claimed(host, attachment, desired, inventory)
    if made_for(host.name, wanted.namespace, wanted.name):
        resource, seen = desired.hosts.get(wanted), attachment.status.host
        # The initiators of its host; while there is no such FlashSystemHost, those that were recorded.
        known: frozenset[str] = frozenset(seen.initiators if seen else ())
        if resource is not None:
            known = frozenset(resource.spec.initiators.iscsi) | put_by_us(resource)
        return _is_claimed(host, attachment, desired, inventory) and host.iqns.isdisjoint(known)
    return not _came_to(host, desired.hosts.get(wanted), desired, inventory)


def _is_claimed(host: Host, attachment: VolumeAttachment, desired: Desired, inventory: Inventory) -> bool:
    """Whether one of its initiators belongs to another FlashSystemHost: of several that claim it, to the winner."""
    owners = (desired.claimant(Iqn(name), inventory) for name in host.iqns)
    return any(owner is not None and owner.ref != attachment.host for owner in owners)


def _came_to(host: Host, resource: FlashSystemHost | None, desired: Desired, inventory: Inventory) -> bool:
    """Whether a host object that was created for another FlashSystemHost is this one's machine: the names were swapped.

    Only if that other exists and knows none of its initiators, and all of them belong to this one and to no other.
    """
    maker = desired.host_by_object_name.get(host.name)
    if maker is None or resource is None or not host.iqns or not (has := put_by_us(maker)) or has & host.iqns:
        return False
    owners = {owner.ref if (owner := desired.claimant(Iqn(name), inventory)) else None for name in host.iqns}
    return owners == {resource.ref}
