"""Reads what the array prints, in both dialects, into facts. Pure: text in, facts or `Unreadable` out.

What differs between releases is asked of the columns that are there, not of a table of versions; only what cannot be
seen in the answer itself (which command to type) hangs on the code level: see `capabilities.py`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.state import (
    Dialect,
    Host,
    HostRow,
    Node,
    Pool,
    Port,
    Protocol,
    System,
    Volume,
)
from flashsystem_operator.array.state import Mapping as VolumeMapping
from flashsystem_operator.array.tables import Row, blocks, cell, concise, detailed, first_values, number
from flashsystem_operator.values import (
    MAX_LUN,
    HostName,
    Lun,
    PoolName,
    SystemId,
    VolumeName,
    VolumeUid,
    system_id,
    volume_uid,
)

Value = TypeVar("Value")

_PORT_KEYS: Mapping[str, Protocol] = {
    "iscsi_name": Protocol.ISCSI,
    "WWPN": Protocol.FC,
    "SAS_WWPN": Protocol.SAS,
    "nqn": Protocol.NVME,
}
_PORT_MEMBERS = frozenset({"node_logged_in_count", "state"})
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})+")


def system(text: str, line: str) -> System:
    """`lssystem`. The legacy dialect is known by its key open_access_enabled, which no other has."""
    row = first_values(detailed(text, line))
    open_access = row.get("open_access_enabled")
    if open_access not in (None, "on", "off"):
        raise Unreadable(line, f"open_access_enabled is {open_access!r}, neither on nor off")
    code = row.get("code_level", "")
    version = _VERSION.match(code)
    if version is None and open_access is None:
        raise Unreadable(line, f"code_level is {code!r}, which begins with no version")
    return System(
        id=_system_id(cell(row, "id", line), line),
        name=cell(row, "name", line),
        dialect=Dialect.MODERN if open_access is None else Dialect.LEGACY,
        code_level=() if version is None else tuple(int(part) for part in version.group().split(".")),
        code_text=code,
        product=row.get("product_name", ""),
        open_access=None if open_access is None else open_access == "on",
    )


def nodes(text: str, line: str) -> tuple[Node, ...]:
    """`lsnode` or `lsnodecanister`."""
    return tuple(
        Node(
            id=cell(row, "id", line),
            name=cell(row, "name", line),
            online=cell(row, "status", line) == "online",
            status=cell(row, "status", line),
            iqn=cell(row, "iscsi_name", line),
            io_group=cell(row, "IO_group_name", line),
            config_node=cell(row, "config_node", line) == "yes",
            io_group_id=row.get("IO_group_id", ""),
        )
        for row in concise(text, line)
    )


def pool(text: str, line: str, asked: PoolName) -> Pool:
    """`lsmdiskgrp -bytes POOL`. The legacy dialect does not repeat the name that was asked for."""
    row = first_values(detailed(text, line))
    return Pool(
        name=PoolName(row.get("name", asked)),
        status=cell(row, "status", line),
        capacity=number(row, "capacity", line),
        free=number(row, "free_capacity", line),
    )


def protection_time(text: str, line: str) -> int | None:
    """`lssystem`: minutes for which volume protection keeps a volume after its last I/O; None where it is off.

    The legacy dialect has no such key: there it is off.
    """
    row = first_values(detailed(text, line))
    return number(row, "vdisk_protection_time", line) if row.get("vdisk_protection_enabled") == "yes" else None


def protects(text: str, line: str) -> bool:
    """`lsmdiskgrp POOL`: whether the pool lets volume protection act. Before 8.x it had no say: the system decides."""
    return first_values(detailed(text, line)).get("vdisk_protection_enabled", "yes") == "yes"


def pools_of_volume(text: str, line: str) -> tuple[PoolName, ...]:
    """`lsvdisk VOLUME`: its pool, or those of its copies: a mirrored volume itself says `many`."""
    names = dict.fromkeys(value for key, value in detailed(text, line) if key == "mdisk_grp_name" and value)
    return tuple(PoolName(name) for name in names if name != "many")


def volumes(text: str, line: str) -> tuple[Volume, ...]:
    """`lsvdisk -bytes`, all of them or a filtered few."""
    return tuple(found for row in concise(text, line) if (found := _volume(row, line)))


def volume(text: str, line: str) -> Volume:
    """`lsvdisk -bytes VOLUME`. A mirrored volume repeats keys for its copies; the volume's own come first."""
    found = _volume(first_values(detailed(text, line)), line)
    if found is None:
        raise Unreadable(line, "the volume has no vdisk_UID, so it cannot be told from another")
    return found


