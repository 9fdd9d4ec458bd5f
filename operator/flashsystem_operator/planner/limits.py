"""Warnings when an array or its hosts are near a configuration limit. Only the array itself refuses.

The numbers are those that IBM documents for the smallest known systems of a kind; larger and newer ones may take more.
Limits without a source are not judged.

Source: array-cli facts 4.3 and 2.10; IBM Documentation, "Configuration limits", for Storwize and SVC 5.1 to 7.x, and
for FlashSystem 840/900; the mappings per host of small systems as in IBM's own driver (ibm-block-csi-driver).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Dialect, Host, System
from flashsystem_operator.planner.decision import Decision, Note, Reason
from flashsystem_operator.values import HostName

SHARE = 0.8
"""The share of a limit from which on there is a warning."""

ALL_IO_GROUPS = 4
"""A system has so many, with or without nodes; a host object is in all of them unless it was created otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum numbers; None where there is no source."""

    hosts: int | None = None
    hosts_per_io_group: int | None = None
    iscsi_names_per_io_group: int | None = None
    mappings: int | None = None
    mappings_per_host: int | None = None


_MODERN = Limits(hosts=1024, hosts_per_io_group=256, iscsi_names_per_io_group=256, mappings_per_host=2048)
_SMALL = replace(_MODERN, mappings_per_host=512)
_LEGACY = Limits(mappings=2048, mappings_per_host=2048)
_SMALL_PRODUCTS = ("V3500",)


def limits_of(system: System) -> Limits:
    if system.dialect is Dialect.LEGACY:
        return _LEGACY
    return _SMALL if any(product in system.product for product in _SMALL_PRODUCTS) else _MODERN


def of_array(decision: Decision, inventory: Inventory) -> Decision:
    """The decision about the array, with a warning if it is near one of its limits."""
    reached = [sentence for what, used, most in _used(inventory) if (sentence := _near(what, used, most))]
    return _noted(decision, reached, "Remove what is no longer needed (status.audit lists objects without a resource)")


def of_host(decision: Decision, name: HostName, inventory: Inventory) -> Decision:
    """The decision about a host, with a warning if its host object is near the number of volumes that it may have."""
    used = len(inventory.on_host(name))
    reached = _near("mapped volumes of this host", used, limits_of(inventory.body.system).mappings_per_host)
    return _noted(decision, [reached] if reached else [], "Detach what is no longer needed")


def _used(inventory: Inventory) -> Iterator[tuple[str, int, int | None]]:
    """Kind of object, how many there are, and the maximum."""
    limits = limits_of(inventory.body.system)
    fullest = _fullest_io_group(inventory)
    yield "host objects", len(inventory.hosts), limits.hosts
    yield "host objects in one I/O group", len(fullest), limits.hosts_per_io_group
    yield "iSCSI names in one I/O group", sum(len(host.iqns) for host in fullest), limits.iscsi_names_per_io_group
    yield "mappings", sum(len(inventory.on_host(name)) for name in inventory.hosts), limits.mappings


def _fullest_io_group(inventory: Inventory) -> list[Host]:
    """The host objects that are known to be in the I/O group that has the most of them.

    A host object is in all of them, or its I/O groups are known because a FlashSystemHost uses it. The I/O groups of
    other host objects that are not in all of them are unknown: these are not counted.
    """
    everywhere = [host for host in inventory.hosts.values() if host.io_group_count >= ALL_IO_GROUPS]
    placed: dict[str, list[Host]] = {}
    for name, groups in inventory.io_groups.items():
        host = inventory.hosts.get(name)
        if host is not None and host.io_group_count < ALL_IO_GROUPS:
            for group in groups:
                placed.setdefault(group, []).append(host)
    return everywhere + max(
        placed.values(), key=lambda hosts: (len(hosts), sum(len(h.iqns) for h in hosts)), default=[]
    )


def _near(what: str, used: int, most: int | None) -> str:
    return f"{used} of about {most} {what}" if most is not None and used >= SHARE * most else ""


def _noted(decision: Decision, reached: list[str], remedy: str) -> Decision:
    if not reached:
        return decision
    message = (
        f"Near the limit of such a system: {'; '.join(reached)}. {remedy}; the array itself refuses when it is full."
    )
    note = Note("NearLimit", Reason.NEAR_LIMIT, message)
    return replace(decision, notes=(*decision.notes, note))
