"""Host settings: portset, I/O groups, type and CHAP secret of a host object, compared with the spec.

A host object of ours is changed to match the spec, except where that could take paths from a machine that is logged in.
A host object that the array administrator created is not changed: it has to match. A CHAP secret is compared with what
the array has, never with what the operator did.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flashsystem_operator.api.host import ChapSeen, FlashSystemHost, HostType
from flashsystem_operator.api.metadata import FORCE_DETACH
from flashsystem_operator.array.commands import (
    AddIoGroups,
    ChangeHost,
    ClearChap,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    make_host,
    shown,
)
from flashsystem_operator.array.model import Host, Inventory, Volume
from flashsystem_operator.planner.array.array_plan import portset_trouble
from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, Reader, volume_of
from flashsystem_operator.planner.text import listed, plural
from flashsystem_operator.values import ChapSecret, HostName, VolumeUid


def chap_trouble(
    resource: FlashSystemHost, name: HostName | None, desired: Desired, inventory: Inventory
) -> Refuse | Wait | None:
    """Why the secret of the spec cannot be set, or None. name: of the host object, None before it is created."""
    if resource.spec.chap is None:
        return None
    if inventory.body.capabilities.chap is None:
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"{inventory.body.system.product or inventory.body.system.name} does not support CHAP secrets of hosts. "
            "Remove spec.chap.",
        )
    wanted = desired.chap.get(resource.ref)
    if wanted is None:
        return Wait(Reason.PROGRESSING, "The Secret that spec.chap names is about to be read.")
    if isinstance(wanted, Refuse):
        return wanted
    if inventory.chap is None:
        return Wait(
            Reason.REFUSED_BY_ARRAY,
            "The array does not show which hosts have a CHAP secret (`lsiscsiauth`), so none is set: the user may not "
            "run the command, or its output cannot be read; see the operator's log. Let the operator log in as a user "
            "who may run it, or report the output.",
        )
    if name is None or name not in inventory.chap:
        return None
    present = inventory.chap[name]
    if present is None:
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"The array shows that host object {name} has a CHAP secret (`lsiscsiauth`), but not which one, so the "
            "operator cannot verify that it is the desired one. Remove spec.chap; or, if it is not the desired one, "
            "remove the secret on the array with `chhost -nochapsecret`.",
        )
    if present.username:
        return Refuse(
            Reason.HOST_DIFFERS,
            f"Host object {name} has the CHAP user name {present.username} (iscsiusername in `lsiscsiauth`), but hosts "
            "log in with the name of the initiator. Set the secret again on the array without that user name, or "
            "remove spec.chap.",
        )
    return None


def chap_steps(
    resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory
) -> tuple[SetChap | ClearChap, ...]:
    """The steps that set the desired secret, or clear one that the operator set."""
    options = inventory.body.capabilities.chap
    if options is None or inventory.chap is None:
        return ()
    set_it, clear_it = options
    present, wanted = inventory.chap.get(name), desired.chap.get(resource.ref)
    if resource.spec.chap is None:
        return (ClearChap(name, clear_it),) if name in inventory.chap and resource.status.chap else ()
    if present is None and name in inventory.chap:
        return ()  # it has one that the array does not show
    return (SetChap(name, wanted, set_it),) if isinstance(wanted, ChapSecret) and wanted != present else ()


def chap_in_force(
    resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory
) -> ChapSecret | None:
    """The secret with which the machine has to log in now, once the array has the desired one."""
    wanted = desired.chap.get(resource.ref)
    if resource.spec.chap is None or not isinstance(wanted, ChapSecret) or inventory.chap is None:
        return None
    return wanted if inventory.chap.get(name) == wanted else None


def chap_asked(resource: FlashSystemHost) -> ChapSeen | None:
    """The entry to record before a secret is set: only a recorded one is cleared again."""
    chap, before = resource.spec.chap, resource.status.chap
    if chap is None or (before and before.secret_name == chap.secret_ref.name):
        return before
    return ChapSeen(secret_name=chap.secret_ref.name)


def chap_seen(resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory) -> ChapSeen | None:
    """The entry for the status: kept until the array is observed to have no secret for the host object."""
    chap = resource.spec.chap
    if chap and (secret := chap_in_force(resource, name, desired, inventory)):
        return ChapSeen(secret_name=chap.secret_ref.name, secret_version=secret.version)
    gone = chap is None and inventory.chap is not None and name not in inventory.chap
    return None if gone else resource.status.chap


_NAMED = 3
"""Volumes that a message names."""


@dataclass(frozen=True, slots=True)
class _Unlike:
    """The differences of a host object from the spec; None and empty where there are none.

    surplus: I/O groups that it has and the spec does not name. needed: further ones of these through which a mapped
    volume is reached: the array refuses to remove them, and with -force it would remove the mapping too.
    """

    portset: str | None = None
    kind: str | None = None
    lacking: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


def trouble(
    resource: FlashSystemHost, host: Host | None, desired: Desired, inventory: Inventory, *, adopted: bool = False
) -> Refuse | Wait | None:
    """Why the host object cannot match the spec, or None. If it cannot, nothing new is mapped to it."""
    if impossible := _not_supported(resource, inventory) or _not_there(resource, desired, inventory):
        return impossible
    if not host or not adopted:
        return chap_trouble(resource, host.name if host else None, desired, inventory)
    unlike = _unlike(resource, host, inventory)
    fields = _changed_fields(unlike.portset, unlike.kind)
    fields += ["spec.ioGroups"] if unlike.lacking or unlike.surplus or unlike.needed else []
    fields += ["spec.chap"] if resource.spec.chap else []
    if not fields:
        return None
    return Refuse(
        Reason.HOST_DIFFERS,
        f"Host object {host.name} was not created by this operator, so it is not changed to match {listed(fields)}. "
        "Remove that from the spec, or change the host object on the array.",
    )


def lacks_io_group(resource: FlashSystemHost, host: Host | None, volume: Volume, inventory: Inventory) -> str | None:
    """The id of the volume's I/O group, if the host object is not in it, or would not be created in it."""
    group = _group(volume.io_group, inventory)
    present = inventory.io_groups.get(host.name) if host else _spec_groups(resource, inventory)
    return group if group is not None and present and group not in present else None


