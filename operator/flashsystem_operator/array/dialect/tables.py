"""Parsers of the two output formats of the array, independent of their content.

*Concise*: a header line, then one row for each object. An empty list prints nothing, or on some systems the header.
*Detailed*: `key!value` lines; keys repeat in blocks (the ports of a host, the copies of a mirrored volume).
Columns are found by name, never by position: releases add columns at the end and in the middle.

Source: array-cli facts 1.6, 1.7, 1.8.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from flashsystem_operator.array.errors import MissingColumn, Unreadable
from flashsystem_operator.array.model import Odd

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
    return tuple(_row_of(each.split(DELIMITER), header, line) for each in lines[1:])


def _row_of(cells: list[str], header: list[str], line: str) -> Row | Odd:
    if len(cells) == len(header):
        return dict(zip(header, cells, strict=True))
    why = f"a row has {len(cells)} fields, the header {len(header)}: {_shown(cells[0])}..."
    return Odd(line, why, identifiers(cells), cells[0])


def is_column(text: str) -> bool:
    """Whether it may be the name of a column or key."""
    return _COLUMN.fullmatch(text) is not None


def identifiers(cells: Iterable[str]) -> frozenset[str]:
    """Return the values that identify an object, in lower case."""
    return frozenset(cell.strip().lower() for cell in cells) - {""}


def detailed(text: str, line: str) -> tuple[Pair, ...]:
    """Parse the key and value of each line, in order, with repeats. Unreadable if a line has no delimiter."""
    return tuple(_pairs(text, line))


def _pairs(text: str, line: str) -> Iterator[Pair]:
    for each in text.split("\n"):
        stripped = each.rstrip("\r")
        if not stripped.strip():
            continue
        key, delimiter, value = stripped.partition(DELIMITER)
        if not delimiter or not key:
            raise Unreadable(line, f"a line of a detailed view has no key and value: {_shown(stripped)}")
        yield key, value


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


def _shown(text: str) -> str:
    return ascii(text[:60])[1:-1]
