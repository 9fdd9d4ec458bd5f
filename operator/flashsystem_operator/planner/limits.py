"""How near an array and its hosts are to what the array takes at most. It only warns: the array alone refuses.

The numbers are those that IBM documents for the smallest systems of a kind that we know of; larger and newer ones may
take more. What no source tells is not judged.

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
"""From this part of a limit on there is a warning."""

ALL_IO_GROUPS = 4
"""A system has that many, with or without nodes; a host object is in all of them unless it was made otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many; None where no source tells."""

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
    return _SMALL if any(word in system.product for word in _SMALL_PRODUCTS) else _MODERN


def of_array(decision: Decision, inventory: Inventory) -> Decision:
    """The decision about the array, with a warning if it is near one of its limits."""
    said = [sentence for what, used, most in _used(inventory) if (sentence := _near(what, used, most))]
    return _noted(decision, said, "Remove what is not needed any more (status.audit lists what is nobody's)")


def of_host(decision: Decision, name: HostName, inventory: Inventory) -> Decision:
    """The decision about a host, with a warning if its host object is near the number of volumes that it may have."""
    used = len(inventory.on_host(name))
    said = _near("mapped volumes of this host", used, limits_of(inventory.body.system).mappings_per_host)
    return _noted(decision, [said] if said else [], "Detach what is not needed any more")


def _used(inventory: Inventory) -> Iterator[tuple[str, int, int | None]]:
    """What there is, how many of it, and at most."""
    limits = limits_of(inventory.body.system)
    fullest = _fullest_io_group(inventory)
    yield "host objects", len(inventory.hosts), limits.hosts
    yield "host objects in one I/O group", len(fullest), limits.hosts_per_io_group
    yield "iSCSI names in one I/O group", sum(len(host.iqns) for host in fullest), limits.iscsi_names_per_io_group
    yield "mappings", sum(len(inventory.on_host(name)) for name in inventory.hosts), limits.mappings


def _fullest_io_group(inventory: Inventory) -> list[Host]:
    """The host objects that are known to be in the I/O group that has the most of them.

    A host object is in all of them, or it is known in which, since a FlashSystemHost stands for it. Of those of others
    that are in some only it is not known: they are not counted.
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


def _noted(decision: Decision, said: list[str], remedy: str) -> Decision:
    if not said:
        return decision
    message = f"Near what such a system takes: {'; '.join(said)}. {remedy}; the array itself says when it is full."
    note = Note("NearLimit", Reason.NEAR_LIMIT, message)
    return replace(decision, notes=(*decision.notes, note))