def out_of_reach(
    resource: FlashSystemHost, host: Host | None, volume: Volume, inventory: Inventory, *, adopted: bool
) -> Refuse | Wait | None:
    """Why the array would refuse to map the volume: the host is in no I/O group through which it is reached.

    If a volume is reached through several I/O groups, only the array knows which.
    """
    group = lacks_io_group(resource, host, volume, inventory)
    if group is None or volume.access_io_groups != 1:
        return None
    name, names = volume.io_group, inventory.body.io_groups
    begins = f"Volume {volume.name} is reached through I/O group {name} only, and "
    if host is None:
        return Refuse(
            Reason.MISSING_IO_GROUP, f"{begins}spec.ioGroups of {resource.ref} does not name it. Add {name} there."
        )
    begins += f"host object {host.name} is not in it. "
    if adopted:
        then = f", and add {name} to spec.ioGroups of {resource.ref}" if resource.spec.io_groups else ""
        return Refuse(
            Reason.MISSING_IO_GROUP,
            f"{begins}It was not created by this operator, so it is not changed. Ask the array administrator to run "
            f"`{shown(AddIoGroups(host.name, (group,)))}`{then}.",
        )
    if group in _spec_groups(resource, inventory):
        return Wait(Reason.HOST_NOT_READY, f"{begins}It is mapped when {resource.ref} has added it.")
    present = sorted({*inventory.io_groups.get(host.name, ()), group} & names.keys())
    return Refuse(
        Reason.MISSING_IO_GROUP,
        f"{begins}Set spec.ioGroups of {resource.ref} to {listed([names[each] for each in present])}.",
    )


def making(resource: FlashSystemHost, name: HostName, desired: Desired, inventory: Inventory) -> tuple[Step, ...]:
    """The steps that create the host object. The secret is set before anything can be mapped to it."""
    can, spec = inventory.body.capabilities, resource.spec
    made = make_host(
        name,
        spec.initiators.iscsi,
        protocol=can.host_protocol,
        portset=(spec.portset or desired.array.spec.iscsi.portset) if can.portsets else None,
        io_groups=tuple(sorted(_spec_groups(resource, inventory))),
        kind=spec.host_type.on_array if spec.host_type else None,
    )
    return (*made, *chap_steps(resource, name, desired, inventory))


