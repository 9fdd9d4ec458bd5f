"""Parsers of the array's answers in both dialects. Pure: text in, facts or `Unreadable` out.

There are two formats. *Concise*: a header line, then one row for each object; an empty list prints nothing, or on some
systems the header. *Detailed*: `key!value` lines; keys repeat in blocks (the ports of a host, the copies of a volume).
Columns are found by name, never by position: releases add columns at the end and in the middle. Differences between
releases are detected by the columns, not by a table of versions. Only the choice of the command depends on the code
level: see `model.capabilities`.

Source: array-cli facts 1.6, 1.7, 1.8 and section 2; array-cli-volumes 2.1, 4.1 and 8 (volumes and pools).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from flashsystem_operator.array.errors import MissingColumn, Unreadable
from flashsystem_operator.array.model import (
    Dialect,
    Host,
    HostRow,
    Node,
    Odd,
    Pool,
    Port,
    Protocol,
    System,
    Throttle,
    Volume,
)
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.values import (
    MAX_LUN,
    ChapSecret,
    HostName,
    Lun,
    PoolName,
    VolumeName,
    VolumeUid,
    system_id,
    volume_uid,
)

DELIMITER = "!"
"""No object's name may contain it, unlike `:` (IQN, IPv6, MAC) and `,`."""

_COLUMN = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"[0-9]{1,30}")

Fact = TypeVar("Fact")
Row = Mapping[str, str]
Pair = tuple[str, str]


def concise(text: str, line: str) -> tuple[Row, ...]:
    """Parse a listing into rows by column name. Unreadable if the number of fields of a row is not the header's."""
    return tuple(readable(concise_or_odd(text, line)))


def readable(found: Iterable[Fact | Odd]) -> Iterator[Fact]:
    """Return all facts, or raise Unreadable for the first unreadable row."""
    for each in found:
        if isinstance(each, Odd):
            raise Unreadable(each.line, each.why)
        yield each


def sift(found: Iterable[Fact | Odd], odd: list[Odd]) -> Iterator[Fact]:
    """Return the readable facts; add the unreadable rows to `odd`."""
    for each in found:
        if isinstance(each, Odd):
            odd.append(each)
        else:
            yield each


def concise_or_odd(text: str, line: str) -> tuple[Row | Odd, ...]:
    """Parse a listing like `concise`, but return a row with another number of fields as Odd.

    Every listing has a column `id`, or the id of an object such as `host_id`. A single row without header is not an
    empty listing.
    """
    lines = [each.rstrip("\r") for each in text.split("\n") if each.strip()]
    if not lines:
        return ()
    header = lines[0].split(DELIMITER)
    named = all(map(is_column, header)) and any(each == "id" or each.endswith("_id") for each in header)
    if len(set(header)) != len(header) or not named:
        raise Unreadable(line, f"its first line is no header: {_shown(lines[0])}")
    rows: list[Row | Odd] = []
    for each in lines[1:]:
        cells = each.split(DELIMITER)
        if len(cells) == len(header):
            rows.append(dict(zip(header, cells, strict=True)))
        else:
            why = f"a row has {len(cells)} fields, the header {len(header)}: {_shown(cells[0])}..."
            rows.append(Odd(line, why, identifiers(cells), cells[0]))
    return tuple(rows)


def is_column(text: str) -> bool:
    """Whether it may be the name of a column or key."""
    return _COLUMN.fullmatch(text) is not None


def identifiers(cells: Iterable[str]) -> frozenset[str]:
    """Return the values that identify an object, in lower case."""
    return frozenset(cell.strip().lower() for cell in cells) - {""}


def detailed(text: str, line: str) -> tuple[Pair, ...]:
    """Parse the key and value of each line, in order, with repeats. Unreadable if a line has no delimiter."""
    pairs: list[Pair] = []
    for each in text.split("\n"):
        stripped = each.rstrip("\r")
        if not stripped.strip():
            continue
        key, delimiter, value = stripped.partition(DELIMITER)
        if not delimiter or not key:
            raise Unreadable(line, f"a line of a detailed view has no key and value: {_shown(stripped)}")
        pairs.append((key, value))
    return tuple(pairs)


