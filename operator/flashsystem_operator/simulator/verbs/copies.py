"""FlashCopy: maps and consistency groups, their states, and what volumes show of them."""

from collections.abc import Callable, Iterable

from flashsystem_operator.simulator.console.output import Column, Pair, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import FILTER, FLAG, LS, NEEDED, VALUE, Call, Grammar, Option, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import ConsistencyGroup, FlashCopyMap, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EIGHT, LEGACY_UNTIL, PARTITIONS
from flashsystem_operator.simulator.state.system import ACTIVE, COMPLETE, FlashCopy, System
from flashsystem_operator.simulator.verbs import find

LONGEST_GROUP = 15
"""Characters that the name of a consistency group may have."""
MOST_OF_SOURCE = 256
"""Maps that a volume may be the source of."""
RATES = range(151)
GRAINS = ("64", "256")
STANDS_ALONE = "0"
"""The consistency group of the maps that are in none; it cannot be started, prepared, stopped or removed."""

PREPARE: dict[str, str] = {
    "preparing": "CMMVC5901E",
    "prepared": "CMMVC5902E",
    "copying": "CMMVC5903E",
    "suspended": "CMMVC5904E",
    "stopping": "CMMVC9013E",
}
START: dict[str, str] = {
    "idle_or_copied": "CMMVC5905E",
    "preparing": "CMMVC5906E",
    "copying": "CMMVC5907E",
    "stopped": "CMMVC5908E",
    "suspended": "CMMVC5909E",
    "stopping": "CMMVC9016E",
}
PREPARE_AND_START: dict[str, str] = {
    "preparing": "CMMVC5906E",
    "prepared": "CMMVC5902E",
    "copying": "CMMVC5907E",
    "suspended": "CMMVC5909E",
    "stopping": "CMMVC9016E",
}
"""-prep fails after prestartfcmap; that its code is 5902E is inferred."""
STOP: dict[str, str] = {"preparing": "CMMVC5911E", "stopped": "CMMVC5912E"}
REGROUP: dict[str, str] = {
    "preparing": "CMMVC5913E",
    "prepared": "CMMVC5914E",
    "copying": "CMMVC5915E",
    "suspended": "CMMVC5916E",
    "stopping": "CMMVC9014E",
}
REMOVE: dict[str, str] = {
    "preparing": "CMMVC5896E",
    "prepared": "CMMVC5897E",
    "copying": "CMMVC5898E",
    "suspended": "CMMVC5900E",
    "stopping": "CMMVC9015E",
}
"""What each command refuses: the state of a map, and its code."""


def maps_of(array: System, volume: Volume) -> list[FlashCopy]:
    """Return the maps that a volume is the source or the target of, ordered by id."""
    return [flash for _, flash in sorted(array.flashcopies_of[volume.id].items())]


def of_maps(get: Callable[[FlashCopy], str | int]) -> Callable[[System, Volume], str | int]:
    """Return the getter of a column of lsvdisk about the map of a volume: blank without, `many` for several."""

    def shown(array: System, volume: Volume) -> str | int:
        maps = maps_of(array, volume)
        return get(maps[0]) if len(maps) == 1 else "many" if maps else ""

    return shown


MAP_OF_VOLUME: list[Column[Volume]] = [
    Column("FC_id", of_maps(lambda flash: flash.entry.id)),
    Column("FC_name", of_maps(lambda flash: flash.entry.name)),
]
MAP_COUNT: list[Column[Volume]] = [Column("fc_map_count", lambda array, volume: len(maps_of(array, volume)))]
"""Columns of lsvdisk."""


def refuse_to_remove(array: System, volume: Volume, call: Call) -> None:
    """Refuse rmvdisk (5840E) or rmvolume (8789E) of a volume in a map, unless an option permits it."""
    if maps_of(array, volume) and not (call.has("-force") or call.has("-removefcmaps")):
        raise Refused("CMMVC8789E" if call.verb == "rmvolume" else "CMMVC5840E")


def refuse_to_expand(array: System, volume: Volume, capacity: int) -> None:
    """Refuse to expand a volume to this capacity, in bytes.

    CMMVC9658E if it is the source of an incremental map and would be larger than the target, CMMVC9661E while it is
    filled as a clone. Other sources and targets may be expanded.
    """
    for flash in maps_of(array, volume):
        if flash.source is volume and flash.entry.incremental and capacity > flash.target.capacity:
            raise Refused("CMMVC9658E")
    if volume.volume_type == "clone" and volume.data_to_move and not array.rules.unfinished_clone_expands:
        raise Refused("CMMVC9661E")


