"""The connection of an attachment (portals, in the order in which a host should use them), and its connection Secret.

Source: Cinder's initialize_connection and os-brick's reading of it; array-cli facts 2.4 (portsets).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flashsystem_operator.api.attachment import AttachmentStatus, Connection, Target, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import API_VERSION, GROUP, Kind
from flashsystem_operator.array import model
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Portal, Volume
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.host import host_settings
from flashsystem_operator.values import HostName


def portals_for(host: HostName, desired: Desired, inventory: Inventory) -> tuple[Portal, ...]:
    """The usable portals of the host's portset and I/O groups, of those addresses that the array's spec allows."""
    known, allowed = inventory.hosts.get(host), desired.array.spec.iscsi.portal_addresses
    portset = known.portset if known else ""
    groups = {inventory.body.io_groups.get(group) for group in inventory.io_groups.get(host, ())}
    return tuple(
        portal
        for portal in inventory.body.portals
        if portal.usable
        and (not allowed or portal.address in allowed)
        and (not portset or not portal.portset or portal.portset == portset)
        and (not groups or portal.io_group in groups)
    )


def connection(
    mapping: model.Mapping, volume: Volume, preferred_node: str | None, portals: Sequence[Portal], port: int
) -> Connection:
    """The connection, with the portals of the volume's I/O group first: the others only forward its I/O.

    Of these the preferred node's come first: its partner serves the volume too, but is second choice.
    """
    ordered = sorted(
        portals,
        key=lambda each: (
            each.io_group != volume.io_group,
            each.node_id != preferred_node,
            each.node,
            each.address,
        ),
    )
    return Connection(
        volume_uid=volume.uid,
        lun=mapping.lun,
        targets=tuple(
            Target(portal=f"[{each.address}]:{port}" if ":" in each.address else f"{each.address}:{port}", iqn=each.iqn)
            for each in ordered
        ),
    )


SECRET_TYPE = "servicebinding.io/iscsi"  # noqa: S105 - a type, not a secret

_CLASSIFIED = {"type": "iscsi", "provider": "flashsystem.io"}
_MANAGED = {"app.kubernetes.io/managed-by": "flashsystem-operator"}


@dataclass(frozen=True, slots=True)
class Chap:
    """The login of the initiator at the array."""

    username: str
    password: str = field(repr=False)


def login_of(host: FlashSystemHost, status: AttachmentStatus, desired: Desired, inventory: Inventory) -> Chap | None:
    """The login that the array accepts from the host now. The user name is the name of the initiator."""
    if status.host is None or status.host.name is None:
        return None
    secret = host_settings.chap_in_force(host, HostName(status.host.name), desired, inventory)
    return Chap(host.spec.initiators.iscsi[0], secret.text) if secret else None


def entries(connection: Connection, chap: Chap | None) -> dict[str, str]:
    """All entries of the Secret, not encoded."""
    found = properties(connection, chap)
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}
    for_kubelet: dict[str, str] = {}
    if chap is not None:
        for_kubelet = {"node.session.auth.username": chap.username, "node.session.auth.password": chap.password}
    return {**flat, **for_kubelet, **_CLASSIFIED, "connection_properties": json.dumps(found)}


def properties(connection: Connection, chap: Chap | None) -> dict[str, Any]:
    """The connection in the shape of Cinder's `data`, which os-brick takes unchanged."""
    targets = connection.targets
    first = {"target_portal": targets[0].portal, "target_iqn": targets[0].iqn} if targets else {}
    shape = {
        "target_discovered": False,
        **first,
        "target_lun": connection.lun,
        "volume_id": connection.volume_uid,
        "target_portals": [each.portal for each in targets],
        "target_iqns": [each.iqn for each in targets],
        "target_luns": [connection.lun] * len(targets),
    }
    found = {key: value for key, value in shape.items() if value is not None}
    if chap is None:
        return found
    return found | {"auth_method": "CHAP", "auth_username": chap.username, "auth_password": chap.password}


def secret_body(attachment: VolumeAttachment, name: str, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The whole Secret. The cluster's garbage collector deletes it after the attachment."""
    meta = attachment.metadata
    return {
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": _MANAGED,
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": attachment.KIND.value,
                    "name": meta.name,
                    "uid": meta.uid,
                    "controller": True,
                }
            ],
        },
        "type": SECRET_TYPE,
        "data": encoded(wanted),
    }


def encoded(wanted: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in wanted.items()}


def login_in(found: Mapping[str, Any]) -> Chap | None:
    """The login in a Secret of ours; None if it has none, or it cannot be read."""
    data = found.get("data") or {}
    try:
        username, password = (base64.b64decode(data[key]).decode() for key in ("auth_username", "auth_password"))
    except (KeyError, ValueError):
        return None
    return Chap(username, password) if username and password else None


def is_our_secret(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    """Whether a Secret was created for this attachment, not for a former one of the same name."""
    uid, owners = attachment.metadata.uid, filter(_is_attachment, _owners(found))
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)


def is_left_over(attachment: VolumeAttachment, found: Mapping[str, Any]) -> bool:
    """Whether it was created for a former attachment of the same name, and is removed by the cluster."""
    name = attachment.metadata.name
    return any(_is_attachment(owner) and owner.get("name") == name for owner in _owners(found))


def cannot_be_changed(found: Mapping[str, Any]) -> bool:
    """Whether it has to be created again to be corrected: its type cannot change, nor anything of an immutable one."""
    return found.get("type") != SECRET_TYPE or bool(found.get("immutable"))


def _is_attachment(owner: Mapping[str, Any]) -> bool:
    """Whether the owner is of our kind, in any version: others may have a kind of this name, or a wrong uid."""
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    return (group, owner.get("kind")) == (GROUP, Kind.ATTACHMENT.value)


def _owners(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return found.get("metadata", {}).get("ownerReferences") or []
