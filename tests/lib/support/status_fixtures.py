"""Common fixtures of tests of records and statuses: one FlashSystemHost, two host objects, and their statuses."""

from typing import Any

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner import status
from flashsystem_operator.planner.attachment import attach
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.planner.status import Outcome
from support.builders import (
    desired,
    host,
    host_object,
    own_name,
    volume,
)

NOW, LATER = "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z"
DATA = volume("data", 1)
MACHINE = host("node")
OURS, ADMINS = host_object(own_name("node"), "node"), host_object("admins", "node")


def of(
    resource: VolumeAttachment, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **outcome: Any
) -> AttachmentStatus:
    around = desired(resource, *(others or (MACHINE,)))
    decided = Outcome(attach.plan(resource, around, seen), **outcome)
    return status.of_attachment(resource, decided, around, seen, NOW)


def of_host(resource: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment) -> HostStatus:
    around = desired(resource, *others)
    return status.of_host(resource, Outcome(host_plan.plan(resource, around, seen)), around, seen, NOW)


def after(resource: VolumeAttachment, new: AttachmentStatus) -> VolumeAttachment:
    return resource.model_copy(update={"status": new})
