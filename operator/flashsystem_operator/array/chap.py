"""Reads `lsiscsiauth`: which host objects ask for a secret, and for which.

The array prints the secrets in clear to whoever may ask. So nothing of the answer may get into an error or a log: see
`Query.secret`.

Source: array-cli facts 2.12.
"""

from collections.abc import Iterator, Mapping, Sequence

from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.tables import DELIMITER
from flashsystem_operator.values import ChapSecret, HostName

_METHOD, _SECRET = "iscsi_auth_method", "iscsi_chap_secret"
_SECRETS = frozenset({_SECRET, f"cluster_{_SECRET}"})
_METHODS = frozenset({_METHOD, f"cluster_{_METHOD}"})
_KNOWN_METHODS = frozenset({"none", "chap", ""})


def secrets(text: str, line: str) -> Mapping[HostName, ChapSecret | None]:
    """The secret of each host object that has one; None where the array says that there is one, and not which.

    The system's own, a row of type cluster, is not among them.
    """
    header, *rows = [each.rstrip("\r") for each in text.split("\n") if each.strip()] or [""]
    columns = header.split(DELIMITER)
    if header and not {"type", "name", _METHOD, _SECRET} <= set(columns):
        raise Unreadable(line, "its columns are not those of lsiscsiauth")
    found: dict[HostName, ChapSecret | None] = {}
    for each in rows:
        row = _row(each, columns, line)
        if row["type"] == "host" and row[_METHOD] == "chap" and row[_SECRET] != "no":
            secret = ChapSecret(row[_SECRET], username=row.get("iscsiusername", ""))
            found[HostName(row["name"])] = None if row[_SECRET] == "yes" else secret
    return found


def _row(text: str, columns: Sequence[str], line: str) -> Mapping[str, str]:
    """A secret may hold the delimiter: the columns before it are counted from the left, those behind from the right.

    From 8.7 on there are two secrets in a row. Where it cannot be told which of them has it, the row is unreadable.
    """
    cells = text.split(DELIMITER)
    readings = [
        row
        for row in _readings(cells, columns)
        if len(cells) == len(columns) or all(row[column] in _KNOWN_METHODS for column in _METHODS & row.keys())
    ]
    if len(readings) != 1:
        raise Unreadable(line, f"a row has {len(cells)} fields, the header {len(columns)}")
    return readings[0]


def _readings(cells: Sequence[str], columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Every way to share the cells out among the columns, a secret taking several of them if there are too many."""
    if not columns or len(cells) < len(columns):
        if not columns and not cells:
            yield {}
        return
    most = len(cells) - len(columns) + 1 if columns[0] in _SECRETS else 1
    for taken in range(1, most + 1):
        for rest in _readings(cells[taken:], columns[1:]):
            yield {columns[0]: DELIMITER.join(cells[:taken]), **rest}