def first_values(pairs: tuple[Pair, ...]) -> Row:
    """Return the first value of each key: the object's own, since repeating blocks follow it."""
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def cell(row: Row, column: str, line: str) -> str:
    """Return the value of a required column, or raise Unreadable."""
    try:
        return row[column]
    except KeyError:
        raise MissingColumn(line, f"it has no column {column!r}, only {', '.join(row)}") from None


def number(row: Row, column: str, line: str) -> int:
    """Return the whole number in a required column, or raise Unreadable."""
    text = cell(row, column, line)
    if not _NUMBER.fullmatch(text):
        raise Unreadable(line, f"{column} is {_shown(text)!r}, not a number")
    return int(text)


def optional_number(row: Row, column: str, line: str) -> int | None:
    """Return the whole number in a column; None if it is missing or empty. Unreadable for anything else."""
    return number(row, column, line) if row.get(column) else None


def _size_shown(row: Row, column: str) -> int | None:
    """Return the number in a column on which no decision depends; None if it is missing or not a number."""
    text = row.get(column, "")
    return int(text) if _NUMBER.fullmatch(text) else None


def _shown(text: str) -> str:
    return ascii(text[:60])[1:-1]


_PORT_KEYS: Mapping[str, Protocol] = {
    "iscsi_name": Protocol.ISCSI,
    "wwpn": Protocol.FC,
    "sas_wwpn": Protocol.SAS,
    "nqn": Protocol.NVME,
}
"""In lower case: IBM's guide has iSCSI_name, arrays print iscsi_name."""
_LOGINS = "node_logged_in_count"
_NAMES = ("name", "host_name", "vdisk_name", "vdisk_UID")
"""The columns that identify the resources that a row affects."""
Read = TypeVar("Read")
_SYSTEM_KEYS = frozenset(
    {
        "id",
        "name",
        "code_level",
        "product_name",
        "open_access_enabled",
        "vdisk_protection_time",
        "vdisk_protection_enabled",
    }
)
"""All keys of `lssystem` that are parsed. It also shows the system's CHAP secret in clear text."""
_SYSTEM_ID = re.compile(r"[0-9A-Fa-f]{16}")
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})+")


def system(text: str, line: str) -> System:
    """Parse `lssystem`. Only the legacy dialect has the key open_access_enabled."""
    row = _of_system(text, line)
    open_access = row.get("open_access_enabled")
    if open_access not in (None, "on", "off"):
        raise Unreadable(line, "open_access_enabled is neither on nor off")
    code = row.get("code_level", "")
    version = _VERSION.match(code)
    if version is None and open_access is None:
        raise Unreadable(line, "code_level does not begin with a version")
    if not _SYSTEM_ID.fullmatch(cell(row, "id", line)):
        raise Unreadable(line, "id is not 16 hexadecimal digits")
    return System(
        id=system_id(row["id"]),
        name=cell(row, "name", line),
        dialect=Dialect.MODERN if open_access is None else Dialect.LEGACY,
        code_level=() if version is None else tuple(int(part) for part in version.group().split(".")),
        code_text=code,
        product=row.get("product_name", ""),
        open_access=None if open_access is None else open_access == "on",
    )


def nodes(text: str, line: str) -> tuple[Node | Odd, ...]:
    """Parse `lsnode` or `lsnodecanister`."""
    return _each(
        concise_or_odd(text, line),
        lambda row: Node(
            id=cell(row, "id", line),
            name=cell(row, "name", line),
            online=cell(row, "status", line) == "online",
            status=cell(row, "status", line),
            iqn=cell(row, "iscsi_name", line),
            io_group=cell(row, "IO_group_name", line),
            config_node=cell(row, "config_node", line) == "yes",
            io_group_id=row.get("IO_group_id", ""),
        ),
        line,
    )