def refuse_to_shrink(array: System, volume: Volume, capacity: int) -> None:
    """Refuse to shrink a volume to this capacity, in bytes.

    CMMVC9683E while it is filled as a clone, CMMVC9684E if it is the target of a map, CMMVC9685E if it is the source
    of an active map that was started with a larger size, which is that of the target.
    Source: array-cli-volumes 3.5.
    """
    if volume.volume_type == "clone" and volume.data_to_move:
        raise Refused("CMMVC9683E")
    for flash in maps_of(array, volume):
        if flash.target is volume:
            raise Refused("CMMVC9684E")
        if flash.entry.status in ACTIVE and capacity < flash.target.capacity:
            raise Refused("CMMVC9685E")


def _refuse_states(maps: Iterable[FlashCopy], codes: dict[str, str]) -> None:
    for flash in maps:
        if flash.entry.status in codes:
            raise Refused(codes[flash.entry.status])


def _rate(call: Call, option: str, default: int) -> int:
    given = call.value(option, str(default))
    if not given.isdecimal():
        raise Refused("CMMVC5716E", given)
    if int(given) not in RATES:
        raise Refused("CMMVC5742E", given)
    return int(given)


def _switch(call: Call, option: str) -> bool:
    if call.value(option) not in {"on", "off"}:
        raise Refused("CMMVC5706E", option)
    return call.value(option) == "on"


def _refuse_to_join(array: System, group: ConsistencyGroup, source: Volume, target: Volume, code: str) -> None:
    """Refuse a map in a group that is not idle (code), or where it would continue another map of the group."""
    members = array.members_of(group)
    if any(each.entry.status not in {"idle_or_copied", "stopped"} for each in members):
        raise Refused(code)
    if any(each.target is source for each in members):
        raise Refused("CMMVC6311E")
    if any(each.source is target for each in members):
        raise Refused("CMMVC6312E")


def refuse_pair(array: System, source: Volume, target: Volume) -> None:
    """Refuse a new map between two volumes that cannot have one. The order of the checks is not documented."""
    if source is target:
        raise Refused("CMMVC6303E")
    targeted = [flash for flash in maps_of(array, target) if flash.target is target]
    if targeted:
        raise Refused("CMMVC6466E" if targeted[0].source is source else "CMMVC6467E")
    if source.volume_type or target.volume_type:
        raise Refused("CMMVC9863E")
    for volume, code in ((source, "CMMVC9860E"), (target, "CMMVC9861E")):
        if array.snapshots_of.get(volume.uid):
            raise Refused(code)
    if source.capacity != target.capacity:
        raise Refused("CMMVC5924E")
    if len([flash for flash in maps_of(array, source) if flash.source is source]) >= MOST_OF_SOURCE:
        raise Refused("CMMVC6302E")


def mkfcmap(array: System, call: Call) -> str:
    source = find.live_volume(array, call.value("-source"), "CMMVC6304E")
    target = find.live_volume(array, call.value("-target"), "CMMVC6305E")
    name = model.name(call.value("-name")) if call.has("-name") else ""
    rates = _rate(call, "-copyrate", 50), _rate(call, "-cleanrate", 50)
    if call.value("-grainsize", "256") not in GRAINS:
        raise Refused("CMMVC5706E", "-grainsize")
    refuse_pair(array, source, target)
    if name in array.flashcopy_named:
        raise Refused("CMMVC6035E")
    group = ""
    if call.value("-consistgrp", STANDS_ALONE) != STANDS_ALONE:
        found = find.consistency_group(array, call.value("-consistgrp"), "CMMVC6301E")
        _refuse_to_join(array, found, source, target, "CMMVC5920E")
        group = found.name
    reverse = _partner(array, source, target)
    number = array.flashcopy_ids.take()
    entry = FlashCopyMap(
        id=number,
        name=name or _unused("fcmap", number, array.flashcopy_named),
        source=source.name,
        target=target.name,
        consistency_group=group,
        copy_rate=rates[0],
        clean_rate=rates[1],
        grain_size=64 if call.value("-grainsize") == "64" else 256,
        autodelete=call.has("-autodelete"),
        incremental=call.has("-incremental") or bool(reverse and reverse.entry.incremental),
        keep_target=call.has("-keeptarget"),
    )
    if reverse and entry.incremental:
        reverse.entry.incremental = True
    array.add_flashcopy(FlashCopy(entry, source, target))
    return f"FlashCopy Mapping, id [{number}], successfully created\n"


