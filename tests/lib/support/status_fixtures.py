"""What tests of records and statuses have in common: one machine, two host objects, and what is said of them."""

from typing import Any

from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.array.inventory import Inventory
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
    wished: VolumeAttachment, seen: Inventory, *others: FlashSystemHost | VolumeAttachment, **outcome: Any
) -> AttachmentStatus:
    around = desired(wished, *(others or (MACHINE,)))
    decided = Outcome(attach.plan(wished, around, seen), **outcome)
    return status.of_attachment(wished, decided, around, seen, NOW)


def of_host(wished: FlashSystemHost, seen: Inventory, *others: FlashSystemHost | VolumeAttachment) -> HostStatus:
    around = desired(wished, *others)
    return status.of_host(wished, Outcome(host_plan.plan(wished, around, seen)), around, seen, NOW)


def after(wished: VolumeAttachment, said: AttachmentStatus) -> VolumeAttachment:
    return wished.model_copy(update={"status": said})
