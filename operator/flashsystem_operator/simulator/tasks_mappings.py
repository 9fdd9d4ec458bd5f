"""Making and removing mappings of volumes to hosts."""

from . import find
from .call import FLAG, NEEDED, VALUE, Call, Option
from .objects import Host, Volume
from .refusals import Refused
from .release import EIGHT
from .system import Mapping, System
from .tasks_ports import PROTECTED
from .verb import Verb

MOST_LUNS = 2048


def mkvdiskhostmap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object, array.rules.volume_missing_code)
    host = find.host(array, call.value("-host"), find.UNKNOWN)
    wanted = _wanted(array, host, call)
    groups = [group for group in array.groups(volume) if group in host.io_groups]
    if not groups:
        raise Refused("CMMVC5729E")
    _refuse_clash(array, host, volume, wanted)
    if others(array, volume, host) and not call.has("-force"):
        raise Refused(array.rules.other_host_code or "")
    mapping = _placed(array, Mapping(host, volume, 0), host, wanted, groups)
    array.map(mapping)
    return f"Virtual Disk to Host map, id [{_answer_id(array, mapping)}], successfully created\n"


def _wanted(array: System, host: Host, call: Call) -> int | None:
    """The LUN of -scsi; None leaves it to the array. Refused where it is none, or the host takes none."""
    if not call.has("-scsi"):
        return None
    if call.has("-allowmismatchedscsiids") or "nvme" in host.protocol:
        raise Refused("CMMVC5713E")
    return lun(array, call.value("-scsi"))


def lun(array: System, word: str) -> int:
    """A word as a LUN: decimal, and below the number of mappings that a host may have."""
    if not word.isdecimal() or int(word) >= (array.limits.luns_per_host or MOST_LUNS):
        raise Refused(array.rules.invalid_lun_code, word, text=f"[{word}] is not valid data.")
    return int(word)


def _refuse_clash(array: System, host: Host, volume: Volume, wanted: int | None) -> None:
    """5878E for a pair that is mapped, 5879E for a LUN in use; which comes first is a rule."""
    seen = array.seen_by(host)
    same_pair = any(mapping.volume is volume for mapping in seen)
    clash = any(wanted in {mapping.lun, *mapping.luns.values()} for mapping in seen)
    checks = [("CMMVC5878E", same_pair), ("CMMVC5879E", clash)]
    for code, applies in reversed(checks) if array.rules.lun_clash_checked_first else checks:
        if applies:
            raise Refused(code)
    if len(seen) >= (array.limits.luns_per_host or MOST_LUNS):
        raise Refused(array.rules.too_many_luns_code, text="The maximum number of mappings of this host is reached.")


def others(array: System, volume: Volume, host: Host | None = None) -> bool:
    """Whether anything but this host, or the host cluster that it is in, has the volume."""
    own_cluster = array.cluster_of(host) if host else None
    shared = any(mapping.owner is not own_cluster for mapping in array.shared_of(volume))
    return shared or any(mapping.owner is not host for mapping in array.of_volume[volume.id].values())


def _placed(array: System, mapping: Mapping, host: Host, wanted: int | None, groups: list[int]) -> Mapping:
    """The mapping with its LUN: the wanted one, else the lowest that is free in its I/O groups."""
    if wanted is not None:
        mapping.lun = wanted
    elif array.rules.lun_per_io_group:
        luns = {group: lowest_free(array, host, [group]) for group in groups}
        mapping.lun = luns[groups[0]]
        mapping.luns = luns if len(set(luns.values())) > 1 else {}
    else:
        mapping.lun = lowest_free(array, host, groups)
    return mapping


def lowest_free(array: System, host: Host, groups: list[int]) -> int:
    """The lowest LUN that this host does not use in any of these I/O groups."""
    used = {
        mapping.lun_in(group)
        for mapping in array.seen_by(host)
        for group in array.groups(mapping.volume)
        if group in groups
    }
    return next(number for number in range(len(used) + 1) if number not in used)


def _answer_id(array: System, mapping: Mapping) -> int:
    array.maps_made += 1
    return mapping.lun if array.rules.map_answer_id == "lun" else array.maps_made


def rmvdiskhostmap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    host = find.host(array, call.value("-host"), find.UNKNOWN)
    mapping = array.of_host[host.id].get(volume.id)
    if mapping is None:
        raise Refused(array.rules.unmap_unmapped_code)
    refuse_if_recent(array, volume)
    array.unmap(mapping)
    return ""


def refuse_if_recent(array: System, volume: Volume) -> None:
    """Volume protection: not within some minutes of the last I/O, -force or not."""
    if array.protected(volume):
        raise Refused(array.rules.protection_code, text=PROTECTED)


VERBS = (
    Verb(
        "mkvdiskhostmap",
        mkvdiskhostmap,
        {
            "-force": FLAG,
            "-host": NEEDED,
            "-scsi": VALUE,
            "-allowmismatchedscsiids": Option(takes_value=False, since=EIGHT),
        },
        "required",
        writes=True,
    ),
    Verb("rmvdiskhostmap", rmvdiskhostmap, {"-host": NEEDED}, "required", writes=True),
)