def _each(rows: Iterable[Row | Odd], read: Callable[[Row], Read], line: str) -> tuple[Read | Odd, ...]:
    """Parse each row, as Odd if it is malformed. A missing column is missing in all rows, so it raises."""
    return tuple(row if isinstance(row, Odd) else _or_odd(row, read, line) for row in rows)


def _or_odd(row: Row, read: Callable[[Row], Read], line: str) -> Read | Odd:
    try:
        return read(row)
    except MissingColumn:
        raise
    except Unreadable as error:
        return Odd(line, error.why, identifiers(row.get(column, "") for column in _NAMES), next(iter(row.values())))


def pool(text: str, line: str, asked: PoolName) -> Pool:
    """Parse `lsmdiskgrp -bytes POOL`. The legacy dialect does not repeat the name of the pool."""
    row = first_values(detailed(text, line))
    return _pool(row, PoolName(row.get("name", asked)), line)


def pools(text: str, line: str) -> tuple[Pool | Odd, ...]:
    """Parse `lsmdiskgrp -bytes`."""
    return _each(concise_or_odd(text, line), lambda row: _pool(row, PoolName(_present(row, "name", line)), line), line)


def _pool(row: Row, name: PoolName, line: str) -> Pool:
    extent, parent = _size_shown(row, "extent_size"), row.get("parent_mdisk_grp_name", "")
    return Pool(
        name=name,
        status=cell(row, "status", line),
        capacity=number(row, "capacity", line),
        free=number(row, "free_capacity", line),
        used=_size_shown(row, "used_capacity"),
        provisioned=_size_shown(row, "virtual_capacity"),
        extent=None if extent is None else extent << 20,  # printed in MB also with -bytes
        data_reduction=row["data_reduction"] == "yes" if row.get("data_reduction") else None,
        parent="" if parent == name else parent,
        provisioning_policy=row.get("provisioning_policy_name", ""),
    )


def protection_time(text: str, line: str) -> int | None:
    """Parse `lssystem`: minutes of volume protection after the last I/O; None if it is disabled.

    The legacy dialect has no such key: it has no volume protection.
    """
    row = _of_system(text, line)
    if row.get("vdisk_protection_enabled") != "yes":
        return None
    if not (minutes := cell(row, "vdisk_protection_time", line)).isdecimal():
        raise Unreadable(line, "vdisk_protection_time is not a number")
    return int(minutes)


def protects(text: str, line: str) -> bool:
    """Parse `lsmdiskgrp POOL`: whether volume protection is enabled; always before 8.x, where the system decides."""
    return first_values(detailed(text, line)).get("vdisk_protection_enabled", "yes") == "yes"


def pools_of_volume(text: str, line: str) -> tuple[PoolName, ...]:
    """Parse `lsvdisk VOLUME`: its pool, or those of its copies. The pool of a mirrored volume is `many`."""
    names = dict.fromkeys(value for key, value in detailed(text, line) if key == "mdisk_grp_name" and value)
    return tuple(PoolName(name) for name in names if name != "many")


def volumes(text: str, line: str) -> tuple[Volume | Odd, ...]:
    """Parse `lsvdisk -bytes`, complete or filtered."""
    return _each(concise_or_odd(text, line), lambda row: _volume(row, line), line)


def volume(text: str, line: str) -> Volume:
    """Parse `lsvdisk -bytes VOLUME`. Keys repeat for its copies; its own come first.

    What its data takes is that of its first copy. In data reduction pools only the size before reduction is shown.
    """
    pairs = detailed(text, line)
    row = first_values(pairs)
    throttle: Throttle | None = None
    if "throttle_name" in row:
        iops, bandwidth = (optional_number(row, key, line) for key in ("IOPs_limit", "bandwidth_limit_MB"))
        throttle = Throttle(row["throttle_name"], iops or None, bandwidth or None)  # 0: off
    used = _size_shown(row, "used_capacity")
    reserved = ""
    if row.get("owner_type", "none") not in ("", "none"):
        reserved = f"belongs to a system object of type {row['owner_type']}"
    elif row.get("is_snapshot") == "yes":
        reserved = "is the image of a snapshot"
    elif row.get("restore_in_progress") == "yes":
        reserved = "is being restored from a snapshot"
    return replace(
        _volume(row, line),
        deduplicated=sum(pair == ("deduplicated_copy", "yes") for pair in pairs),
        used=_size_shown(row, "used_capacity_before_reduction") if used is None else used,
        throttle=throttle,
        reserved=reserved,
    )


