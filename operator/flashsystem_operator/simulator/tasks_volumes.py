"""Making, renaming, growing and removing volumes."""

from flashsystem_operator.simulator import find, naming
from flashsystem_operator.simulator.call import FLAG, NEEDED, VALUE, Call, Grammar, Option
from flashsystem_operator.simulator.objects import Pool, Volume
from flashsystem_operator.simulator.protection import Guard, refuse_if_recent
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import LEGACY_UNTIL, PARTITIONS, PORTSET_TYPES
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.tasks_mappings import others
from flashsystem_operator.simulator.verb import Verb

UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
BLOCK = 512
SMALLEST_LEGACY = 1 << 30
LARGEST = 256 << 40


def _bytes(call: Call) -> int:
    """The -size of a command; the unit is mb unless it says otherwise."""
    unit, size = call.value("-unit", "mb"), call.value("-size")
    if unit not in UNITS:
        raise Refused("CMMVC5717E", unit)
    if not size.isdecimal():
        raise Refused("CMMVC5716E", size)
    return int(size) * UNITS[unit]


def _make(array: System, call: Call, pool: Pool, smallest: int) -> Volume:
    capacity = _bytes(call)
    if capacity % BLOCK:
        raise Refused("CMMVC7019E")
    if capacity > LARGEST:
        raise Refused("CMMVC7018E")
    if capacity < (SMALLEST_LEGACY if array.level.legacy else smallest):
        raise Refused("CMMVC5702E", call.value("-size"))
    name = naming.name(call.value("-name")) if call.has("-name") else ""
    if name in array.volume_named:
        raise Refused("CMMVC6035E")
    groups = find.io_groups(call.listed("-iogrp", ":")) if call.has("-iogrp") else [0]
    if array.used[pool.name] + capacity > pool.capacity:
        raise Refused("CMMVC8710E")
    number = array.volume_ids.take()
    volume = Volume(
        id=number,
        name=name or f"vdisk{number}",
        uid=array.new_uid(),
        capacity=capacity,
        pool=pool.name,
        io_group=groups[0],
        volume_group=call.value("-volumegroup"),
        thin=call.has("-rsize") or call.has("-thin"),
        compressed=call.has("-compressed"),
        deduplicated=call.has("-deduplicated"),
    )
    array.add_volume(volume)
    return volume


def _pool(array: System, word: str) -> Pool:
    for pool in array.pools.values():
        if word in {pool.name, str(pool.id)}:
            return pool
    raise Refused(find.UNKNOWN)


def mkvdisk(array: System, call: Call) -> str:
    volume = _make(array, call, _pool(array, call.value("-mdiskgrp")), 0)
    return f"Virtual Disk, id [{volume.id}], successfully created\n"


def mkvolume(array: System, call: Call) -> str:
    volume = _make(array, call, _pool(array, call.value("-pool")), BLOCK)
    return f"Volume, id [{volume.id}], successfully created\n"


def chvdisk(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    if not call.options:
        raise Refused("CMMVC5733E")
    if call.has("-name"):
        _rename(array, volume, naming.name(call.value("-name")))
    if call.has("-volumegroup") or call.has("-novolumegroup"):
        volume.volume_group = call.value("-volumegroup")
    volume.udid = call.value("-udid", volume.udid)
    volume.open_access_scsi_id = call.value("-open_access_scsi_id", volume.open_access_scsi_id)
    return ""


def _rename(array: System, volume: Volume, name: str) -> None:
    if array.volume_named.get(name, volume) is not volume:
        raise Refused("CMMVC6035E")
    del array.volume_named[volume.name]
    volume.name = name
    array.volume_named[name] = volume


def expandvdisksize(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    more = _bytes(call)
    if not more:
        raise Refused("CMMVC5702E", call.value("-size"))
    if array.level.at(*PARTITIONS):
        more = -(-more // UNITS["mb"]) * UNITS["mb"]  # documented for 8.7: rounded up to whole MB
    if volume.formatting == "yes":
        raise Refused("CMMVC8587E", text="The command failed because the volume is fast formatting.")
    if array.used[volume.pool] + more > array.pools[volume.pool].capacity:
        raise Refused("CMMVC5860E")
    volume.capacity += more
    array.used[volume.pool] += more
    return ""


def rmvdisk(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    if others(array, volume) and not (call.has("-force") or call.has("-removehostmappings")):
        raise Refused("CMMVC8787E" if call.verb == "rmvolume" else "CMMVC5840E")
    refuse_if_recent(array, [volume], Guard.VOLUME)
    array.remove_volume(volume)
    return ""


SIZE: Grammar = {"-size": NEEDED, "-unit": VALUE}
LOOKS: Grammar = {
    **dict.fromkeys(("-rsize", "-grainsize", "-warning", "-easytier", "-vtype", "-cache", "-copyrate"), VALUE),
    **dict.fromkeys(("-autoexpand", "-compressed", "-nofmtdisk"), FLAG),
}
"""Options that change nothing but what the views show of the copy: a thin volume uses as much space as a thick one."""
SINCE_7_7 = Option(takes_value=False, since=(7, 7))
CHANGES = (
    Verb(
        "mkvdisk",
        mkvdisk,
        {**SIZE, **LOOKS, "-name": VALUE, "-mdiskgrp": NEEDED, "-iogrp": VALUE},
        writes=True,
    ),
    Verb(
        "mkvolume",
        mkvolume,
        {
            **SIZE,
            **dict.fromkeys(("-thin", "-compressed", "-deduplicated"), FLAG),
            **dict.fromkeys(("-name", "-iogrp", "-volumegroup"), VALUE),
            "-pool": NEEDED,
        },
        writes=True,
        since=(7, 6),
    ),
    Verb(
        "chvdisk",
        chvdisk,
        {
            "-name": VALUE,
            "-udid": VALUE,
            "-volumegroup": Option(since=PORTSET_TYPES),
            "-novolumegroup": Option(takes_value=False, since=PORTSET_TYPES),
            "-open_access_scsi_id": Option(until=LEGACY_UNTIL),
        },
        "required",
        writes=True,
    ),
    Verb("expandvdisksize", expandvdisksize, SIZE, "required", writes=True),
    Verb("rmvdisk", rmvdisk, {"-force": FLAG, "-removehostmappings": SINCE_7_7}, "required", writes=True),
    Verb(
        "rmvolume",
        rmvdisk,
        dict.fromkeys(("-removehostmappings", "-removefcmaps", "-removercrelationships"), FLAG),
        "required",
        writes=True,
        since=(7, 6),
    ),
)
