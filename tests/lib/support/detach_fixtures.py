"""What tests of detaching have in common: a few host objects, and an attachment that is being deleted."""

from typing import Any

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.array.commands import UnmapVolume
from flashsystem_operator.array.model import Inventory, Volume
from flashsystem_operator.planner.attachment.attach import plan
from flashsystem_operator.planner.decision import Act, Decision
from flashsystem_operator.values import HostName
from support.builders import (
    attachment,
    desired,
    host,
    host_object,
    own_name,
    volume,
)

DATA, LOGS = volume("data", 1), volume("logs", 2)
NODE = host("node")
OURS = host_object(own_name("node"), "node")
ADMINS = host_object("admins", "node")
RENAMED = host_object("renamed", "node")
MERGED = host_object("merged", "node", "stranger")
STRANGERS = host_object("admins", "stranger")


def decided(
    resource: VolumeAttachment, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **more: Any
) -> Decision:
    return plan(resource, desired(resource, *(others or (NODE,)), **more), seen)


def leaving(status: dict[str, Any] | None = None, *, finalizers: tuple[str, ...] = (), **spec: Any) -> VolumeAttachment:
    meta = {"deleting": True, "finalizers": (FINALIZER, *finalizers)}
    return attachment("a", "node", status=status, meta=meta, **spec)


def unmap(on: HostName, what: Volume = DATA) -> Act:
    return Act((UnmapVolume(on, what.name, what.uid),))