def host_rows(text: str, line: str) -> tuple[HostRow | Odd, ...]:
    """Parse `lshost`: ids and names. The other values are read in the detailed view."""

    def read(row: Row) -> HostRow:
        return HostRow(_present(row, "id", line), HostName(_present(row, "name", line)))

    return _each(concise_or_odd(text, line), read, line)


def _present(row: Row, column: str, line: str) -> str:
    if not (found := cell(row, column, line)):
        raise Unreadable(line, f"{column} is empty")
    return found


def odd_view(text: str, error: Unreadable, name: str) -> Odd:
    """Return an unreadable view as Odd: all its values may identify the object."""
    values = (each.rstrip("\r").partition(DELIMITER) for each in text.split("\n"))
    return Odd(error.line, error.why, identifiers([name, *(value or key for key, _, value in values)]), name)


def host(text: str, line: str) -> Host:
    """Parse `lshost HOST`. Unreadable if port_count is not the number of ports: a lost port is a lost identity."""
    pairs = detailed(text, line)
    row = first_values(pairs)
    ports = tuple(_ports(pairs, line))
    if number(row, "port_count", line) != len(ports):
        raise Unreadable(line, f"port_count is {row['port_count']}, but {len(ports)} ports are listed")
    return Host(
        id=cell(row, "id", line),
        name=HostName(cell(row, "name", line)),
        ports=ports,
        cluster=row.get("host_cluster_name", ""),
        portset=row.get("portset_name", ""),
        io_group_count=number(row, "iogrp_count", line) if row.get("iogrp_count") else 0,
        kind=row.get("type", ""),
        partition=row.get("partition_name", ""),
    )


def io_groups(text: str, line: str) -> frozenset[str]:
    """Parse `lshostiogrp HOST`: the ids of the I/O groups through which it may log in."""
    return frozenset(cell(row, "id", line) for row in concise(text, line))


def mappings_by_host(text: str, line: str) -> tuple[VolumeMapping | Odd, ...]:
    """Parse `lshostvdiskmap`: id and name are the host's."""
    return _mappings(concise_or_odd(text, line), _Columns("id", "name", "vdisk_id", "vdisk_name"), line)


def mappings_by_volume(text: str, line: str) -> tuple[VolumeMapping | Odd, ...]:
    """Parse `lsvdiskhostmap`: id and name are the volume's."""
    return _mappings(concise_or_odd(text, line), _Columns("host_id", "host_name", "id", "name"), line)


def host_clusters_by_volume(text: str, line: str) -> Mapping[VolumeUid, frozenset[str]]:
    """Parse `lshostclustervolumemap`: the names of the host clusters that have volumes, also those without hosts.

    Source: array-cli facts 2.16.
    """
    found: dict[VolumeUid, set[str]] = {}
    for row in concise(text, line):
        found.setdefault(_uid(cell(row, "volume_UID", line), line), set()).add(cell(row, "name", line))
    return {uid: frozenset(names) for uid, names in found.items()}


class _Columns(NamedTuple):
    """The columns of host and volume in a listing of mappings."""

    host_id: str
    host: str
    volume_id: str
    volume: str


def _mappings(rows: Iterable[Row | Odd], columns: _Columns, line: str) -> tuple[VolumeMapping | Odd, ...]:
    """Join the rows of the I/O groups to one mapping for each host, volume and host cluster."""
    found, odd = dict[VolumeMapping, set[Lun]](), list[Odd]()
    for row in rows:
        one = row if isinstance(row, Odd) else _or_odd(row, lambda each: _mapping(each, columns, line), line)
        if isinstance(one, Odd):
            host = "" if isinstance(row, Odd) else row.get(columns.host, "")
            odd.append(replace(one, host=HostName(host) if host else None))
        else:
            found.setdefault(replace(one, luns=()), set()).update(one.luns)
    return (*(replace(mapping, luns=tuple(sorted(luns))) for mapping, luns in found.items()), *odd)


