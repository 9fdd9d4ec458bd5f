"""What tests of a FlashSystemVolume's plan have in common: its volume on the array, and decisions about it."""

from dataclasses import replace
from typing import Any

from flashsystem_operator.api.base import Truth
from flashsystem_operator.api.metadata import FINALIZER, VOLUME_UID
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.model import Dialect, Inventory, Pool, Throttle, Volume
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveVolume,
)
from flashsystem_operator.planner.decision import Act, Decision
from flashsystem_operator.planner.volume.volume_plan import plan
from flashsystem_operator.values import PoolName, VolumeName, host_object_name
from support.builders import (
    POOL,
    array,
    body,
    desired,
    host_object,
    inventory,
    managed_volume,
    of_volume,
    own_volume_name,
    volume,
)
from support.event_fixtures import condition

GIB, MIB = 1 << 30, 1 << 20
NAME = own_volume_name("data")
DATA = volume(NAME, 1, pool=POOL.name, status="online")
"""The volume of the FlashSystemVolume `data`: 1 GiB."""
VOL0 = volume("vol0", 5, pool=POOL.name)
OTHERS_CLUSTER = VolumeName(host_object_name("another-cluster", "storage", "data", "data"))
FORMER = VolumeName(host_object_name("former", "storage", "data", "data"))
NODE = host_object("node", "node")
SMALL = Pool(PoolName("Pool0"), "online", 4 * GIB, 512)
OFFLINE = replace(POOL, status="offline")
LEGACY = body(dialect=Dialect.LEGACY, level=(1, 4, 0, 0))
INTENT = {"name": NAME, "size": GIB, "pool": "Pool0", "time": "2026-01-01T00:00:00Z"}
IN_FLIGHT: dict[str, Any] = {"origin": "Created", "name": NAME, "intent": INTENT}
ANNOTATED: dict[str, Any] = {"annotations": {VOLUME_UID: DATA.uid}}
LEAVING: dict[str, Any] = {"deleting": True}
NOW = "2026-02-01T01:00:00Z"
"""An hour after what is being deleted was deleted."""


def decided(resource: FlashSystemVolume, seen: Inventory, *others: Any, **more: Any) -> Decision:
    return plan(resource, desired(resource, *others, **{"now": NOW, **more}), seen)


def new(seen: Inventory | None = None, *others: Any, pool: str | None = "Pool0", **spec: Any) -> Decision:
    """Return the decision about a volume that does not exist."""
    resource = managed_volume(**spec) if pool is None else managed_volume(pool=pool, **spec)
    return decided(resource, seen or inventory(), *others)


def created(seen: Inventory, *others: Any, status: dict[str, Any] | None = None, **spec: Any) -> Decision:
    """Return the decision about a volume that the operator created."""
    return decided(managed_volume(status=of_volume(DATA, **(status or {})), **spec), seen, *others)


def from_import(by: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a spec that imports the volume of this name or UID."""
    return {"import": by}


def imported(seen: Inventory, *others: Any, by: dict[str, Any] | None = None, **spec: Any) -> Decision:
    return decided(managed_volume(**from_import(by or {"name": "vol0"}), **spec), seen, *others)


def leaving(
    seen: Inventory,
    *others: Any,
    status: dict[str, Any] | None = None,
    finalizers: tuple[str, ...] = (),
    of: Any = None,
    **spec: Any,
) -> Decision:
    """Return the decision about a volume of the operator that is being deleted."""
    known = of_volume(DATA, **(status or {}))
    meta = {**LEAVING, "finalizers": (FINALIZER, *finalizers)}
    return decided(managed_volume(status=known, meta=meta, **spec), seen, *others, of=of)


def bound_to(what: Volume, name: str = "other", meta: dict[str, Any] | None = None, **spec: Any) -> FlashSystemVolume:
    """Return another resource that is bound to this volume."""
    return managed_volume(name, status=of_volume(what, origin="Imported"), meta=meta, **spec)


def importing(what: Volume, name: str = "other", meta: dict[str, Any] | None = None) -> FlashSystemVolume:
    """Return another resource that waits to import this volume."""
    return managed_volume(name, meta=meta, **from_import({"name": what.name}))


def ready(status: Truth = "True") -> dict[str, Any]:
    return {"conditions": [condition("Ready", status)]}


def drifted(reason: str) -> dict[str, Any]:
    return {"conditions": [condition("Ready", "False"), condition("Drifted", "True", reason)]}


def hidden_mapping(what: Volume) -> Inventory:
    """Return an inventory with a volume that is mapped to a host cluster that no host shows."""
    seen = inventory(what)
    seen.host_clusters = {what.uid: frozenset({"cluster"})}
    return seen


def without_pools(*facts: Any) -> Inventory:
    seen = inventory(*facts)
    seen.pools = None
    return seen


def create(size: int = GIB, **more: Any) -> Act:
    return Act((CreateVolume(NAME, POOL.name, size, **more),))


def expand(to: int, what: Volume = DATA) -> ExpandVolume:
    return ExpandVolume(what.name, what.uid, to - what.capacity, to)


REMOVE = Act((RemoveVolume(DATA.name, DATA.uid),))
ELSEWHERE: dict[str, Any] = {"array": {"name": "array", "namespace": "storage", "system_id": "00000204AAAAAAAA"}}
DELETE: dict[str, Any] = {"deletion_policy": "Delete"}
RETAIN: dict[str, Any] = {"deletion_policy": "Retain"}
DELAYED = array(volume_deletion_delay="2h")
RENAMED = replace(DATA, name=VolumeName("mine"))
SHRUNK = replace(DATA, capacity=GIB // 2)
SLOW: dict[str, Any] = {"throttle": {"iops": 500, "bandwidth": "100Mi"}}
CHANGED = replace(DATA, throttle=Throttle("throttle0", 900, 100))
