"""Snapshots, the clones that are made from them, and volume groups."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flashsystem_operator.simulator.console.output import Column, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import BYTES, FILTER, FLAG, LS, NEEDED, VALUE, Call, Grammar, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import CloneType, Image, Snapshot, Volume, VolumeGroup
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import PARTITIONS, PORTSET_TYPES, SNAPSHOTS
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import find
from flashsystem_operator.simulator.verbs.copies import HIDDEN, maps_of

NO_SNAPSHOT = "CMMVC9755E"
NO_GROUP = "CMMVC9808E"
FULL = "CMMVC8710E"


def chosen(array: System, call: Call, by_id: str, by_group: str, by_uid: str) -> Snapshot:
    """Return the snapshot that a command names: by its id, or by its name with the group or the uid of its parent.

    CMMVC5713E for both, CMMVC5707E for a name without a parent, CMMVC9808E for an unknown group, CMMVC9755E if there is
    no such snapshot.
    """
    parents = [option for option in (by_group, by_uid) if call.has(option)]
    if len(parents) > 1 or (call.has(by_id) and (parents or call.has("-snapshot"))):
        raise Refused("CMMVC5713E")
    if call.has(by_id):
        number = call.value(by_id)
        found = array.snapshots.get(int(number)) if number.isdecimal() else None
    else:
        if not parents or not call.has("-snapshot"):
            raise Refused("CMMVC5707E")
        uid: int | None
        if parents == [by_group]:
            uid = find.volume_group(array, call.value(by_group)).uid
        else:
            uid = _parent(array, call, by_uid)
        found = named(array, uid, call.value("-snapshot"))
    if found is None:
        raise Refused(NO_SNAPSHOT)
    return found


def _parent(array: System, call: Call, by_uid: str) -> int:
    """Return the parent uid that a command names; 9854E, when a clone is made, or 9755E if no snapshot has it."""
    given = call.value(by_uid)
    if not given.isdecimal() or all(each.parent_uid != int(given) for each in array.snapshots.values()):
        raise Refused("CMMVC9854E" if by_uid == "-fromsourceuid" else NO_SNAPSHOT)
    return int(given)


def named(array: System, parent: int | None, name: str) -> Snapshot | None:
    """Return the snapshot of this name of a parent; names are unique there only."""
    found = (each for each in array.snapshots.values() if each.parent_uid == parent and each.name == name)
    return next(found, None)


def volumes_of_new(array: System, call: Call) -> list[Volume]:
    """Return the volumes of a new snapshot: of a group, or of a list without repetitions."""
    if call.has("-volumegroup") == call.has("-volumes"):
        raise Refused("CMMVC5713E" if call.has("-volumes") else "CMMVC5707E")
    if call.has("-volumegroup"):
        group = find.volume_group(array, call.value("-volumegroup"))
        members = [volume for _, volume in sorted(array.volumes.items()) if volume.volume_group == group.name]
        if not members:
            raise Refused("CMMVC9763E")
        return members
    volumes = [find.live_volume(array, each, find.UNKNOWN) for each in call.listed("-volumes", ":")]
    if len({volume.id for volume in volumes}) < len(volumes):
        raise Refused("CMMVC9856E")
    return volumes


def addsnapshot(array: System, call: Call) -> str:
    name = model.name(call.value("-name")) if call.has("-name") else ""
    volumes = volumes_of_new(array, call)
    if not all(volume.may_have_snapshots for volume in volumes):
        raise Refused("CMMVC9855E")
    if not all(volume.capacity for volume in volumes):
        raise Refused("CMMVC9889E")
    if any(array.status_of(volume) == "offline" for volume in volumes):
        raise Refused("CMMVC9898E" if call.has("-volumegroup") else "CMMVC9768E")
    maps = [(flash, volume) for volume in volumes for flash in maps_of(array, volume)]
    if any(flash.target is volume for flash, volume in maps):
        raise Refused("CMMVC9758E")
    if maps and not call.has("-ignorelegacy"):
        raise Refused("CMMVC9757E")
    pool = find.pool(array, call.value("-pool")) if call.has("-pool") else None
    # The pool of a volume itself is accepted, as Ansible's module passes it.
    if pool and any(volume.pool not in {pool.name, pool.parent} for volume in volumes):
        raise Refused("CMMVC9760E")
    if any(not array.free(pool or array.pools[volume.pool]) for volume in volumes):
        raise Refused(FULL)
    group = array.volume_group_named.get(volumes[0].volume_group) if call.has("-volumegroup") else None
    uid = group.uid if group else array.list_uid({volume.uid for volume in volumes})
    if name and named(array, uid, name):
        raise Refused("CMMVC6035E")
    number = array.snapshot_ids.take()
    snapshot = Snapshot(
        id=number,
        name=name or f"snapshot{number}",
        volume_group=group.name if group else "",
        parent_uid=uid,
        time=array.now(),
        images=[Image(volume=volume.name, uid=volume.uid, pool=pool.name if pool else "") for volume in volumes],
    )
    array.add_snapshot(snapshot)
    return f"Snapshot, id [{number}], successfully created or triggered\n"


def rmsnapshot(array: System, call: Call) -> str:
    array.remove_snapshot(chosen(array, call, "-snapshotid", "-volumegroup", "-parentuid"))
    return ""


def chsnapshot(array: System, call: Call) -> str:
    snapshot = chosen(array, call, "-snapshotid", "-volumegroup", "-parentuid")
    name = model.name(call.value("-name"))
    taken = named(array, snapshot.parent_uid, name)
    if taken and taken is not snapshot:
        raise Refused("CMMVC6035E")
    snapshot.name = name
    return ""


@dataclass(frozen=True, slots=True)
class Source:
    """The image of a volume in a snapshot, from which a clone or thin clone is made."""

    kind: CloneType
    snapshot: Snapshot
    image: Image

    @property
    def capacity(self) -> int:
        return self.image.capacity or 0

    def stem(self, array: System) -> str:
        """Return the beginning of the name that a clone gets, SOURCE-N, with room for N."""
        volume = array.volume_with.get(self.image.uid)
        return f"{(volume.name if volume else self.image.volume)[: model.LONGEST - len('-12345')]}-"

    def fields(self, array: System) -> dict[str, Any]:
        """Return the fields of a new volume that is filled from this image."""
        return {
            "volume_type": self.kind,
            "source_snapshot": self.snapshot.id,
            "source_uid": self.image.uid,
            "data_to_move": self.capacity if self.kind == "clone" else 0,
            "population_start": array.now(),
        }


def source_of_clone(array: System, call: Call) -> Source:
    """Return what `mkvolume -type` clones: one volume of an active snapshot."""
    if call.has("-size"):
        raise Refused("CMMVC5713E")
    if not (call.has("-type") and call.has("-fromsourcevolume")):
        raise Refused("CMMVC5707E")
    kind, snapshot = _kind(call), _active(array, call)
    [image] = _images(array, snapshot, [call.value("-fromsourcevolume")], "CMMVC9964E")
    return Source(kind, snapshot, image)


def _kind(call: Call) -> CloneType:
    match call.value("-type"):
        case "clone":
            return "clone"
        case "thinclone":
            return "thinclone"
        case _:
            raise Refused("CMMVC5706E", "-type")


def _active(array: System, call: Call) -> Snapshot:
    snapshot = chosen(array, call, "-fromsnapshotid", "-fromsourcegroup", "-fromsourceuid")
    if snapshot.state != "active":
        raise Refused("CMMVC9837E")
    return snapshot


def _images(array: System, snapshot: Snapshot, arguments: list[str], code: str) -> list[Image]:
    """Return the images of these volumes, by name or id. A name that no volume has is that of a deleted one."""
    found = []
    for argument in arguments:
        volume = array.volumes.get(int(argument)) if argument.isdecimal() else array.volume_named.get(argument)
        gone = [each for each in snapshot.images if _row_name(array, (snapshot, each)) == argument]
        matching = [each for each in snapshot.images if each.uid == volume.uid] if volume else gone
        if not matching:
            raise Refused(code)
        found.append(matching[0])
    return found


def mkvolumegroup(array: System, call: Call) -> str:
    """Make a volume group: empty, or with a clone or thin clone of each volume of a snapshot."""
    name = model.name(call.value("-name")) if call.has("-name") else ""
    if name in array.volume_group_named:
        raise Refused("CMMVC6035E")
    kind = _kind(call) if call.has("-type") else None
    if kind is None and set(call.options) - {"-name"}:
        raise Refused("CMMVC5713E")
    snapshot = _active(array, call) if kind else None
    images: list[Image] = []
    if snapshot:
        wanted = call.listed("-fromsourcevolumes", ":")
        images = _images(array, snapshot, wanted, "CMMVC1089E") if wanted else snapshot.images
    pool = find.pool(array, call.value("-pool")).name if call.has("-pool") else ""
    io_groups = find.io_groups(call.listed("-iogroup", ":")) if call.has("-iogroup") else [0]
    if len(io_groups) > 1:
        raise Refused("CMMVC5706E", "-iogroup")
    sources = [Source(kind, snapshot, image) for image in images] if kind and snapshot else []
    clones = [
        Volume(
            id=0,
            name="new",
            capacity=source.capacity,
            pool=pool or source.image.pool,
            io_group=io_groups[0],
            **source.fields(array),
        )
        for source in sources
    ]
    if not array.has_room((volume.pool, array.occupied(volume, volume.pool)) for volume in clones):
        raise Refused(FULL)
    number = array.volume_group_ids.take()
    suffix = number
    while not name:
        name = "" if f"volumegroup{suffix}" in array.volume_group_named else f"volumegroup{suffix}"
        suffix += 1
    group = VolumeGroup(id=number, name=name)
    array.add_volume_group(group)
    for source, volume in zip(sources, clones, strict=True):
        volume.volume_group = group.name
        array.create_volume(volume, "", source.stem(array))
    array.settle()
    return f"Volume Group, id [{number}], successfully created\n"


def rmvolumegroup(array: System, call: Call) -> str:
    """Remove a volume group. -evictvolumes takes its volumes out of it first; they stay on the array."""
    group = find.volume_group(array, call.object)
    members = [volume for volume in array.volumes.values() if volume.volume_group == group.name]
    if members and not call.has("-evictvolumes"):
        raise Refused("CMMVC8749E")
    if any(snapshot.volume_group == group.name for snapshot in array.snapshots.values()):
        raise Refused("CMMVC9887E")
    for volume in members:
        volume.volume_group = ""
    array.remove_volume_group(group)
    return ""


BY_ID: Grammar = dict.fromkeys(("-snapshotid", "-snapshot", "-volumegroup", "-parentuid"), VALUE)
FROM: Grammar = dict.fromkeys(("-type", "-fromsnapshotid", "-snapshot", "-fromsourcegroup", "-fromsourceuid"), VALUE)
"""Options that name the snapshot of a clone."""
CLONE: Grammar = {**FROM, "-fromsourcevolume": VALUE}
"""Options that make mkvolume create a clone."""
CHANGES = (
    Verb(
        "addsnapshot",
        addsnapshot,
        {**dict.fromkeys(("-volumegroup", "-volumes", "-name", "-pool"), VALUE), "-ignorelegacy": FLAG},
        writes=True,
        since=SNAPSHOTS,
    ),
    Verb("rmsnapshot", rmsnapshot, BY_ID, writes=True, since=SNAPSHOTS),
    Verb("chsnapshot", chsnapshot, {**BY_ID, "-name": NEEDED}, writes=True, since=SNAPSHOTS),
    Verb("mkvolumegroup", mkvolumegroup, {"-name": VALUE}, writes=True, since=PORTSET_TYPES, until=SNAPSHOTS),
    Verb(
        "mkvolumegroup",
        mkvolumegroup,
        {**FROM, **dict.fromkeys(("-name", "-fromsourcevolumes", "-pool", "-iogroup"), VALUE)},
        writes=True,
        since=SNAPSHOTS,
    ),
    Verb("rmvolumegroup", rmvolumegroup, {"-evictvolumes": FLAG}, "required", writes=True, since=PORTSET_TYPES),
)


def snapshot_count(array: System, volume: Volume) -> int:
    return len(array.snapshots_of.get(volume.uid, ()))


Row = tuple[Snapshot, Image]


def _row_id(array: System, row: Row) -> str | int:
    volume = array.volume_with.get(row[1].uid)
    return volume.id if volume else ""


def _row_name(array: System, row: Row) -> str:
    volume = array.volume_with.get(row[1].uid)
    return volume.name if volume else row[1].volume


def of_source(get: Callable[[System, Row], str | int]) -> Callable[[System, Volume], str | int]:
    """Return the getter of a column about the image that a clone is filled from; blank for other volumes."""

    def shown(array: System, volume: Volume) -> str | int:
        found = None if volume.source_snapshot is None else array.snapshots[volume.source_snapshot]
        images = [each for each in found.images if volume.source_uid in {"", each.uid}] if found else []
        return get(array, (found, images[0])) if found and images else ""

    return shown


def volume_group_id(array: System, volume: Volume) -> str | int:
    group = array.volume_group_named.get(volume.volume_group)
    return group.id if group else ""


GROUP_OF_VOLUME: list[Column[Volume]] = [
    Column("volume_group_id", volume_group_id, PORTSET_TYPES),
    Column("volume_group_name", lambda _, volume: volume.volume_group, PORTSET_TYPES),
]
SNAPSHOTS_OF_VOLUME: list[Column[Volume]] = [
    *blank("is_snapshot", PORTSET_TYPES, value="no"),
    Column("snapshot_count", snapshot_count, PORTSET_TYPES),
    Column("volume_type", lambda _, volume: volume.volume_type, PORTSET_TYPES),
]
SOURCE_OF_VOLUME: list[Column[Volume]] = [
    Column("source_volume_id", of_source(_row_id), PARTITIONS),
    Column("source_volume_name", of_source(_row_name), PARTITIONS),
    Column("source_snapshot", of_source(lambda _, row: row[0].name), PARTITIONS),
    Column("source_snapshot_timestamp", of_source(lambda _, row: row[0].time), PARTITIONS),
]
"""Columns of lsvdisk; the last ones are in the detailed view only, where their place was not recorded."""


def listed(array: System, call: Call) -> Iterable[Volume]:
    """Return the volumes that lsvdisk lists, ordered by id; with -showhidden also those that are being deleted."""
    hidden = call.has("-showhidden")
    return [volume for _, volume in sorted(array.volumes.items()) if hidden or not volume.is_being_deleted]


def group_id(array: System, snapshot: Snapshot) -> str | int:
    group = array.volume_group_named.get(snapshot.volume_group)
    return group.id if group else ""


def _parent_uid(_array: System, snapshot: Snapshot) -> str | int:
    return "" if snapshot.parent_uid is None else snapshot.parent_uid


def snapshot_columns(array: System) -> list[Column[Snapshot]]:
    """Return the columns of lsvolumegroupsnapshot.

    matches_group: whether the group has the same volumes as at the time of the snapshot; a list never has.
    """
    members: dict[str, set[str]] = {}
    for volume in array.volumes.values():
        members.setdefault(volume.volume_group, set()).add(volume.uid)

    def matches(_array: System, snapshot: Snapshot) -> str:
        then, now = {image.uid for image in snapshot.images}, members.get(snapshot.volume_group)
        return "yes" if snapshot.volume_group and then == now else "no"

    return [
        Column("id", lambda _, snapshot: snapshot.id),
        Column("name", lambda _, snapshot: snapshot.name),
        Column("volume_group_id", group_id),
        Column("volume_group_name", lambda _, snapshot: snapshot.volume_group),
        Column("time", lambda _, snapshot: snapshot.time),
        Column("state", lambda _, snapshot: snapshot.state),
        Column("matches_group", matches),
        Column("parent_uid", _parent_uid),
        *blank("expiration_time"),
        Column(
            "protection_provisioned_capacity",
            lambda _, snapshot: Size(sum(image.capacity or 0 for image in snapshot.images)),
        ),
        *blank("protection_written_capacity", value="0.00MB"),
        *blank("operation_start_time operation_completion_estimate owner_id owner_name"),
        *blank("auto_snapshot safeguarded", value="no"),
        *blank("last_restored_from", PARTITIONS),
    ]


def _listed(array: System, call: Call) -> list[Snapshot]:
    """Return the snapshots of a list, ordered by id: without -showhidden not those that wait for their clones."""
    ordered = [snapshot for _, snapshot in sorted(array.snapshots.items())]
    return [each for each in ordered if call.has("-showhidden") or each.state != "dependent_deleting"]


def lsvolumegroupsnapshot(array: System, call: Call) -> str:
    if call.has("-snapshot"):
        snapshot = chosen(array, call, "-snapshotid", "-volumegroup", "-parentuid")
    elif call.object:
        found = array.snapshots.get(int(call.object)) if call.object.isdecimal() else None
        if found is None:
            raise Refused(NO_SNAPSHOT)
        snapshot = found
    else:
        return concise(array, call, snapshot_columns(array), _listed(array, call))
    return detailed(call, pairs(array, snapshot_columns(array), snapshot))


STATES = {"ready": "Ready", "active": "Active", "deleting": "Deleting", "dependent_deleting": "Deleting"}
"""The states of a snapshot in lsvolumesnapshot; that of dependent_deleting is inferred."""


def size_mismatch(array: System, row: Row) -> str:
    volume = array.volume_with.get(row[1].uid)
    return "yes" if volume and volume.capacity != row[1].capacity else "no"


IMAGE: list[Column[Row]] = [
    Column("snapshot_id", lambda _, row: row[0].id),
    Column("snapshot_name", lambda _, row: row[0].name),
    Column("volume_id", _row_id),
    Column("volume_name", _row_name),
    Column("volume_group_id", lambda array, row: group_id(array, row[0])),
    Column("volume_group_name", lambda _, row: row[0].volume_group),
    Column("time", lambda _, row: row[0].time),
    Column("parent_uid", lambda array, row: _parent_uid(array, row[0])),
    Column("state", lambda _, row: STATES[row[0].state]),
    *blank("expiration_time"),
    *blank("safeguarded", value="no"),
    Column("volume_size_mismatch", size_mismatch, PARTITIONS),
    *blank("written_capacity", PARTITIONS, value="0.00MB"),
]
HIDDEN_IMAGE: list[Column[Row]] = [
    *blank("mirrored", value="no"),
    Column("pool_1_id", lambda array, row: array.pools[row[1].pool].id if row[1].pool in array.pools else ""),
    Column("pool_1_name", lambda _, row: row[1].pool),
    *blank("pool_2_id pool_2_name snapshot_mapping_id snapshot_mapping_name snapshot_vdisk_id snapshot_vdisk_name"),
]


def lsvolumesnapshot(array: System, call: Call) -> str:
    """List the images of all snapshots, or of one in detail: one record for each volume (its form is inferred)."""
    columns = [*IMAGE, *HIDDEN_IMAGE] if call.has("-showhidden") else IMAGE
    if call.object:
        found = array.snapshots.get(int(call.object)) if call.object.isdecimal() else None
        if found is None:
            raise Refused(NO_SNAPSHOT)
        return detailed(call, *(pairs(array, columns, (found, image)) for image in found.images))
    rows = [(snapshot, image) for snapshot in _listed(array, call) for image in snapshot.images]
    return concise(array, call, columns, rows)


POPULATION: list[Column[Volume]] = [
    Column("volume_id", lambda _, volume: volume.id),
    Column("volume_name", lambda _, volume: volume.name),
    *GROUP_OF_VOLUME,
    Column("type", lambda _, volume: volume.volume_type.replace("thinclone", "thin-clone")),
    Column("start_time", lambda _, volume: volume.population_start),
    Column("source_volume_id", of_source(_row_id)),
    Column("source_volume_name", of_source(_row_name)),
    Column("source_snapshot", of_source(lambda _, row: row[0].name)),
    *blank("estimated_completion_time"),
    *blank("rate", value="2"),
    Column("data_to_move", lambda _, volume: Size(volume.data_to_move)),
]


def lsvolumepopulation(array: System, call: Call) -> str:
    """List the clones that are filled from a snapshot, and the thin clones, which have no data to move."""
    filled = [volume for _, volume in sorted(array.clones.items()) if not volume.is_being_deleted]
    return concise(array, call, POPULATION, filled)


def lsvolumegroup(array: System, call: Call) -> str:
    volumes = Counter(volume.volume_group for volume in array.volumes.values())
    snapshots = Counter(snapshot.volume_group for snapshot in array.snapshots.values())
    columns: list[Column[VolumeGroup]] = [
        Column("id", lambda _, group: group.id),
        Column("name", lambda _, group: group.name),
        Column("volume_count", lambda _, group: volumes[group.name]),
        *blank("backup_status", value="off"),
        *blank("last_backup_time owner_id owner_name"),
        *blank("safeguarded_policy_id safeguarded_policy_name safeguarded_policy_start_time"),
        *blank("replication_policy_id replication_policy_name volume_group_type", (8, 6)),
        Column("uid", lambda _, group: "" if group.uid is None else group.uid, (8, 6)),
        *blank("source_volume_group_id source_volume_group_name parent_uid source_snapshot_id source_snapshot", (8, 6)),
        Column("snapshot_count", lambda _, group: snapshots[group.name], (8, 6)),
        *blank("snapshot_policy_id snapshot_policy_name", (8, 6)),
        *blank("partition_id partition_name", (8, 7)),
    ]
    if not call.object:
        return concise(array, call, columns, [group for _, group in sorted(array.volume_groups.items())])
    return detailed(call, pairs(array, columns, find.volume_group(array, call.object, "CMMVC5804E")))


READS = (
    Verb(
        "lsvolumegroupsnapshot",
        lsvolumegroupsnapshot,
        {**LS, **BYTES, **FILTER, **HIDDEN, **dict.fromkeys(("-snapshot", "-volumegroup", "-parentuid"), VALUE)},
        "optional",
        since=SNAPSHOTS,
    ),
    Verb("lsvolumesnapshot", lsvolumesnapshot, {**LS, **BYTES, **FILTER, **HIDDEN}, "optional", since=SNAPSHOTS),
    Verb("lsvolumepopulation", lsvolumepopulation, {**LS, **BYTES, **FILTER, **HIDDEN}, since=SNAPSHOTS),
    Verb("lsvolumegroup", lsvolumegroup, {**LS, **BYTES, **FILTER}, "optional", since=PORTSET_TYPES),
)