def _mapping(row: Row, columns: _Columns, line: str) -> VolumeMapping:
    host = HostName(_present(row, columns.host, line))
    volume = VolumeName(cell(row, columns.volume, line))
    uid = _uid(cell(row, "vdisk_UID", line), line)
    lun = number(row, "SCSI_id", line)
    if lun > MAX_LUN:
        raise Unreadable(line, f"SCSI_id is {lun}, more than {MAX_LUN}")
    kind = row.get("mapping_type", "private")
    if kind not in ("", "private", "shared"):
        raise Unreadable(line, f"mapping_type is {kind!r}, neither private nor shared")
    # The private mappings of a member of a host cluster also show the cluster.
    cluster = cell(row, "host_cluster_name", line) if kind == "shared" else ""
    host_id, volume_id = row.get(columns.host_id, ""), row.get(columns.volume_id, "")
    return VolumeMapping(host, volume, uid, (Lun(lun),), cluster, host_id, volume_id)


def _volume(row: Row, line: str) -> Volume:
    if not cell(row, "vdisk_UID", line):
        raise Unreadable(line, "the volume has no vdisk_UID, so it cannot be identified")
    parent = row.get("parent_mdisk_grp_name", "")
    in_pool = row.get("mdisk_grp_name", parent)  # the legacy dialect shows only the parent
    # Whether safeguarded snapshots are counted twice is not documented.
    counts = [optional_number(row, column, line) for column in ("snapshot_count", "safeguarded_snapshot_count")]
    return Volume(
        id=cell(row, "id", line),
        name=VolumeName(cell(row, "name", line)),
        uid=_uid(row["vdisk_UID"], line),
        capacity=number(row, "capacity", line),
        io_group=row.get("IO_group_name", ""),
        status=row.get("status", ""),
        preferred_node=row.get("preferred_node_id", ""),
        access_io_groups=optional_number(row, "access_IO_group_count", line) or 0,
        pool=PoolName(in_pool) if in_pool else None,
        parent_pool=PoolName(parent) if parent else None,
        formatting=row["formatting"] != "no" if row.get("formatting") else None,
        copies=optional_number(row, "copy_count", line),
        thin=optional_number(row, "se_copy_count", line),
        compressed=optional_number(row, "compressed_copy_count", line),
        flashcopy_maps=optional_number(row, "fc_map_count", line),
        snapshots=max((count for count in counts if count is not None), default=None),
        replicated=_replicated(row),
        volume_group=row.get("volume_group_name", ""),
    )


def _replicated(row: Row) -> str:
    """Return how a volume is replicated. Any value in one of these columns is a sign, also an unknown one."""
    if row.get("RC_change") == "yes":
        return "is a change volume of a remote-copy relationship"
    if row.get("RC_id") or row.get("RC_name"):
        return "is in a remote-copy relationship"
    if row.get("replication_mode"):
        return f"is replicated by policy ({row['replication_mode']})"
    if row.get("volume_id", "") not in ("", row.get("id")):
        return "is a copy of a HyperSwap volume"
    return f"is replicated ({row['function']})" if row.get("function") else ""


