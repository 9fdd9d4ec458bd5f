"""Volumes are created, changed, resized and removed."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from flashsystem_operator.simulator.console.parser import FLAG, NEEDED, UNITS, VALUE, Call, Grammar, Option, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import Host, Pool, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import CLONES, COMPRESSION, LEGACY_UNTIL, PORTSET_TYPES, VOLUMES
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import copies, find, snapshots, throttles
from flashsystem_operator.simulator.verbs.mappings import others
from flashsystem_operator.simulator.verbs.protection import Guard, refuse_if_recent

BLOCK = 512
LARGEST = 256 << 40
MOST_BYTES = (1 << 64) - 1
CACHES = ("readwrite", "readonly", "none")
GRAINS = ("32", "64", "128", "256")
MOST_COPIES = 2
HUNDRED_PERCENT = 100
BUFFER_PERCENT = 2
"""Real capacity of a thin volume beyond what is used, without -buffersize."""
WARNING_PERCENT = 80
THIN_ONLY = ("autoexpand", "warning", "grainsize", "compressed")
"""Options of mkvdisk that need -rsize."""


def _unit(call: Call) -> int:
    """Return the bytes of -unit: powers of 1024, by default 1 MB. CMMVC5706E if it is unknown."""
    unit = call.value("-unit", "mb")
    if unit not in UNITS:
        raise Refused("CMMVC5706E", "-unit")
    return UNITS[unit]


def _size(call: Call) -> int:
    """Return the -size of a command in bytes: CMMVC5716E if it is not a whole number, CMMVC6562E if it is too large."""
    unit, size = _unit(call), call.value("-size")
    if not size.isdecimal():
        raise Refused("CMMVC5716E", size)
    if int(size) * unit > MOST_BYTES:
        raise Refused("CMMVC6562E")
    return int(size) * unit


def _portion(call: Call, option: str, whole: int) -> int:
    """Return the bytes of a value that is a size or a percentage of the whole."""
    text = call.value(option)
    number = text.removesuffix("%")
    if not number.isdecimal():
        raise Refused("CMMVC5716E", text)
    if number == text:
        return int(number) * _unit(call)
    if int(number) > HUNDRED_PERCENT:
        raise Refused("CMMVC5742E", text)
    return whole * int(number) // HUNDRED_PERCENT // BLOCK * BLOCK


def _warning(call: Call, capacity: int) -> int:
    """Return the threshold of -warning in percent of the capacity."""
    threshold = _portion(call, "-warning", capacity)
    if threshold % BLOCK:
        raise Refused("CMMVC6337E")
    if threshold > capacity:
        raise Refused("CMMVC6338E")
    return -(-threshold * HUNDRED_PERCENT // capacity) if capacity else 0


def _capacity(array: System, call: Call) -> int:
    """Return the size of a new volume."""
    capacity = _size(call)
    if capacity % BLOCK:
        raise Refused("CMMVC7019E")
    if capacity > LARGEST:
        raise Refused("CMMVC7018E")
    if array.level.legacy and capacity < array.rules.smallest_legacy_volume:
        raise Refused("CMMVC7301E")
    return capacity


def _refuse_first(rules: Iterable[tuple[bool, str]]) -> None:
    """Refuse with the code of the first rule that is broken."""
    for broken, code in rules:
        if broken:
            raise Refused(code)


def _rules_of_thin_copies(call: Call, *, thin: bool, reducing: bool) -> list[tuple[bool, str]]:
    """Return the rules that mkvdisk and mkvolume share. reducing: in a data reduction pool."""
    return [
        (reducing and call.has("-warning"), "CMMVC9236E"),
        (reducing and call.has("-grainsize"), "CMMVC9235E"),
        (reducing and thin and call.value("-cache", "readwrite") != "readwrite", "CMMVC9176E"),
        (call.value("-grainsize", "256") not in GRAINS, "CMMVC6336E"),
    ]


def _is_reducing(pools: Iterable[Pool]) -> bool:
    return any(pool.data_reduction == "yes" for pool in pools)


def _thin_by_mkvdisk(array: System, call: Call, pools: list[Pool], capacity: int) -> dict[str, Any]:
    """Check the options for thin and compressed copies of mkvdisk, and return these fields of the volume.

    In a data reduction pool the value of -rsize is ignored, -autoexpand is required, and the pool decides the rest.
    """
    thin, compressed, reducing = call.has("-rsize"), call.has("-compressed"), _is_reducing(pools)
    striped = call.value("-vtype", "striped") == "striped"
    _refuse_first(
        [
            (not striped, "CMMVC9175E" if reducing else "CMMVC5830E"),
            (any(call.has(f"-{name}") for name in THIN_ONLY) and not thin, "CMMVC5707E"),
            (compressed and call.has("-grainsize"), "CMMVC5713E"),
            (reducing and thin and call.has("-easytier"), "CMMVC9247E"),
            (reducing and thin and not call.has("-autoexpand"), array.rules.drp_autoexpand_code),
            *_rules_of_thin_copies(call, thin=thin, reducing=reducing),
        ]
    )
    if not thin:
        return {}
    reserve = 0 if reducing else _portion(call, "-rsize", capacity)
    if reserve % BLOCK:
        raise Refused("CMMVC6340E")
    autoexpand = "on" if call.has("-autoexpand") else "off"
    return {"thin": True, "compressed": compressed, "autoexpand": autoexpand, **_sizes(call, capacity, reserve)}


def _thin_by_mkvolume(call: Call, pools: list[Pool], capacity: int) -> dict[str, Any]:
    """Check the options for thin, compressed and deduplicated copies of mkvolume, and return these fields."""
    thin, compressed, reducing = call.has("-thin"), call.has("-compressed"), _is_reducing(pools)
    deduplicated, saves = call.has("-deduplicated"), thin or compressed
    of_saving = any(
        call.has(f"-{name}") for name in ("deduplicated", "buffersize", "warning", "noautoexpand", "grainsize")
    )
    _refuse_first(
        [
            (thin and compressed, "CMMVC5713E"),
            (of_saving and not saves, "CMMVC5707E"),
            (deduplicated and any(pool.data_reduction == "no" for pool in pools), "CMMVC9301E"),
            (reducing and call.has("-buffersize"), "CMMVC9250E"),
            (reducing and call.has("-noautoexpand"), "CMMVC9177E"),
            *_rules_of_thin_copies(call, thin=saves, reducing=reducing),
        ]
    )
    if not saves:
        return {}
    standard = capacity * BUFFER_PERCENT // HUNDRED_PERCENT // BLOCK * BLOCK
    reserve = _portion(call, "-buffersize", capacity) if call.has("-buffersize") else standard
    return {
        "thin": thin,
        "compressed": compressed,
        "deduplicated": deduplicated,
        "autoexpand": "off" if call.has("-noautoexpand") else "on",
        **_sizes(call, capacity, 0 if reducing else reserve),
    }


def _sizes(call: Call, capacity: int, reserve: int) -> dict[str, int]:
    warning = _warning(call, capacity) if call.has("-warning") else WARNING_PERCENT
    return {"reserve": reserve, "warning": warning, "grainsize": int(call.value("-grainsize", "256"))}


def _io_groups(array: System, call: Call, code: str) -> tuple[int, list[int], int]:
    """Return the caching I/O group, the access I/O groups and the preferred node of a new volume.

    Without -iogrp the array chooses the group with the fewest volumes of those that have nodes.
    """
    with_nodes = {node.io_group for node in array.nodes.values() if node.io_group is not None}
    wants_node = next((call.value(option) for option in ("-node", "-preferrednode") if call.has(option)), "")
    if call.has("-iogrp"):
        [group] = find.io_groups([call.value("-iogrp")], code)
        if group not in with_nodes:
            raise Refused("CMMVC5828E")
    elif wants_node or call.has("-accessiogrp"):
        raise Refused("CMMVC5707E")
    else:
        volumes = Counter(volume.io_group for volume in array.volumes.values())
        group = min(with_nodes or {0}, key=lambda each: (volumes[each], each))
    access = find.io_groups(call.listed("-accessiogrp", ":"), code) if call.has("-accessiogrp") else []
    if access and group not in access:
        raise Refused("CMMVC9409E")
    nodes = [node for _, node in sorted(array.nodes.items()) if node.io_group == group]
    node = next((node for node in nodes if wants_node in {node.name, str(node.id)}), None)
    if wants_node and node is None:
        raise Refused("CMMVC5831E")
    return group, access, node.id if node else min((each.id for each in nodes), default=1)


def _add(array: System, call: Call, volume: Volume, stem: str, full_code: str) -> None:
    """Check the name and the pools of a new volume, and add it. stem: of the name that it gets without -name."""
    name = model.name(call.value("-name")) if call.has("-name") else ""
    if name in array.volume_named:
        raise Refused("CMMVC6035E")
    if any(array.is_offline(pool) for pool in volume.pools):
        saves = not volume.is_fully_allocated and array.is_in_data_reduction(volume)
        raise Refused("CMMVC9284E" if saves else "CMMVC5782E")
    if not array.has_room((pool, array.occupied(volume, pool)) for pool in volume.pools):
        raise Refused(full_code)
    array.create_volume(volume, name, stem)


def _group(array: System, call: Call) -> str:
    """Return the name of the volume group that a command names; empty without one."""
    return find.volume_group(array, call.value("-volumegroup")).name if call.has("-volumegroup") else ""


def _new(array: System, call: Call, pools: list[Pool], capacity: int, fields: dict[str, Any], code: str) -> Volume:
    """Return a volume that was not added yet: its name, id and UID are those of none."""
    group, access, node = _io_groups(array, call, code)
    if call.value("-cache", "readwrite") not in CACHES:
        raise Refused("CMMVC5706E", "-cache")
    formats = not (array.level.legacy or fields or len(pools) > 1 or call.has("-nofmtdisk") or not capacity)
    return Volume(
        id=0,
        name="new",
        capacity=capacity,
        pool=pools[0].name,
        mirror_pool=pools[1].name if len(pools) > 1 else "",
        io_group=group,
        access_io_groups=access,
        preferred_node=node,
        cache=call.value("-cache", "readwrite"),
        udid=call.value("-udid"),
        open_access_scsi_id=call.value("-open_access_scsi_id"),
        volume_group=_group(array, call),
        formatted="yes" if formats else "no",
        formatting="yes" if formats and array.rules.formats_new_volumes else "no",
        **fields,
    )


def _created(array: System, kind: str, volume: Volume) -> str:
    stop = "." if array.rules.full_stop_after_creation else ""
    return f"{kind}, id [{volume.id}], successfully created{stop}\n"


def mkvdisk(array: System, call: Call) -> str:
    pools = [find.pool(array, name) for name in call.listed("-mdiskgrp", ":")]
    count = call.value("-copies", "1")
    if count not in {"1", "2"}:
        raise Refused("CMMVC6352E")
    if len(pools) != int(count):
        raise Refused("CMMVC6526E")
    capacity = _capacity(array, call)
    thin = _thin_by_mkvdisk(array, call, pools, capacity)
    volume = _new(array, call, pools, capacity, thin, "CMMVC6596E")
    _add(array, call, volume, "vdisk", "CMMVC5860E")
    return _created(array, "Virtual Disk", volume)


def mkvolume(array: System, call: Call) -> str:
    """Create a volume with one copy, or a mirrored one in two pools. HyperSwap volumes cannot be created.

    With -type: a clone or thin clone of one volume of a snapshot.
    """
    source = snapshots.source_of_clone(array, call) if call.options.keys() & snapshots.CLONE.keys() else None
    pools = [find.pool(array, name) for name in call.listed("-pool", ":")]
    if len(pools) > MOST_COPIES:
        raise Refused("CMMVC8712E")
    groups = call.listed("-iogrp", ":")
    if len(groups) > 1 and call.has("-preferrednode"):
        raise Refused("CMMVC5713E")
    if len(groups) > 1 and source:
        raise Refused("CMMVC5706E", "-iogrp")
    if len(groups) > 1:
        raise Refused("CMMVC8708E" if len(groups) == len(pools) else "CMMVC8714E")
    if not (source or call.has("-size")):
        raise Refused("CMMVC5707E")
    capacity = source.capacity if source else _capacity(array, call)
    if not capacity and source is None:
        raise Refused("CMMVC5702E", call.value("-size"))
    fields = _thin_by_mkvolume(call, pools, capacity)
    if source:
        fields |= source.fields(array)
    volume = _new(array, call, pools, capacity, fields, "CMMVC8879E")
    if volume.deduplicated and any(
        other.compressed and other.io_group == volume.io_group and not array.is_in_data_reduction(other)
        for other in array.volumes.values()
    ):
        raise Refused("CMMVC9292E")
    _add(array, call, volume, source.stem(array) if source else "volume", array.rules.mkvolume_full_code)
    array.settle()  # with the rule copies_complete_at_once a clone is complete
    return _created(array, "Volume", volume)


Apply = Callable[[], None]


def _fields(volume: Volume, **fields: object) -> Apply:
    def set_them() -> None:
        for field, value in fields.items():
            setattr(volume, field, value)

    return set_them


def rename(array: System, volume: Volume, call: Call) -> Apply:
    name = model.name(call.value("-name"))
    if array.volume_named.get(name, volume) is not volume:
        raise Refused("CMMVC6035E")
    return lambda: array.rename_volume(volume, name)


def limit_rate(array: System, volume: Volume, call: Call) -> Apply:
    """Limit IOPS, or MB/s with -unitmb, by a throttle. 0 ends the limit; that it removes the throttle is unproven."""
    in_mb = call.has("-unitmb")
    rate = throttles.limit(call.value("-rate"), throttles.MOST_BANDWIDTH if in_mb else throttles.MOST_IOPS)
    if not rate:
        return lambda: array.remove_throttle(array.throttle_of(volume))

    def limit() -> None:
        throttle = array.throttle_of(volume) or throttles.add(array, volume)
        throttle.iops, throttle.bandwidth = (None, rate) if in_mb else (rate, None)

    return limit


def set_cache(array: System, volume: Volume, call: Call) -> Apply:
    mode = call.value("-cache")
    if mode not in CACHES:
        raise Refused("CMMVC5706E", "-cache")
    if mode == volume.cache:
        raise Refused("CMMVC6570E")
    if array.is_in_data_reduction(volume) and not volume.is_fully_allocated:
        raise Refused("CMMVC9237E")
    return _fields(volume, cache=mode)


def _refuse_without_threshold(array: System, volume: Volume, call: Call, reducing_code: str) -> None:
    """Refuse what only thin and compressed copies of a standard pool have."""
    if array.is_in_data_reduction(volume):
        raise Refused(reducing_code)
    if volume.is_fully_allocated:
        raise Refused("CMMVC6341E")
    if call.has("-copy") and call.value("-copy") not in {str(number) for number in range(len(volume.pools))}:
        raise Refused("CMMVC6353E")


def set_warning(array: System, volume: Volume, call: Call) -> Apply:
    _refuse_without_threshold(array, volume, call, "CMMVC9238E")
    return _fields(volume, warning=_warning(call, volume.capacity))


def set_autoexpand(array: System, volume: Volume, call: Call) -> Apply:
    if call.value("-autoexpand") not in {"on", "off"}:
        raise Refused("CMMVC5706E", "-autoexpand")
    _refuse_without_threshold(array, volume, call, "CMMVC9184E")
    return _fields(volume, autoexpand=call.value("-autoexpand"))


def set_group(array: System, volume: Volume, call: Call) -> Apply:
    return _fields(volume, volume_group=_group(array, call))


PROPERTIES: dict[str, Callable[[System, Volume, Call], Apply]] = {
    "-name": rename,
    "-rate": limit_rate,
    "-cache": set_cache,
    "-warning": set_warning,
    "-autoexpand": set_autoexpand,
    "-volumegroup": set_group,
    "-novolumegroup": set_group,
    "-udid": lambda _, volume, call: _fields(volume, udid=call.value("-udid")),
    "-open_access_scsi_id": lambda _, volume, call: _fields(
        volume, open_access_scsi_id=call.value("-open_access_scsi_id")
    ),
}


MODIFIERS = {"-unitmb": ("-rate",), "-unit": ("-warning",), "-copy": ("-warning", "-autoexpand")}
"""Options that belong to a property, and are refused without it."""


def chvdisk(array: System, call: Call) -> str:
    """Change one property of a volume: CMMVC5713E for two, unless a rule allows them; CMMVC5733E for none."""
    volume = find.live_volume(array, call.object)
    chosen = [option for option in PROPERTIES if call.has(option)]
    both = {"-volumegroup", "-novolumegroup"} <= call.options.keys()
    if not chosen:
        raise Refused("CMMVC5733E")
    if any(call.has(option) and not set(owners) & set(chosen) for option, owners in MODIFIERS.items()):
        raise Refused("CMMVC5707E")
    if both or (len(chosen) > 1 and array.rules.one_property_per_chvdisk):
        raise Refused("CMMVC5713E")
    for apply in [PROPERTIES[option](array, volume, call) for option in chosen]:
        apply()
    return ""


def _is_in_hyperswap(array: System, volume: Volume) -> bool:
    return bool(volume.rc_name or volume.rc_id) and array.state.system.topology == "hyperswap"


def _refuse_if_replicated(array: System, volume: Volume, primary_code: str, secondary_code: str = "") -> None:
    """Refuse to resize a replicated volume. An empty code permits it for the volume with this role.

    Of a Metro or Global Mirror relationship the secondary is expanded first, and the primary is shrunk first.
    """
    if _is_in_hyperswap(array, volume):
        raise Refused("CMMVC9205E")
    if volume.replication_mode == "recovery":
        raise Refused("CMMVC9825E")
    code = secondary_code if volume.function == "aux" else primary_code
    if code and (volume.rc_id or volume.rc_name):
        raise Refused(code)


def expandvdisksize(array: System, call: Call) -> str:
    """Enlarge a volume by -size: typed twice it grows twice. A refused increase changes nothing."""
    volume = find.live_volume(array, call.object)
    more = _size(call)
    if not more:
        raise Refused("CMMVC6010E")
    if array.rules.expand_rounds_up:
        more = -(-more // UNITS["mb"]) * UNITS["mb"]
    if more % BLOCK:
        raise Refused("CMMVC7019E")
    if volume.capacity + more > LARGEST:
        raise Refused("CMMVC7018E")
    _refuse_if_replicated(array, volume, array.rules.expand_replicated_code)
    if volume.formatting == "yes" and array.rules.formatting_blocks_expand:
        raise Refused("CMMVC8587E")
    if any(array.is_offline(pool) for pool in volume.pools):
        raise Refused("CMMVC5782E")
    grown = volume.model_copy(update={"capacity": volume.capacity + more})
    growth = [(pool, array.occupied(grown, pool) - array.occupied(volume, pool)) for pool in volume.pools]
    if not array.has_room(growth):
        raise Refused("CMMVC5860E")
    copies.refuse_to_expand(array, volume, grown.capacity)
    array.resize_volume(volume, grown.capacity)
    return ""


def shrinkvdisksize(array: System, call: Call) -> str:
    """Cut the end of a volume off, whatever it holds, and also while hosts have it mapped."""
    volume = find.live_volume(array, call.object)
    less = _size(call)
    if less % BLOCK:
        raise Refused("CMMVC7019E")
    if less >= volume.capacity:
        raise Refused("CMMVC8979E")
    _refuse_if_replicated(array, volume, "CMMVC9206E", "CMMVC9209E")
    if volume.formatting == "yes":
        raise Refused("CMMVC8587E")
    copies.refuse_to_shrink(array, volume, volume.capacity - less)
    array.resize_volume(volume, volume.capacity - less)
    return ""


def rmvdisk(array: System, call: Call) -> str:
    """Remove a volume. -removehostmappings lifts one obstacle, -force all but volume protection and replication."""
    volume = find.live_volume(array, call.object)
    if volume.replication_mode or _is_in_hyperswap(array, volume):
        raise Refused("CMMVC9833E")
    if not call.has("-force"):
        if others(array, volume) and not call.has("-removehostmappings"):
            raise Refused(array.rules.mapped_volume_code)
        copies.refuse_to_remove(array, volume, call)
        if volume.rc_id or volume.rc_name:
            raise Refused("CMMVC5840E")
    refuse_if_recent(array, [volume], Guard.VOLUME)
    array.delete_volume(volume)
    return ""


def rmvolume(array: System, call: Call) -> str:
    """Remove a volume. Each option lifts one obstacle; none overrides volume protection."""
    volume = find.live_volume(array, call.object, array.rules.rmvolume_gone_code)
    if volume.replication_mode == "recovery":
        raise Refused("CMMVC9825E")
    if volume.rc_change == "yes":
        raise Refused("CMMVC8810E")
    if others(array, volume) and not call.has("-removehostmappings"):
        raise Refused("CMMVC8787E")
    copies.refuse_to_remove(array, volume, call)
    if (volume.rc_id or volume.rc_name) and not call.has("-removercrelationships"):
        raise Refused("CMMVC8788E")
    refuse_if_recent(array, [volume], Guard.VOLUME)
    array.delete_volume(volume)
    return ""


def addvdiskaccess(array: System, call: Call) -> str:
    """Add I/O groups through which a volume is accessible; those that it has are ignored.

    CMMVC8997E if a host with the volume is not in the I/O group, CMMVC9402E if its LUN is taken there.
    """
    volume = find.live_volume(array, call.object)
    present = array.groups(volume)
    added = [group for group in find.io_groups(call.listed("-iogrp", ":")) if group not in present]
    for host in array.hosts_of(volume):
        if not set(added) <= set(host.io_groups):
            raise Refused("CMMVC8997E")
        seen = array.seen_by(host)
        own = [mapping for mapping in seen if mapping.volume is volume]
        taken = {
            each.lun_in(group)
            for each in seen
            if each not in own
            for group in added
            if group in array.groups(each.volume)
        }
        if any(mapping.lun_in(group) in taken for mapping in own for group in added):
            raise Refused("CMMVC9402E")
    volume.access_io_groups = sorted([*present, *added])
    return ""


def rmvdiskaccess(array: System, call: Call) -> str:
    """Remove I/O groups through which a volume is accessible, with the mappings through them.

    Those that it does not have are ignored. CMMVC9409E for the caching I/O group, CMMVC7204E for the last one.
    """
    volume = find.live_volume(array, call.object)
    removed = set(find.io_groups(call.listed("-iogrp", ":")))
    kept = [group for group in array.groups(volume) if group not in removed]
    if not kept:
        raise Refused("CMMVC7204E")
    if volume.io_group in removed:
        raise Refused("CMMVC9409E")
    volume.access_io_groups = kept
    for mapping in list(array.of_volume[volume.id].values()):
        if isinstance(mapping.owner, Host) and not set(mapping.owner.io_groups) & set(kept):
            array.unmap(mapping)
    return ""


SIZE: Grammar = {"-size": NEEDED, "-unit": VALUE}
MODERN = Option(since=LEGACY_UNTIL)
MODERN_FLAG = Option(takes_value=False, since=LEGACY_UNTIL)
LEGACY = Option(until=LEGACY_UNTIL)
MKVOLUME: Grammar = {
    **SIZE,
    **dict.fromkeys(("-thin", "-compressed", "-deduplicated", "-noautoexpand"), FLAG),
    **dict.fromkeys(("-name", "-iogrp", "-volumegroup", "-preferrednode", "-cache", "-udid"), VALUE),
    **dict.fromkeys(("-buffersize", "-warning", "-grainsize"), VALUE),
    "-pool": NEEDED,
}
CHANGES = (
    Verb(
        "mkvdisk",
        mkvdisk,
        {
            **SIZE,
            **dict.fromkeys(("-name", "-iogrp", "-udid"), VALUE),
            "-mdiskgrp": NEEDED,
            "-open_access_scsi_id": LEGACY,
            **dict.fromkeys(("-rsize", "-grainsize", "-warning", "-easytier", "-vtype", "-cache"), MODERN),
            **dict.fromkeys(("-node", "-accessiogrp", "-copies", "-syncrate", "-mirrorwritepriority"), MODERN),
            **dict.fromkeys(("-autoexpand", "-fmtdisk", "-nofmtdisk", "-createsync"), MODERN_FLAG),
            "-compressed": Option(takes_value=False, since=COMPRESSION),
        },
        writes=True,
    ),
    Verb("mkvolume", mkvolume, MKVOLUME, writes=True, since=VOLUMES, until=CLONES),
    Verb("mkvolume", mkvolume, {**MKVOLUME, "-size": VALUE, **snapshots.CLONE}, writes=True, since=CLONES),
    Verb(
        "chvdisk",
        chvdisk,
        {
            "-name": VALUE,
            "-udid": VALUE,
            "-open_access_scsi_id": LEGACY,
            **dict.fromkeys(("-rate", "-cache", "-warning", "-unit", "-autoexpand", "-copy"), MODERN),
            "-unitmb": MODERN_FLAG,
            "-volumegroup": Option(since=PORTSET_TYPES),
            "-novolumegroup": Option(takes_value=False, since=PORTSET_TYPES),
        },
        "required",
        writes=True,
    ),
    Verb(
        "expandvdisksize",
        expandvdisksize,
        {**SIZE, "-fmtdisk": MODERN_FLAG, "-nofmtdisk": MODERN_FLAG},
        "required",
        writes=True,
    ),
    Verb("shrinkvdisksize", shrinkvdisksize, SIZE, "required", writes=True, since=LEGACY_UNTIL),
    Verb(
        "rmvdisk",
        rmvdisk,
        {"-force": FLAG, "-removehostmappings": Option(takes_value=False, since=(7, 7))},
        "required",
        writes=True,
    ),
    Verb(
        "rmvolume",
        rmvolume,
        dict.fromkeys(
            ("-removehostmappings", "-removefcmaps", "-removercrelationships", "-discardimage", "-cancelbackup"), FLAG
        ),
        "required",
        writes=True,
        since=VOLUMES,
    ),
    Verb("addvdiskaccess", addvdiskaccess, {"-iogrp": NEEDED}, "required", writes=True, since=LEGACY_UNTIL),
    Verb("rmvdiskaccess", rmvdiskaccess, {"-iogrp": NEEDED}, "required", writes=True, since=LEGACY_UNTIL),
)
