"""Tables and key-value lists as the array prints them: -delim, -nohdr, -bytes, -filtervalue, -json."""

import json
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flashsystem_operator.simulator.console.parser import UNITS, Call
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EVER, NEVER
from flashsystem_operator.simulator.state.system import System

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)
Pair = tuple[str, "str | int"]


class Size(int):
    """A number of bytes: exact with -bytes, otherwise rounded to base-2 units."""

    def rounded(self) -> str:
        amount, unit = self / (1 << 20), "MB"
        for bigger in ("GB", "TB", "PB"):
            if amount < 1024:  # noqa: PLR2004 -- base-2 units
                break
            amount, unit = amount / 1024, bigger
        return f"{amount:.2f}{unit}"


@dataclass(frozen=True, slots=True)
class Column(Generic[Item_contra]):
    """One column of a table or key of a detailed view, with the releases that show it."""

    name: str
    get: Callable[[System, Item_contra], str | int]
    since: tuple[int, ...] = EVER
    until: tuple[int, ...] = NEVER


Columns = Sequence[Column[Item]]


def blank(names: str, since: tuple[int, ...] = EVER, value: str = "") -> list[Column[object]]:
    """Return columns with a constant value, because the simulator does not model them."""
    return [Column(name, lambda _array, _item: value, since) for name in names.split()]


def shown(array: System, columns: Columns[Item]) -> list[Column[Item]]:
    return [column for column in columns if array.level.within(column.since, column.until)]


def pairs(array: System, columns: Columns[Item], item: Item) -> list[Pair]:
    return [(column.name, column.get(array, item)) for column in shown(array, columns)]


def concise(array: System, call: Call, columns: Columns[Item], items: Iterable[Item]) -> str:
    """Render a header and one row for each object that passes the filter. An empty list prints nothing."""
    here = shown(array, columns)
    names = [column.name for column in here]
    if call.has("-filtervalue?"):
        return "".join(f"{name}\n" for name in names)
    exact = call.has("-bytes")
    tests = [_test(part, names) for part in call.listed("-filtervalue", ":")]
    unit = call.value("-unit")
    if unit and unit not in UNITS:
        raise Refused("CMMVC5706E", "-unit")
    kept: list[list[str]] = []
    for item in items:
        values = [column.get(array, item) for column in here]
        row = [_text(value, exact=exact) for value in values]
        # With -unit a filter compares capacities as whole numbers of that unit.
        compared = row
        if unit:
            compared = [str(v // UNITS[unit]) if isinstance(v, Size) else row[at] for at, v in enumerate(values)]
        if all(test(compared) for test in tests):
            kept.append(row)
    if call.has("-json"):
        return json.dumps([dict(zip(names, row, strict=True)) for row in kept]) + "\n"
    if not kept and not array.rules.empty_list_header:
        return ""
    lines = kept if call.has("-nohdr") else [names, *kept]
    delim = _delim(call)
    if delim:
        return "".join(delim.join(line) + "\n" for line in lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    return "".join(
        " ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def detailed(call: Call, *records: Iterable[Pair]) -> str:
    """Render one key and value on each line, with a blank line between records."""
    delim, exact = _delim(call), call.has("-bytes")
    keys = not call.has("-nohdr")
    if call.has("-json"):
        objects = [_nested([(key, _text(value, exact=exact)) for key, value in record]) for record in records]
        return json.dumps(objects[0] if len(objects) == 1 else objects) + "\n"
    blocks = (
        "".join(
            f"{key}{delim or ' '}{_text(value, exact=exact)}\n" if keys else f"{_text(value, exact=exact)}\n"
            for key, value in record
        )
        for record in records
    )
    return "\n".join(blocks)


BLOCKS = {
    "nodes": ({"iscsi_name", "iSCSI_name", "WWPN", "nqn", "SAS_WWPN"}, {"node_logged_in_count", "state"}),
    "tiers": ({"tier"}, {"tier_mdisk_count", "tier_capacity", "tier_free_capacity"}),
    "ports": ({"port_id"}, {"port_status", "port_speed"}),
    "logins": ({"login"}, {"node_id", "node_name", "port_id", "protocol", "ip_version", "failover"}),
}
"""Repeating blocks of keys: the name of their list in JSON, the keys that begin one, and the keys that follow.

This is the form of the REST interface; the output of -json over SSH was never recorded.
"""


def _nested(record: list[tuple[str, str]]) -> dict[str, object]:
    """Return a record as an object, with repeating blocks as lists of objects."""
    nested: dict[str, object] = {}
    lists: dict[str, list[dict[str, str]]] = {}
    block: dict[str, str] = {}
    following: set[str] = set()
    for (key, value), (after, _) in zip(record, [*record[1:], ("", "")], strict=True):
        begun = next((name for name, (heads, rest) in BLOCKS.items() if key in heads and after in rest), None)
        if begun:
            block, following = {key: value}, BLOCKS[begun][1]
            nested[begun] = lists.setdefault(begun, [])
            lists[begun].append(block)
        elif key in following:
            block[key] = value
        else:
            following = set()
            nested[key] = value
    return nested


def _text(value: str | int, *, exact: bool) -> str:
    return value.rounded() if isinstance(value, Size) and not exact else str(value)


def _delim(call: Call) -> str:
    if not call.has("-delim"):
        return ""
    delim = call.value("-delim")
    if len(delim) != 1:
        raise Refused("CMMVC6004E", delim)
    return delim


COMPARISONS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def _test(part: str, names: list[str]) -> Callable[[list[str]], bool]:
    """Parse one condition of a filter: `=` with at most one `*`, at the start or the end; `<` and `>` for numbers.

    Anything else is refused with CMMVC5741E.
    """
    found = re.fullmatch(r"([^=<>]+)(<=|>=|[=<>])(.*)", part)
    if not found or found[1] not in names:
        raise Refused("CMMVC5741E", part)
    attribute, sign, value = found.groups()
    index = names.index(attribute)
    if sign == "=":
        bare = value.removesuffix("*") if value.endswith("*") else value.removeprefix("*")
        if "*" in bare:
            raise Refused("CMMVC5741E", part)
        pattern = re.compile(".*".join(re.escape(piece) for piece in value.split("*")))
        return lambda row: pattern.fullmatch(row[index]) is not None
    if not value.isdecimal():
        raise Refused("CMMVC5741E", part)
    compare, limit = COMPARISONS[sign], int(value)
    return lambda row: row[index].isdecimal() and compare(int(row[index]), limit)
