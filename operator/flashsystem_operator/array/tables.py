"""The two shapes in which the array prints things, taken apart without knowing what they mean.

*Concise*: a header line, then a row per object. An empty list prints nothing at all, or on some systems the header.
*Detailed*: `key!value` lines; keys repeat as blocks (a host's ports, a mirrored volume's copies).
Columns are found by their name, never by position: releases add some at the end and in the middle.

Source: array-cli facts 1.6, 1.7, 1.8.
"""

import re
from collections.abc import Iterator, Mapping

from flashsystem_operator.array.errors import Unreadable

DELIMITER = "!"
"""No object's name may hold it, unlike `:` (IQN, IPv6, MAC) and `,`."""

_NUMBER = re.compile(r"[0-9]{1,30}")

Row = Mapping[str, str]
Pair = tuple[str, str]


def concise(text: str, line: str) -> tuple[Row, ...]:
    """The rows of a listing by column name. Unreadable if a row's number of fields is not the header's.

    Every listing has a column `id`: a row that lost its header, and stands alone, is no empty listing.
    """
    lines = [each.rstrip("\r") for each in text.split("\n") if each.strip()]
    if not lines:
        return ()
    header = lines[0].split(DELIMITER)
    if len(set(header)) != len(header) or not all(header) or "id" not in header:
        raise Unreadable(line, f"its first line is no header: {_shown(lines[0])}")
    rows = [each.split(DELIMITER) for each in lines[1:]]
    for row in rows:
        if len(row) != len(header):
            raise Unreadable(line, f"a row has {len(row)} fields, the header {len(header)}: {_shown(row[0])}...")
    return tuple(dict(zip(header, row, strict=True)) for row in rows)


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


def blocks(pairs: tuple[Pair, ...], starts: frozenset[str], members: frozenset[str]) -> tuple[tuple[Pair, ...], ...]:
    """The runs of lines that begin with a key of `starts` and go on through keys of `members`.

    A block ends at the next unknown key, not at the end of the text: newer releases print more scalar keys after.
    """
    found: list[list[Pair]] = []
    inside = False
    for key, value in pairs:
        if key in starts:
            found.append([(key, value)])
            inside = True
        elif inside and key in members:
            found[-1].append((key, value))
        else:
            inside = False
    return tuple(tuple(block) for block in found)


def cell(row: Row, column: str, line: str) -> str:
    """The value in a column that must be there, or Unreadable."""
    try:
        return row[column]
    except KeyError:
        raise Unreadable(line, f"it has no column {column!r}, only {', '.join(row)}") from None


def number(row: Row, column: str, line: str) -> int:
    """The whole number in a column that must be there, or Unreadable."""
    text = cell(row, column, line)
    if not _NUMBER.fullmatch(text):
        raise Unreadable(line, f"{column} is {_shown(text)!r}, not a number")
    return int(text)


def _shown(text: str) -> str:
    return ascii(text[:60])[1:-1]