def _unused(prefix: str, number: int, taken: Iterable[str]) -> str:
    """Return the name that the array gives to an object without one."""
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def _partner(array: System, source: Volume, target: Volume) -> FlashCopy | None:
    """Return the map in the opposite direction of this pair."""
    maps = maps_of(array, source)
    return next((flash for flash in maps if flash.target is source and flash.source is target), None)


def chfcmap(array: System, call: Call) -> str:
    flash = find.flashcopy(array, call.object, "CMMVC6310E")
    entry = flash.entry
    if not call.options:
        raise Refused("CMMVC5733E")
    if call.has("-name"):
        if len(call.options) > 1:
            raise Refused("CMMVC5713E")
        name = model.name(call.value("-name"))
        if array.flashcopy_named.get(name, flash) is not flash:
            raise Refused("CMMVC6035E")
        del array.flashcopy_named[entry.name]
        entry.name = name
        array.flashcopy_named[name] = flash
        return ""
    rates = _rate(call, "-copyrate", entry.copy_rate), _rate(call, "-cleanrate", entry.clean_rate)
    autodelete = _switch(call, "-autodelete") if call.has("-autodelete") else entry.autodelete
    if call.has("-consistgrp"):
        _refuse_states([flash], REGROUP)
        group = ""
        if call.value("-consistgrp") != STANDS_ALONE:
            found = find.consistency_group(array, call.value("-consistgrp"), "CMMVC6301E")
            if found.name != entry.consistency_group:
                _refuse_to_join(array, found, flash.source, flash.target, "CMMVC5921E")
            group = found.name
        entry.consistency_group = group
    entry.copy_rate, entry.clean_rate, entry.autodelete = *rates, autodelete
    array.settle()
    return ""


def _chosen(array: System, call: Call, group_0: str, empty: str) -> list[FlashCopy]:
    """Return the map that a command names, or the maps of the consistency group.

    CMMVC6030E for a single map of a group. group_0, empty: the codes for group 0 and for a group without maps.
    """
    if call.verb.endswith("fcmap"):
        flash = find.flashcopy(array, call.object)
        if flash.entry.consistency_group:
            raise Refused("CMMVC6030E")
        return [flash]
    if call.object == STANDS_ALONE:
        raise Refused(group_0)
    members = array.members_of(find.consistency_group(array, call.object))
    if not members:
        raise Refused(empty)
    return members


def _refuse_targets(array: System, call: Call, maps: list[FlashCopy]) -> None:
    """Refuse to overwrite the targets of maps, or to copy sources that have snapshots."""
    for flash in maps:
        others = [each for each in maps_of(array, flash.target) if each.source is flash.target]
        active = [each for each in others if each.entry.status in ACTIVE]
        if any(each.entry.restoring for each in active):
            raise Refused("CMMVC6468E")
        if active and not call.has("-restore"):
            raise Refused(array.rules.restore_needed_code)
        if array.snapshots_of.get(flash.source.uid):
            raise Refused("CMMVC9862E")


def prestart(array: System, call: Call) -> str:
    maps = _chosen(array, call, "CMMVC6502E", "CMMVC6031E")
    _refuse_states(maps, PREPARE)
    _refuse_targets(array, call, maps)
    _prepare(array, maps)
    return ""


def _prepare(array: System, maps: Iterable[FlashCopy]) -> None:
    for flash in maps:
        if flash.entry.status == "stopped":
            flash.target.status = "online"
        flash.entry.status = "preparing" if array.rules.slow_prepare else "prepared"
        flash.entry.progress = 0