def _ports(pairs: Iterable[Pair], line: str) -> Iterator[Port]:
    """Parse the ports: name, then logins and state, possibly with lines of newer releases in between.

    Logins without a preceding port of a known kind belong to a port of an unknown kind; its name is the line above.
    """
    open_port, above = None, ("", "")
    for key, value in pairs:
        kind = _PORT_KEYS.get(key.lower())
        if kind or (key == _LOGINS and (open_port is None or open_port.logins_read)):
            if open_port:
                yield open_port.made(line)
            if not kind and not (is_column(above[0]) and above[1]):
                raise Unreadable(line, f"{key} does not follow a port")
            open_port = _OpenPort(kind or Protocol.OTHER, value if kind else above[1])
        if open_port and key == _LOGINS:
            # Anything but a number is None, which counts as a login so that nothing is unmapped.
            open_port.logins = int(value) if value.isdecimal() and len(value) < len("1000000") else None
            open_port.logins_read = True
        elif open_port and key == "state" and not open_port.state:
            open_port.state = value
        above = key, value
    if open_port:
        yield open_port.made(line)


@dataclass(slots=True)
class _OpenPort:
    """A port that may have more lines."""

    protocol: Protocol
    name: str
    logins: int | None = None
    logins_read: bool = False
    state: str = ""

    def made(self, line: str) -> Port:
        if not self.logins_read:
            raise Unreadable(line, f"port {self.name} shows no {_LOGINS}")
        name = self.name.lower() if self.protocol is Protocol.ISCSI else self.name
        return Port(self.protocol, name, self.logins, self.state)


def _of_system(text: str, line: str) -> Row:
    """Parse only the known keys of `lssystem`, so that no other value can appear in a status.

    Errors quote no value: a line may be joined with the next one, which may have the secret.
    """
    row: dict[str, str] = {}
    for each in text.split("\n"):
        key, _, value = each.rstrip("\r").partition(DELIMITER)
        if key in _SYSTEM_KEYS:
            row.setdefault(key, value)
    if invalid := sorted(key for key, value in row.items() if DELIMITER in value):
        raise Unreadable(line, f"the value of {', '.join(invalid)} contains {DELIMITER!r}, which is not valid there")
    return row


def _uid(text: str, line: str) -> VolumeUid:
    try:
        return volume_uid(text)
    except ValueError as error:
        raise Unreadable(line, str(error)) from None


_METHOD, _SECRET = "iscsi_auth_method", "iscsi_chap_secret"
_SECRETS = frozenset({_SECRET, f"cluster_{_SECRET}"})
_METHODS = frozenset({_METHOD, f"cluster_{_METHOD}"})
_KNOWN_METHODS = frozenset({"none", "chap", ""})


def secrets(text: str, line: str) -> Mapping[HostName, ChapSecret | None]:
    """Parse `lsiscsiauth`: the secret of each host object that has one; None if the array hides it.

    The row of the system (type cluster) is ignored.
    """
    header, *rows = [each.rstrip("\r") for each in text.split("\n") if each.strip()] or [""]
    columns = header.split(DELIMITER)
    if header and not {"type", "name", _METHOD, _SECRET} <= set(columns):
        raise Unreadable(line, "its columns are not those of lsiscsiauth")
    found: dict[HostName, ChapSecret | None] = {}
    for each in rows:
        # A secret may contain the delimiter, and from 8.7 on a row has two: only one reading may be possible.
        cells = each.split(DELIMITER)
        readings = [
            row
            for row in _readings(cells, columns)
            if len(cells) == len(columns) or all(row[column] in _KNOWN_METHODS for column in _METHODS & row.keys())
        ]
        if len(readings) != 1:
            raise Unreadable(line, f"a row has {len(cells)} fields, the header {len(columns)}")
        row = readings[0]
        if row["type"] == "host" and row[_METHOD] == "chap" and row[_SECRET] != "no":
            secret = ChapSecret(row[_SECRET], username=row.get("iscsiusername", ""))
            found[HostName(row["name"])] = None if row[_SECRET] == "yes" else secret
    return found


def _readings(cells: Sequence[str], columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Return every assignment of the cells to the columns; a secret may take several cells."""
    if not columns or len(cells) < len(columns):
        if not columns and not cells:
            yield {}
        return
    most = len(cells) - len(columns) + 1 if columns[0] in _SECRETS else 1
    for taken in range(1, most + 1):
        for rest in _readings(cells[taken:], columns[1:]):
            yield {columns[0]: DELIMITER.join(cells[:taken]), **rest}