def changes(resource: FlashSystemHost, host: Host, desired: Desired, inventory: Inventory) -> tuple[Step, ...]:
    """The steps that make our host object match the spec, as far as they are safe now."""
    unlike, steps = _unlike(resource, host, inventory), chap_steps(resource, host.name, desired, inventory)
    more: tuple[Step, ...] = (AddIoGroups(host.name, unlike.lacking),) if unlike.lacking else ()
    may_take = not host.logins or resource.metadata.forced
    if may_take and (unlike.portset or unlike.kind):
        more += (ChangeHost(host.name, unlike.portset, unlike.kind),)
    if may_take and unlike.surplus:
        more += (RemoveIoGroups(host.name, unlike.surplus),)
    return (*steps, *more)


def taken_from_a_session(steps: Iterable[Step], host: Host) -> str:
    """The warning about steps, forced by the user, that take something from a machine that is logged in; else empty."""
    logged_in, steps = {port.name for port in host.ports if port.logged_in}, tuple(steps)
    messages: list[str] = []
    if removed := [step.iqn for step in steps if isinstance(step, RemovePort) and step.iqn in logged_in]:
        messages.append(
            f"{listed(removed)} was removed from host object {host.name} while it was logged in to the array."
        )
    if host.logins and any(isinstance(step, ChangeHost | RemoveIoGroups) for step in steps):
        messages.append(
            f"Host object {host.name} was changed while its machine had {plural(host.logins, 'session')} with the "
            "array: it may have lost paths."
        )
    return " ".join(messages)


def unread_volumes(resource: FlashSystemHost, host: Host, inventory: Inventory) -> frozenset[VolumeUid]:
    """The volumes that may need an I/O group that is to be removed: by how many each is reached is not read yet."""
    if not _unlike(resource, host, inventory).surplus:
        return frozenset()
    mapped = (inventory.volumes.get(uid) for uid in inventory.on_host(host.name))
    return frozenset(each.uid for each in mapped if each and not each.access_io_groups)


def awaited(resource: FlashSystemHost, host: Host, desired: Desired, inventory: Inventory) -> Wait | None:
    """What is left unchanged while the machine is logged in, or needs it."""
    unlike = _unlike(resource, host, inventory)
    fields = [*_changed_fields(unlike.portset, unlike.kind), *(["spec.ioGroups"] if unlike.surplus else [])]
    if fields and host.logins and not resource.metadata.forced:
        return Wait(
            Reason.HOST_LOGGED_IN,
            f"Host object {host.name} does not match {listed(fields)}. A change could take paths from the machine, "
            "which is logged in: it is made when that has logged out; or at once with annotation "
            f"{FORCE_DETACH}: {resource.metadata.uid} on this object.{resource.metadata.force_detach_mismatch}",
        )
    if not unlike.needed:
        return None
    # The volumes that need the I/O groups: the first ones by LUN, and how many there are.
    reader, attached = Reader.of(resource, desired), desired.attachments_of(resource)
    mapped = [rows[0] for rows in inventory.on_host(host.name).values()]
    needing = [row for row in mapped if _through(inventory.volumes.get(row.uid), host, inventory) & {*unlike.needed}]
    messages = []
    for row in sorted(needing, key=lambda row: row.lun)[:_NAMED]:
        owner = next(
            (each for each in attached if (meant := volume_of(each, inventory)) and meant.uid == row.uid), None
        )
        volume = f"volume {row.volume}" if reader.may_know(row.volume, row.uid) else f"the volume at LUN {row.lun}"
        messages.append(f"{volume} ({reader.resource(owner) if owner else 'mapped without a VolumeAttachment'})")
    messages += [plural(len(needing) - _NAMED, "further volume")] if len(needing) > _NAMED else []
    return Wait(
        Reason.IO_GROUP_IN_USE,
        f"I/O group {listed([inventory.body.io_groups[each] for each in unlike.needed])} of host object {host.name} "
        f"stays, though spec.ioGroups does not name it: {listed(messages)} {'is' if len(needing) == 1 else 'are'} "
        "reached through it. It is removed when that is detached; or add it to spec.ioGroups.",
    )