def start(array: System, call: Call) -> str:
    """Start maps. With -prep and `slow_prepare` they are prepared instead, which the array reports as 8984E."""
    maps = _chosen(array, call, "CMMVC5890E", "CMMVC6031E")
    _refuse_states(maps, PREPARE_AND_START if call.has("-prep") else START)
    if any(flash.source.capacity != flash.target.capacity for flash in maps):
        raise Refused("CMMVC9663E" if call.verb == "startfcmap" else "CMMVC9664E")
    _refuse_targets(array, call, maps)
    if any(array.protected(flash.target) for flash in maps):
        raise Refused("CMMVC9406E")
    if call.has("-prep"):
        _prepare(array, maps)
        if array.rules.slow_prepare:
            raise Refused("CMMVC8984E")
    for flash in maps:
        flash.entry.status, flash.entry.start_time = "copying", array.now()
        flash.entry.restoring = call.has("-restore")
    array.settle()
    return ""


def stop(array: System, call: Call) -> str:
    """Stop maps. The target of a copy that is not complete goes offline; a map that is idle stays as it is."""
    maps = [
        flash for flash in _chosen(array, call, "CMMVC6503E", "CMMVC5990E") if flash.entry.status != "idle_or_copied"
    ]
    _refuse_states(maps, STOP)
    early = [flash for flash in maps if flash.entry.progress < COMPLETE]
    if call.has("-split") and (early or any(flash.entry.restoring for flash in maps)):
        raise Refused("CMMVC6469E")
    stopped = list(early)
    for flash in stopped:  # it grows by what depends on the targets, directly or not
        stopped += [each for each in array.dependants(flash) if each not in stopped]
    if any(flash not in maps for flash in stopped) and not call.has("-force"):
        raise Refused("CMMVC9055E")
    for flash in stopped:
        flash.entry.status, flash.entry.restoring = "stopped", False
    for flash in maps:
        if flash not in early:
            flash.entry.status = "idle_or_copied" if call.has("-split") else "stopping"
    array.settle()
    return ""


def rmfcmap(array: System, call: Call) -> str:
    flash = find.flashcopy(array, call.object, "CMMVC5889E")
    _refuse_states([flash], REMOVE)
    if flash.entry.status == "stopped" and not call.has("-force"):
        raise Refused("CMMVC5899E")
    array.remove_flashcopy(flash)
    array.settle()
    return ""


def _group_name(array: System, call: Call) -> str:
    name = model.name(call.value("-name"))
    if len(name) > LONGEST_GROUP:
        raise Refused("CMMVC5738E", name)
    if name in array.consistency_group_named:
        raise Refused("CMMVC5892E")
    return name


def mkfcconsistgrp(array: System, call: Call) -> str:
    name = _group_name(array, call) if call.has("-name") else ""
    number = array.consistency_group_ids.take()
    name = name or _unused("fccstgrp", number, array.consistency_group_named)
    array.add_consistency_group(ConsistencyGroup(id=number, name=name, autodelete=call.has("-autodelete")))
    return f"FlashCopy Consistency Group, id [{number}], successfully created\n"


def chfcconsistgrp(array: System, call: Call) -> str:
    group = find.consistency_group(array, call.object)
    if not call.options:
        raise Refused("CMMVC5733E")
    autodelete = _switch(call, "-autodelete") if call.has("-autodelete") else group.autodelete
    if call.has("-name") and call.value("-name") != group.name:
        name, members = _group_name(array, call), array.members_of(group)
        del array.consistency_group_named[group.name]
        group.name = name
        array.consistency_group_named[name] = group
        for flash in members:
            flash.entry.consistency_group = name
    group.autodelete = autodelete
    return ""


def rmfcconsistgrp(array: System, call: Call) -> str:
    if call.object == STANDS_ALONE:
        raise Refused("CMMVC5894E")
    group = find.consistency_group(array, call.object)
    if array.members_of(group) and not call.has("-force"):
        raise Refused("CMMVC5895E")
    array.remove_consistency_group(group)
    return ""


RESTORE: Grammar = {"-restore": FLAG}
START_OPTIONS: Grammar = {"-prep": FLAG, **RESTORE}
STOP_OPTIONS: Grammar = {"-force": FLAG, "-split": FLAG}
RATE_OPTIONS: Grammar = dict.fromkeys(("-consistgrp", "-copyrate", "-cleanrate"), VALUE)


def _change(name: str, run: Callable[[System, Call], str], grammar: Grammar) -> Verb:
    return Verb(name, run, grammar, "required", writes=True, since=LEGACY_UNTIL)


