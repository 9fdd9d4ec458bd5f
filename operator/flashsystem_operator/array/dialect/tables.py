"""The two shapes in which the array prints things, taken apart without knowing what they mean.

*Concise*: a header line, then a row per object. An empty list prints nothing at all, or on some systems the header.
*Detailed*: `key!value` lines; keys repeat as blocks (a host's ports, a mirrored volume's copies).
Columns are found by their name, never by position: releases add some at the end and in the middle.

Source: array-cli facts 1.6, 1.7, 1.8.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from flashsystem_operator.array.errors import MissingColumn, Unreadable
from flashsystem_operator.array.model import Odd

DELIMITER = "!"
"""No object's name may hold it, unlike `:` (IQN, IPv6, MAC) and `,`."""

_COLUMN = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"[0-9]{1,30}")

Fact = TypeVar("Fact")
Row = Mapping[str, str]
Pair = tuple[str, str]


def concise(text: str, line: str) -> tuple[Row, ...]:
    """The rows of a listing by column name. Unreadable if a row's number of fields is not the header's."""
    return tuple(readable(concise_or_odd(text, line)))


def readable(found: Iterable[Fact | Odd]) -> Iterator[Fact]:
    """All of it, or Unreadable for the first that cannot be read."""
    for each in found:
        if isinstance(each, Odd):
            raise Unreadable(each.line, each.why)
        yield each


def sift(found: Iterable[Fact | Odd], odd: list[Odd]) -> Iterator[Fact]:
    """What can be read of it; what cannot is added to `odd`."""
    for each in found:
        if isinstance(each, Odd):
            odd.append(each)
        else:
            yield each


def concise_or_odd(text: str, line: str) -> tuple[Row | Odd, ...]:
    """The same, with a row that has another number of fields for what it is.

    Every listing has a column `id`, or that of an object: `host_id`. A row that lost its header, and stands alone, is
    no empty listing.
    """
    lines = [each.rstrip("\r") for each in text.split("\n") if each.strip()]
    if not lines:
        return ()
    header = lines[0].split(DELIMITER)
    named = all(map(is_column, header)) and any(each == "id" or each.endswith("_id") for each in header)
    if len(set(header)) != len(header) or not named:
        raise Unreadable(line, f"its first line is no header: {_shown(lines[0])}")
    return tuple(_row(each.split(DELIMITER), header, line) for each in lines[1:])


def _row(cells: list[str], header: list[str], line: str) -> Row | Odd:
    if len(cells) == len(header):
        return dict(zip(header, cells, strict=True))
    why = f"a row has {len(cells)} fields, the header {len(header)}: {_shown(cells[0])}..."
    return Odd(line, why, words(cells), cells[0])


def is_column(text: str) -> bool:
    """Whether it may be the name of a column or key."""
    return _COLUMN.fullmatch(text) is not None


def words(cells: Iterable[str]) -> frozenset[str]:
    """What an object can be recognised by, in lower case."""
    return frozenset(cell.strip().lower() for cell in cells) - {""}


def detailed(text: str, line: str) -> tuple[Pair, ...]:
    """The key and value of each line, in order, repeats included. Unreadable if a line has no delimiter."""
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
    """Each key's first value: the object's own, since blocks that repeat a key come after it."""
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def cell(row: Row, column: str, line: str) -> str:
    """The value in a column that must be there, or Unreadable."""
    try:
        return row[column]
    except KeyError:
        raise MissingColumn(line, f"it has no column {column!r}, only {', '.join(row)}") from None


def number(row: Row, column: str, line: str) -> int:
    """The whole number in a column that must be there, or Unreadable."""
    text = cell(row, column, line)
    if not _NUMBER.fullmatch(text):
        raise Unreadable(line, f"{column} is {_shown(text)!r}, not a number")
    return int(text)


def _shown(text: str) -> str:
    return ascii(text[:60])[1:-1]
