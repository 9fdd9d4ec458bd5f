"""The commands that change a volume, as values; those of host objects and mappings are in `commands`.

Each step is exactly one command line, with the same methods as there. The functions below build them: they choose the
form of the command by the capabilities of the array, and return a reason as text where it cannot do what is asked.

Never -force, -removehostmappings, -removefcmaps or -removercrelationships: the array's own refusal is the last guard of
a volume's data.

Source: array-cli-volumes 3, 7, 9.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flashsystem_operator.array.model import Throttle, Volume
from flashsystem_operator.values import BLOCK, ROUNDING, PoolName, Provisioning, VolumeName, VolumeUid

if TYPE_CHECKING:
    from flashsystem_operator.array.model import Capabilities, Inventory, Pool


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """Create an empty volume (`mkvolume`; `mkvdisk` on the legacy dialect and before release 7.6). See `create_volume`.

    The name is the only lock: without it, a second command would create a second volume. The array formats the volume
    in the background.

    size: bytes, a multiple of 512. io_group: id or name; None: the array chooses.
    verb, options: the form of the command for this array, pool and provisioning.

    Refused with CMMVC6035E or CMMVC5758E if the name is taken; with CMMVC5860E, CMMVC8710E or CMMVC9283E if the pool
    has not enough space; with CMMVC7018E or CMMVC6541E if the volume is too large for the array or the pool, CMMVC7301E
    if too small (legacy); with CMMVC7019E if the size is no multiple of 512; with CMMVC7020E, CMMVC7021E or CMMVC7300E
    if the array has the maximum of volumes; with CMMVC6596E or CMMVC8879E for the I/O group; with CMMVC7050E,
    CMMVC9245E, CMMVC9246E, CMMVC9292E or CMMVC9304E if its nodes cannot compress or deduplicate.
    Source: array-cli-volumes 3.1, 3.2, 4.2.
    """

    volume: VolumeName
    pool: PoolName
    size: int
    provisioning: Provisioning = Provisioning.THICK
    io_group: str | None = None
    verb: str = "mkvolume"
    options: tuple[str, ...] = ()

    def argv(self) -> tuple[str, ...]:
        pool, io_group = ("-mdiskgrp" if self.verb == "mkvdisk" else "-pool"), self.io_group
        size = ("-size", str(self.size), "-unit", "b")
        given = () if io_group is None else ("-iogrp", io_group)
        return ("svctask", self.verb, "-name", self.volume, pool, self.pool, *given, *size, *self.options)

    @property
    def touches(self) -> tuple[object, ...]:
        return (_name(self.volume),)

    @property
    def identifiers(self) -> tuple[str, ...]:
        return (self.volume,)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        """Whether the name is taken, by whichever volume: then the command was done, or will be refused."""
        return inventory.volume_named(self.volume) is not None

    def has_created(self, found: Volume) -> bool:
        """Whether this may be the volume that the command created: its size and its pool are those of the command."""
        return found.pool == self.pool and is_of_size(found.capacity, self.size)

    def apply(self, inventory: Inventory) -> None:
        """Assume the volume, without a throttle."""
        uid, io_group = planned_uid(self.volume), self.io_group or ""
        inventory.learn_volume(Volume("", self.volume, uid, self.size, io_group, pool=self.pool, throttle=Throttle()))


def is_of_size(capacity: int, requested: int) -> bool:
    """Whether a volume that was requested with this size may have this capacity. Both in bytes.

    Sources show exact sizes for new volumes; an array that rounds them up, as it does when they grow, is accepted too.
    """
    return requested <= capacity < requested + ROUNDING


def planned_uid(name: VolumeName) -> VolumeUid:
    """Return what stands for the UID of a volume that a plan creates: no array prints it."""
    return VolumeUid(f"(created as {name})")


@dataclass(frozen=True, slots=True)
class _Change:
    """What the changes of an existing volume have in common."""

    volume: VolumeName
    uid: VolumeUid

    @property
    def touches(self) -> tuple[object, ...]:
        return self.uid, _name(self.volume)

    @property
    def identifiers(self) -> tuple[str, ...]:
        return self.volume, self.uid


@dataclass(frozen=True, slots=True)
class ExpandVolume(_Change):
    """Make a volume larger (`expandvdisksize`).

    The command has no absolute form: a repeat grows the volume again, so it is sent only if the volume still has the
    size from which the increase was computed.

    increase: bytes. size: the size afterwards, at least: release 8.7 rounds the increase up to whole MB.

    Refused with CMMVC8587E or CMMVC5862E while the volume is being formatted, CMMVC6061E, CMMVC6418E or CMMVC6444E
    while it is being resized, CMMVC5860E or CMMVC6010E if the pool has not enough space, CMMVC7018E or CMMVC6541E if it
    would be too large, CMMVC9201E to CMMVC9212E if it is replicated, CMMVC9658E to CMMVC9662E for FlashCopy mappings.
    Source: array-cli-volumes 3.4.
    """

    increase: int
    size: int

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "expandvdisksize", "-size", str(self.increase), "-unit", "b", self.volume)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        found = inventory.volumes.get(self.uid)
        return self.uid in inventory.gone_volumes if found is None else found.capacity >= self.size

    def apply(self, inventory: Inventory) -> None:
        inventory.learn_volume(replace(inventory.volumes[self.uid], capacity=self.size))


@dataclass(frozen=True, slots=True)
class RemoveVolume(_Change):
    """Delete a volume and its data (`rmvolume`; `rmvdisk` on the legacy dialect and before release 7.6).

    Refused with CMMVC8787E (`rmvolume`), CMMVC5840E or CMMVC8698E (`rmvdisk`) while it is mapped; with CMMVC8789E or
    CMMVC5840E while it is part of a FlashCopy mapping; with CMMVC8788E, CMMVC8810E, CMMVC5840E, CMMVC9829E or
    CMMVC9833E if it is replicated; with CMMVC5753E, CMMVC5841E or CMMVC8957E if it does not exist; with CMMVC8696E or
    CMMVC8697E if it is being deleted; with CMMVC8458E, CMMVC8459E or CMMVC8479E under volume protection.
    Source: array-cli-volumes 3.6, array-cli facts 4.4.
    """

    verb: str = "rmvolume"

    def argv(self) -> tuple[str, ...]:
        return ("svctask", self.verb, self.volume)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        """Whether it is gone, or is being deleted: an array may complete a deletion later."""
        found = inventory.volumes.get(self.uid)
        return self.uid in inventory.gone_volumes if found is None else found.status == "deleting"

    def apply(self, inventory: Inventory) -> None:
        inventory.learn_volume_gone(self.uid)


@dataclass(frozen=True, slots=True)
class RenameVolume(_Change):
    """Give a volume another name (`chvdisk -name`). Later steps of the same plan use the new name.

    Refused with CMMVC6035E if the name is taken, with CMMVC5753E or CMMVC5832E if the volume does not exist.
    Source: array-cli-volumes 3.3.
    """

    name: VolumeName

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "chvdisk", "-name", self.name, self.volume)

    @property
    def touches(self) -> tuple[object, ...]:
        return self.uid, _name(self.volume), _name(self.name)

    @property
    def identifiers(self) -> tuple[str, ...]:
        return self.volume, self.uid, self.name

    def is_reflected_in(self, inventory: Inventory) -> bool:
        found = inventory.volumes.get(self.uid)
        return self.uid in inventory.gone_volumes if found is None else found.name == self.name

    def apply(self, inventory: Inventory) -> None:
        inventory.learn_volume(replace(inventory.volumes[self.uid], name=self.name))


@dataclass(frozen=True, slots=True)
class ThrottleVolume(_Change):
    """Limit the I/O of a volume (`mkthrottle`, or `chthrottle` if it has a throttle). See `throttle_volume`.

    Both commands set absolute values. `chvdisk -rate` is not used: it sets one limit, and no source shows what it does
    to the other one.

    iops, bandwidth (MiB per second): the limits, on each node; None: not limited.
    throttle: the name of the volume's throttle; empty if it has none.

    Refused with CMMVC8903E if the volume has a throttle, CMMVC8906E if the named one does not exist, CMMVC8904E if a
    limit is not valid. Source: array-cli-volumes 7.
    """

    iops: int | None
    bandwidth: int | None
    throttle: str = ""

    def argv(self) -> tuple[str, ...]:
        iops = () if self.iops is None else ("-iops", str(self.iops))
        bandwidth = () if self.bandwidth is None else ("-bandwidth", str(self.bandwidth))
        if self.throttle:
            return ("svctask", "chthrottle", *iops, *bandwidth, self.throttle)
        return ("svctask", "mkthrottle", "-type", "vdisk", *iops, *bandwidth, "-vdisk", self.volume)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        found = inventory.volumes.get(self.uid)
        if found is None or found.throttle is None:
            return self.uid in inventory.gone_volumes
        return (found.throttle.iops, found.throttle.bandwidth) == (self.iops, self.bandwidth)

    def apply(self, inventory: Inventory) -> None:
        throttle = Throttle(self.throttle or "(created)", self.iops, self.bandwidth)
        inventory.learn_volume(replace(inventory.volumes[self.uid], throttle=throttle))


@dataclass(frozen=True, slots=True)
class RemoveThrottle(_Change):
    """Remove all limits of the I/O of a volume (`rmthrottle`). throttle: the name of the volume's throttle.

    Refused with CMMVC8906E if it does not exist. Source: array-cli-volumes 7.
    """

    throttle: str

    def argv(self) -> tuple[str, ...]:
        return ("svctask", "rmthrottle", self.throttle)

    def is_reflected_in(self, inventory: Inventory) -> bool:
        found = inventory.volumes.get(self.uid)
        if found is None or found.throttle is None:
            return self.uid in inventory.gone_volumes
        return found.throttle.name != self.throttle

    def apply(self, inventory: Inventory) -> None:
        inventory.learn_volume(replace(inventory.volumes[self.uid], throttle=Throttle()))


VolumeStep = CreateVolume | ExpandVolume | RemoveVolume | RenameVolume | ThrottleVolume | RemoveThrottle
"""One command that changes a volume."""


def create_volume(
    volume: VolumeName,
    pool: Pool,
    size: int,
    provisioning: Provisioning,
    io_group: str | None,
    has: Capabilities,
) -> CreateVolume | str:
    """Return the step that creates a volume, or the reason why this array or pool cannot.

    size: bytes, a multiple of 512 (else ValueError). io_group: id or name; None: the array chooses.
    has: what the command line of the array supports.
    """
    if size % BLOCK:
        raise ValueError(f"a volume of {size} bytes: not a multiple of {BLOCK}")
    if provisioning not in has.provisioning:
        return f"this array has no volumes of provisioning {provisioning}, only {', '.join(sorted(has.provisioning))}"
    if provisioning is not Provisioning.THICK and (policy := pool.provisioning_policy):
        return f"provisioning policy {policy} decides how the volumes of pool {pool.name} are provisioned"
    if provisioning.is_deduplicated and not pool.data_reduction:
        return f"deduplication needs a data reduction pool, which pool {pool.name} is not"
    if has.volume_commands:
        # Buffer size, warning and grain size are left at their defaults: a data reduction pool refuses these options.
        deduplicated = ("-deduplicated",) if provisioning.is_deduplicated else ()
        kind = () if provisioning is Provisioning.THICK else ("-compressed" if provisioning.is_compressed else "-thin",)
        return CreateVolume(volume, pool.name, size, provisioning, io_group, options=(*kind, *deduplicated))
    thin = () if provisioning is Provisioning.THICK else ("-rsize", "2%", "-autoexpand")  # 2 %: mkvolume's default
    compressed = ("-compressed",) if provisioning.is_compressed else ()
    # Whether such releases choose an I/O group themselves is not documented.
    return CreateVolume(volume, pool.name, size, provisioning, io_group or "0", "mkvdisk", (*thin, *compressed))


def expand_volume(volume: Volume, size: int) -> ExpandVolume:
    """Return the step that makes a volume at least this large. size: bytes, more than its capacity, else ValueError.

    volume: as just read: the increase is computed from its capacity, and rounded up to a multiple of 512.
    """
    increase = -(-(size - volume.capacity) // BLOCK) * BLOCK
    if increase <= 0:
        raise ValueError(f"volume {volume.name} has {volume.capacity} bytes and cannot be expanded to {size}")
    return ExpandVolume(volume.name, volume.uid, increase, volume.capacity + increase)


def remove_volume(volume: Volume, has: Capabilities) -> RemoveVolume:
    """Return the step that deletes a volume. has: what the command line of the array supports."""
    return RemoveVolume(volume.name, volume.uid, "rmvolume" if has.volume_commands else "rmvdisk")


def throttle_volume(
    volume: Volume, iops: int | None, bandwidth: int | None, has: Capabilities
) -> tuple[ThrottleVolume | RemoveThrottle, ...] | str:
    """Return the steps after which a volume has exactly these limits, or the reason why this array cannot.

    One step, none if it has them; two if one of two limits is removed, since no option removes a single one.

    volume: from its detailed view. iops; bandwidth (MiB per second): None: not limited.
    has: what the command line of the array supports.
    """
    if not has.throttles:
        return "this array cannot limit the I/O of a volume with throttles"
    present = volume.throttle
    if present is None:
        return f"the array does not show the throttle of volume {volume.name}"
    name, uid, wanted = volume.name, volume.uid, iops is not None or bandwidth is not None
    if (present.iops, present.bandwidth) == (iops, bandwidth):
        return ()
    if not present.name:
        return (ThrottleVolume(name, uid, iops, bandwidth),)
    lifted = (present.iops is not None and iops is None) or (present.bandwidth is not None and bandwidth is None)
    if not lifted:
        return (ThrottleVolume(name, uid, iops, bandwidth, present.name),)
    remove = RemoveThrottle(name, uid, present.name)
    return (remove, ThrottleVolume(name, uid, iops, bandwidth)) if wanted else (remove,)


def _name(volume: VolumeName) -> tuple[str, str]:
    """Return what steps that use a volume's name touch: not equal to the name of a host object."""
    return "volume", volume