CHANGES = (
    Verb(
        "mkfcmap",
        mkfcmap,
        {
            **dict.fromkeys(("-source", "-target"), NEEDED),
            **RATE_OPTIONS,
            **dict.fromkeys(("-name", "-grainsize", "-iogrp"), VALUE),
            **dict.fromkeys(("-autodelete", "-incremental", "-keeptarget"), FLAG),
        },
        writes=True,
        since=LEGACY_UNTIL,
    ),
    _change("chfcmap", chfcmap, {**RATE_OPTIONS, "-name": VALUE, "-autodelete": VALUE}),
    _change("prestartfcmap", prestart, RESTORE),
    _change("startfcmap", start, START_OPTIONS),
    _change("stopfcmap", stop, STOP_OPTIONS),
    _change("rmfcmap", rmfcmap, {"-force": FLAG}),
    Verb("mkfcconsistgrp", mkfcconsistgrp, {"-name": VALUE, "-autodelete": FLAG}, writes=True, since=LEGACY_UNTIL),
    _change("chfcconsistgrp", chfcconsistgrp, {"-name": VALUE, "-autodelete": VALUE}),
    _change("prestartfcconsistgrp", prestart, RESTORE),
    _change("startfcconsistgrp", start, START_OPTIONS),
    _change("stopfcconsistgrp", stop, STOP_OPTIONS),
    _change("rmfcconsistgrp", rmfcconsistgrp, {"-force": FLAG}),
)


def on_off(value: bool) -> str:
    return "on" if value else "off"


def group_id(array: System, flash: FlashCopy) -> str | int:
    group = array.consistency_group_named.get(flash.entry.consistency_group)
    return group.id if group else ""


def partner(get: Callable[[FlashCopy], str | int]) -> Callable[[System, FlashCopy], str | int]:
    """Return the getter of a column about the map in the opposite direction; blank without one."""

    def shown(array: System, flash: FlashCopy) -> str | int:
        found = _partner(array, flash.source, flash.target)
        return get(found) if found else ""

    return shown


HEAD: list[Column[FlashCopy]] = [
    Column("id", lambda _, flash: flash.entry.id),
    Column("name", lambda _, flash: flash.entry.name),
    Column("source_vdisk_id", lambda _, flash: flash.source.id),
    Column("source_vdisk_name", lambda _, flash: flash.source.name),
    Column("target_vdisk_id", lambda _, flash: flash.target.id),
    Column("target_vdisk_name", lambda _, flash: flash.target.name),
    Column("group_id", group_id),
    Column("group_name", lambda _, flash: flash.entry.consistency_group),
    Column("status", lambda _, flash: flash.entry.status),
    Column("progress", lambda _, flash: flash.entry.progress),
    Column("copy_rate", lambda _, flash: flash.entry.copy_rate),
]
CLEAN_PROGRESS: Column[FlashCopy] = Column("clean_progress", lambda _, _flash: COMPLETE)
INCREMENTAL: Column[FlashCopy] = Column("incremental", lambda _, flash: on_off(flash.entry.incremental))
PARTNER: list[Column[FlashCopy]] = [
    Column("partner_FC_id", partner(lambda flash: flash.entry.id)),
    Column("partner_FC_name", partner(lambda flash: flash.entry.name)),
    Column("restoring", lambda _, flash: "yes" if flash.entry.restoring else "no"),
]
START_TIME: Column[FlashCopy] = Column("start_time", lambda _, flash: flash.entry.start_time)
CONCISE: list[Column[FlashCopy]] = [
    *HEAD,
    CLEAN_PROGRESS,
    INCREMENTAL,
    *PARTNER,
    START_TIME,
    *blank("rc_controlled", value="no"),
]
DETAILED: list[Column[FlashCopy]] = [
    *HEAD,
    START_TIME,
    Column("dependent_mappings", lambda array, flash: len(array.dependants(flash))),
    Column("autodelete", lambda _, flash: on_off(flash.entry.autodelete)),
    CLEAN_PROGRESS,
    Column("clean_rate", lambda _, flash: flash.entry.clean_rate),
    INCREMENTAL,
    Column("difference", lambda _, flash: COMPLETE - flash.entry.progress),
    Column("grain_size", lambda _, flash: flash.entry.grain_size),
    Column("IO_group_id", lambda _, flash: flash.source.io_group),
    Column("IO_group_name", lambda _, flash: f"io_grp{flash.source.io_group}"),
    *PARTNER,
    *blank("rc_controlled", value="no"),
    Column("keep_target", lambda _, flash: "yes" if flash.entry.keep_target else "no", EIGHT),
    *blank("type", EIGHT, value="generic"),
    Column("restore_progress", lambda _, flash: flash.entry.progress if flash.entry.restoring else 0, EIGHT),
    *blank("fc_controlled", EIGHT, value="no"),
    *blank("owner_id owner_name", EIGHT),
    Column(
        "size_mismatch",
        lambda _, flash: "no" if flash.source.capacity == flash.target.capacity else "yes",
        PARTITIONS,
    ),
    Column("size_capacity", lambda _, flash: Size(flash.source.capacity), PARTITIONS),
    *blank("is_snapshot", PARTITIONS, value="no"),
    *blank("snapshot_id", PARTITIONS),
]


