"""Making and removing mappings of volumes to hosts."""

from flashsystem_operator.simulator import find
from flashsystem_operator.simulator.call import FLAG, NEEDED, VALUE, Call, Option
from flashsystem_operator.simulator.objects import Host, Volume
from flashsystem_operator.simulator.protection import Guard, refuse_if_recent
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import EIGHT, PARTITIONS
from flashsystem_operator.simulator.system import Mapping, System
from flashsystem_operator.simulator.verb import Verb

MOST_LUNS = 2048
ADMINLUNS = 512
"""A host of type adminlun takes LUNs below this."""


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
    if any(("nvme" in other.protocol) != ("nvme" in host.protocol) for other in array.hosts_of(volume)):
        raise Refused("CMMVC9334E")
    if not volume.capacity:
        raise Refused("CMMVC5843E")
    may_differ = call.has("-allowmismatchedscsiids") or array.rules.lun_per_io_group
    mapping = _placed(array, Mapping(host, volume, 0), host, wanted, groups, may_differ=may_differ)
    array.map(mapping)
    return f"Virtual Disk to Host map, id [{_answer_id(array, mapping)}], successfully created\n"


def _wanted(array: System, host: Host, call: Call) -> int | None:
    """The LUN of -scsi; None leaves it to the array. Refused where it is none, or the host takes none."""
    nvme = "nvme" in host.protocol
    if nvme and call.has("-allowmismatchedscsiids"):
        raise Refused("CMMVC9405E")
    if not call.has("-scsi"):
        return None
    if nvme:
        raise Refused("CMMVC9335E")
    if call.has("-allowmismatchedscsiids"):
        raise Refused("CMMVC5713E")
    wanted = lun(array, call.value("-scsi"))
    if host.type == "adminlun" and wanted >= ADMINLUNS:
        raise Refused("CMMVC8668E")
    return wanted


def lun(array: System, word: str) -> int:
    """A word as a LUN: a number from 0, and below the number of mappings that a host may have."""
    if not word.removeprefix("-").isdecimal():
        raise Refused("CMMVC5716E", word)
    if not 0 <= int(word) < (array.limits.luns_per_host or MOST_LUNS):
        raise Refused(array.rules.lun_out_of_range_code, word)
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
    if array.limits.mappings and sum(map(len, array.of_host.values())) >= array.limits.mappings:
        raise Refused("CMMVC5876E")


def others(array: System, volume: Volume, host: Host | None = None) -> bool:
    """Whether anything but this host, or the host cluster that it is in, has the volume."""
    own_cluster = array.cluster_of(host) if host else None
    shared = any(mapping.owner is not own_cluster for mapping in array.shared_of(volume))
    return shared or any(mapping.owner is not host for mapping in array.of_volume[volume.id].values())


def _placed(
    array: System, mapping: Mapping, host: Host, wanted: int | None, groups: list[int], *, may_differ: bool
) -> Mapping:
    """The mapping with its LUN: the wanted one, else the lowest that is free in its I/O groups."""
    if wanted is not None:
        mapping.lun = wanted
    elif may_differ:
        luns = {group: _lowest_free(array, host, [group]) for group in groups}
        mapping.lun = luns[groups[0]]
        mapping.luns = luns if len(set(luns.values())) > 1 else {}
    else:
        mapping.lun = _lowest_free(array, host, groups)
    return mapping


def _lowest_free(array: System, host: Host, groups: list[int]) -> int:
    """The lowest LUN that this host does not use in any of these I/O groups."""
    used: dict[int, set[int]] = {group: set() for group in groups}
    for mapping in array.seen_by(host):
        for group in used.keys() & set(array.groups(mapping.volume)):
            used[group].add(mapping.lun_in(group))
    most, together = array.limits.luns_per_host or MOST_LUNS, set().union(*used.values())
    free = next(number for number in range(len(together) + 1) if number not in together)
    if free < most:
        return free
    full = any(len(luns) >= most for luns in used.values())
    raise Refused("CMMVC9404E" if array.level.at(*PARTITIONS) and not full else "CMMVC5877E")


def _answer_id(array: System, mapping: Mapping) -> int:
    array.maps_made += 1
    return mapping.lun if array.rules.map_answer_id == "lun" else array.maps_made


def rmvdiskhostmap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    host = find.host(array, call.value("-host"), find.UNKNOWN)
    mapping = array.of_host[host.id].get(volume.id)
    if mapping is None:
        shared = any(each.volume is volume for each in array.seen_by(host))
        raise Refused("CMMVC9071E" if shared else array.rules.unmap_unmapped_code)
    refuse_if_recent(array, [volume], Guard.MAPPING)
    array.unmap(mapping)
    return ""


CHANGES = (
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
