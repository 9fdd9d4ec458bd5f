"""Why a command is sent, for the change log: which desired state of which resource it serves."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FORCE_DETACH, ObjectRef
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
)
from flashsystem_operator.planner.drift import ASKED
from flashsystem_operator.planner.text import listed


class ChangeKind(StrEnum):
    """The purposes of commands, as the change log names them."""

    ATTACH = "attach"
    DETACH = "detach"
    MAKE_HOST = "host made"
    EMPTY_HOST = "host emptied"
    DELETE_HOST = "host deleted"
    ADD_PORTS = "port added"
    REMOVE_PORT = "port removed"
    CORRECT = "drift corrected"
    SET_CHAP = "CHAP secret set"
    CLEAR_CHAP = "CHAP secret cleared"
    PLACE_HOST = "host placed"
    """Portset, type or I/O groups of a host object were changed to match its spec."""
    SPEC = "spec"
    """Anything else that a spec requests."""


@dataclass(frozen=True, slots=True)
class ChangeReason:
    """because: one sentence that a user can verify."""

    why: ChangeKind
    because: str


def change_reason_of(resource: FlashSystemHost | VolumeAttachment, step: Step) -> ChangeReason:
    """Why this step is done for that resource."""
    if isinstance(resource, VolumeAttachment):
        return _of_attachment(resource, step)
    return _of_host(resource, step)


def _of_attachment(attachment: VolumeAttachment, step: Step) -> ChangeReason:
    ref, meta, since = attachment.ref, attachment.metadata, attachment.status.attached_time
    forced = f", and annotation {FORCE_DETACH} lets it past the guard" if meta.asked.force_detach == meta.uid else ""
    match step:
        case UnmapVolume():
            return ChangeReason(ChangeKind.DETACH, f"{ref} is being deleted since {meta.deletion_timestamp}{forced}.")
        case MapVolume() if since:
            return ChangeReason(
                ChangeKind.CORRECT, f"{ref} is attached since {since}, and the mapping was missing on the array."
            )
        case MapVolume():
            return ChangeReason(ChangeKind.ATTACH, f"{ref} asks for it.")
        case MakeHost() | AddPorts() if since:
            return ChangeReason(
                ChangeKind.CORRECT, f"{ref} is attached since {since}, and the host object was missing on the array."
            )
        case MakeHost() | AddPorts():
            return ChangeReason(ChangeKind.MAKE_HOST, f"{ref} is the first volume of {attachment.host}.")
        case _:
            return _of_traits(attachment.host, step)


def _of_host(host: FlashSystemHost, step: Step) -> ChangeReason:
    ref = host.ref
    match step:
        case RemoveHost() if host.metadata.deleting:
            return ChangeReason(
                ChangeKind.DELETE_HOST, f"{ref} is being deleted since {host.metadata.deletion_timestamp}."
            )
        case RemoveHost():
            return ChangeReason(
                ChangeKind.EMPTY_HOST, f"Nothing is mapped to it any longer, and {ref} does not need it."
            )
        case MakeHost():
            return ChangeReason(ChangeKind.MAKE_HOST, f"{ref} asks for it.")
        case AddPorts(iqns=iqns) if _had(host, iqns):
            return ChangeReason(
                ChangeKind.CORRECT, f"{ref} had {', '.join(iqns)}, and the host object lacked it on the array."
            )
        case AddPorts(iqns=iqns):
            return ChangeReason(ChangeKind.ADD_PORTS, f"spec.initiators of {ref} names {', '.join(iqns)}.")
        case RemovePort(iqn=iqn):
            return ChangeReason(ChangeKind.REMOVE_PORT, f"spec.initiators of {ref} no longer names {iqn}.")
        case _:
            return _of_traits(ref, step)


def _of_traits(host: ObjectRef, step: Step) -> ChangeReason:
    """Why a step for the settings of a host is done, for the host itself or with its first volume."""
    match step:
        case SetChap():
            return ChangeReason(
                ChangeKind.SET_CHAP, f"The array does not have the secret of the Secret that {host} names."
            )
        case ClearChap():
            return ChangeReason(
                ChangeKind.CLEAR_CHAP,
                f"{host} no longer requests a CHAP secret, and the present one was set by the operator.",
            )
        case ChangeHost(portset=portset, kind=kind):
            changed = [f"spec.portset {portset}"] if portset else []
            changed += [f"spec.hostType {kind}"] if kind else []
            return ChangeReason(ChangeKind.PLACE_HOST, f"{host} has {listed(changed)}, and the host object differs.")
        case AddIoGroups(groups=groups):
            return ChangeReason(ChangeKind.PLACE_HOST, f"spec.ioGroups of {host} names I/O group {listed(groups)} too.")
        case RemoveIoGroups(groups=groups):
            return ChangeReason(
                ChangeKind.PLACE_HOST, f"spec.ioGroups of {host} does not name I/O group {listed(groups)}."
            )
        case _:
            return ChangeReason(ChangeKind.SPEC, f"The spec of {host} asks for it.")


def _had(host: FlashSystemHost, iqns: Collection[str]) -> bool:
    """Whether the host object was observed with all of these."""
    return set(iqns) <= {port.iqn for port in host.status.ports if port.state != ASKED}