def host_rows(text: str, line: str) -> tuple[HostRow, ...]:
    """`lshost`: who is there. Their ports are only in the detailed view."""
    return tuple(
        HostRow(
            id=cell(row, "id", line),
            name=HostName(cell(row, "name", line)),
            port_count=number(row, "port_count", line),
            cluster=row.get("host_cluster_name", ""),
            portset=row.get("portset_name", ""),
        )
        for row in concise(text, line)
    )


def host(text: str, line: str) -> Host:
    """`lshost HOST`. Unreadable if it says another number of ports than it shows: a lost port is a lost identity."""
    pairs = detailed(text, line)
    row = first_values(pairs)
    ports = tuple(_port(dict(block), line) for block in blocks(pairs, frozenset(_PORT_KEYS), _PORT_MEMBERS))
    if number(row, "port_count", line) != len(ports):
        raise Unreadable(line, f"port_count is {row['port_count']}, but it shows {len(ports)} ports")
    return Host(
        id=cell(row, "id", line),
        name=HostName(cell(row, "name", line)),
        ports=ports,
        cluster=row.get("host_cluster_name", ""),
        portset=row.get("portset_name", ""),
        io_group_count=number(row, "iogrp_count", line) if row.get("iogrp_count") else 0,
        kind=row.get("type", ""),
    )


def io_groups(text: str, line: str) -> frozenset[str]:
    """`lshostiogrp HOST`: the ids of the I/O groups through which it may log in."""
    return frozenset(cell(row, "id", line) for row in concise(text, line))


def mappings_by_host(text: str, line: str) -> tuple[VolumeMapping, ...]:
    """`lshostvdiskmap`: here id and name are the host's."""
    return _mappings(concise(text, line), "name", "vdisk_name", line)


def mappings_by_volume(text: str, line: str) -> tuple[VolumeMapping, ...]:
    """`lsvdiskhostmap`: here id and name are the volume's."""
    return _mappings(concise(text, line), "host_name", "name", line)


def _mappings(rows: Iterable[Row], host_column: str, volume_column: str, line: str) -> tuple[VolumeMapping, ...]:
    """One mapping per host, volume and way it comes; a volume in several I/O groups has a row for each of them."""
    found: dict[tuple[HostName, VolumeName, VolumeUid, str], set[Lun]] = {}
    for row in rows:
        key = (
            HostName(cell(row, host_column, line)),
            VolumeName(cell(row, volume_column, line)),
            _uid(cell(row, "vdisk_UID", line), line),
            _cluster(row, line),
        )
        found.setdefault(key, set()).add(_lun(row, line))
    return tuple(
        VolumeMapping(host, volume, uid, tuple(sorted(luns)), cluster)
        for (host, volume, uid, cluster), luns in found.items()
    )


def _cluster(row: Row, line: str) -> str:
    """The host cluster of a shared mapping. A member's private mappings show its cluster too, but are its own."""
    kind = row.get("mapping_type", "private")
    if kind not in ("", "private", "shared"):
        raise Unreadable(line, f"mapping_type is {kind!r}, neither private nor shared")
    return cell(row, "host_cluster_name", line) if kind == "shared" else ""


def _lun(row: Row, line: str) -> Lun:
    found = number(row, "SCSI_id", line)
    if found > MAX_LUN:
        raise Unreadable(line, f"SCSI_id is {found}, more than {MAX_LUN}")
    return Lun(found)


def _volume(row: Row, line: str) -> Volume | None:
    """None for what has no UID: it cannot be told from another, so for us it is not there."""
    if not cell(row, "vdisk_UID", line):
        return None
    return Volume(
        id=cell(row, "id", line),
        name=VolumeName(cell(row, "name", line)),
        uid=_uid(row["vdisk_UID"], line),
        capacity=number(row, "capacity", line),
        io_group=row.get("IO_group_name", ""),
    )


def _port(block: Row, line: str) -> Port:
    key = next(iter(block))
    protocol = _PORT_KEYS[key]
    return Port(
        protocol=protocol,
        name=block[key].lower() if protocol is Protocol.ISCSI else block[key],
        logins=_logins(cell(block, "node_logged_in_count", line)),
        state=block.get("state", ""),
    )


def _logins(text: str) -> int | None:
    """None for what is no number, so that it is taken for a login: a strange word must not cost anybody a volume."""
    return int(text) if text.isdecimal() and len(text) < len("1000000") else None


def _system_id(text: str, line: str) -> SystemId:
    return _checked(system_id, text, line)


def _uid(text: str, line: str) -> VolumeUid:
    return _checked(volume_uid, text, line)


def _checked(read: Callable[[str], Value], text: str, line: str) -> Value:
    try:
        return read(text)
    except ValueError as error:
        raise Unreadable(line, str(error)) from None