def _not_supported(resource: FlashSystemHost, inventory: Inventory) -> Refuse | None:
    spec, can, system = resource.spec, inventory.body.capabilities, inventory.body.system
    what = f"{system.product or system.name} with code level {system.code_text or 'unknown'}"
    if spec.portset and not can.portsets:
        return Refuse(
            Reason.NOT_SUPPORTED, f"{what} has no portsets: they came with release 8.4.2. Remove spec.portset."
        )
    if spec.host_type and spec.host_type.on_array not in can.host_kinds:
        known = " or ".join(each for each in HostType if each.on_array in can.host_kinds)
        return Refuse(
            Reason.NOT_SUPPORTED,
            f"{what} has no hosts of type {spec.host_type}. Remove spec.hostType, or set it to {known}.",
        )
    return None


def _not_there(resource: FlashSystemHost, desired: Desired, inventory: Inventory) -> Refuse | None:
    spec, body, near = resource.spec, inventory.body, Reader.of(resource, desired).keeps_the_array
    if spec.portset:
        usable = listed([each.name for each in body.portsets if each.serves_iscsi]) or "none"
        remedy = f": the portsets for iSCSI hosts are {usable}" if near else ", or ask the array administrator for one"
        if trouble := portset_trouble(spec.portset, body, f"Correct spec.portset{remedy}."):
            return trouble
    unknown = [group for group in spec.io_groups if _group(group, inventory) is None]
    if unknown:
        known = [f"{name} ({number})" for number, name in sorted(body.io_groups.items())]
        others = f", but {listed(known)}" if near else ""
        remedy = "" if near else ", or ask the array administrator which ones to use"
        return Refuse(
            Reason.IO_GROUP_NOT_FOUND,
            f"The array has no I/O group {listed(unknown)} with a node in it{others}. Correct spec.ioGroups{remedy}.",
        )
    return None


def _unlike(resource: FlashSystemHost, host: Host, inventory: Inventory) -> _Unlike:
    """Compare the host object with the spec. Values that the array does not show count as equal."""
    spec, present = resource.spec, inventory.io_groups.get(host.name)
    spec_groups = _spec_groups(resource, inventory)
    kind = spec.host_type.on_array if spec.host_type else None
    surplus = present - spec_groups if spec_groups and present is not None else frozenset[str]()
    mapped = inventory.on_host(host.name) if surplus else ()
    needed = surplus & {group for uid in mapped for group in _through(inventory.volumes.get(uid), host, inventory)}
    return _Unlike(
        portset=spec.portset if spec.portset and spec.portset != host.portset else None,
        kind=kind if kind and host.kind and kind != host.kind else None,
        lacking=tuple(sorted(spec_groups - present)) if spec_groups and present is not None else (),
        surplus=tuple(sorted(surplus - needed)),
        needed=tuple(sorted(needed)),
    )


def _through(volume: Volume | None, host: Host, inventory: Inventory) -> frozenset[str]:
    """The I/O groups through which the host certainly reaches the volume that is mapped to it.

    One of them is its caching I/O group, and the host is in all of them. If they are several, but not all that the host
    is in, only the array knows which the others are.
    """
    if volume is None:
        return frozenset()
    everything = inventory.io_groups.get(host.name, frozenset()) & inventory.body.io_groups.keys()
    if 1 < len(everything) <= volume.access_io_groups:
        return everything
    group = _group(volume.io_group, inventory)
    return frozenset({group} if group is not None else ())


def _spec_groups(resource: FlashSystemHost, inventory: Inventory) -> frozenset[str]:
    """The ids of the I/O groups that the spec names; empty if it leaves the choice to the array."""
    return frozenset(group for name in resource.spec.io_groups if (group := _group(name, inventory)) is not None)


def _group(name_or_id: str, inventory: Inventory) -> str | None:
    groups = inventory.body.io_groups
    return (
        name_or_id if name_or_id in groups else next((id_ for id_, name in groups.items() if name == name_or_id), None)
    )


def _changed_fields(portset: str | None, kind: str | None) -> list[str]:
    return [*(["spec.portset"] if portset else []), *(["spec.hostType"] if kind else [])]