def lsfcmap(array: System, call: Call) -> str:
    """List the user's maps. -showhidden adds none: the maps behind snapshots and clones are not simulated."""
    if call.object:
        return detailed(call, pairs(array, DETAILED, find.flashcopy(array, call.object, find.UNKNOWN)))
    return concise(array, call, CONCISE, [flash for _, flash in sorted(array.flashcopies.items())])


def lsfcmapprogress(array: System, call: Call) -> str:
    columns: list[Column[FlashCopy]] = [HEAD[0], Column("progress", lambda _, flash: flash.entry.progress)]
    return concise(array, call, columns, [find.flashcopy(array, call.object, find.UNKNOWN)])


def lsvdiskfcmappings(array: System, call: Call) -> str:
    """List the FlashCopy maps of a volume. IBM's guide passes it as the object, Cinder as -vdisk: both work."""
    name = call.value("-vdisk") or call.object
    if not name:
        raise Refused("CMMVC5701E")
    volume = find.volume(array, name, array.rules.volume_unknown_code)
    return concise(array, call, HEAD[:2], maps_of(array, volume))


def group_status(array: System, group: ConsistencyGroup) -> str:
    """Return the state of the maps of a group; a map that is complete does not count while others are not."""
    states = {flash.entry.status for flash in array.members_of(group)}
    return min(states, key=lambda state: (state == "idle_or_copied", state), default="empty")


GROUP: list[Column[ConsistencyGroup]] = [
    Column("id", lambda _, group: group.id),
    Column("name", lambda _, group: group.name),
    Column("status", group_status),
    Column(
        "start_time",
        lambda array, group: max((flash.entry.start_time for flash in array.members_of(group)), default=""),
    ),
    *blank("owner_id owner_name", EIGHT),
]


def lsfcconsistgrp(array: System, call: Call) -> str:
    """List the consistency groups, or one with its maps. A filter with an object is an error (5709E is inferred)."""
    if not call.object:
        return concise(array, call, GROUP, [group for _, group in sorted(array.consistency_groups.items())])
    if call.has("-filtervalue"):
        raise Refused("CMMVC5709E", "-filtervalue")
    group = find.consistency_group(array, call.object, find.UNKNOWN)
    details = pairs(array, GROUP, group)
    details.insert(3, ("autodelete", on_off(group.autodelete)))
    members: list[Pair] = []
    for flash in array.members_of(group):
        members += [("FC_mapping_id", flash.entry.id), ("FC_mapping_name", flash.entry.name)]
    return detailed(call, [*details, *members])


HIDDEN: Grammar = {"-showhidden": Option(takes_value=False, since=EIGHT)}
READS = (
    Verb("lsfcmap", lsfcmap, {**LS, **FILTER, **HIDDEN}, "optional", since=LEGACY_UNTIL),
    Verb("lsfcmapprogress", lsfcmapprogress, LS, "required", since=LEGACY_UNTIL),
    Verb("lsvdiskfcmappings", lsvdiskfcmappings, {**LS, "-vdisk": VALUE}, "optional", since=LEGACY_UNTIL),
    Verb("lsfcconsistgrp", lsfcconsistgrp, {**LS, **FILTER}, "optional", since=LEGACY_UNTIL),
)
