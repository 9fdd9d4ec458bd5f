"""Reads `lsiscsiauth`: which host objects ask for a secret, and for which.

The array prints the secrets in clear to whoever may ask. So nothing of the answer may get into an error or a log: see
`Query.secret`.

Source: array-cli facts 2.12.
"""

from collections.abc import Mapping

from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.tables import DELIMITER
from flashsystem_operator.values import ChapSecret, HostName

_METHOD, _SECRET = "iscsi_auth_method", "iscsi_chap_secret"


def secrets(text: str, line: str) -> Mapping[HostName, ChapSecret]:
    """The secret of each host object that has one. The system's own, a row of type cluster, is not among them."""
    header, *rows = [each.rstrip("\r") for each in text.split("\n") if each.strip()] or [""]
    columns = header.split(DELIMITER)
    if header and not {"type", "name", _METHOD, _SECRET} <= set(columns):
        raise Unreadable(line, "its columns are not those of lsiscsiauth")
    found: dict[HostName, ChapSecret] = {}
    for each in rows:
        row = _row(each, columns, line)
        if row["type"] == "host" and row[_METHOD] == "chap":
            found[HostName(row["name"])] = ChapSecret(row[_SECRET])
    return found


def _row(text: str, columns: list[str], line: str) -> Mapping[str, str]:
    """A secret may hold the delimiter, which does no harm where it is the last column."""
    cells = text.split(DELIMITER, len(columns) - 1 if columns[-1] == _SECRET else -1)
    if len(cells) != len(columns):
        raise Unreadable(line, f"a row has {len(cells)} fields, the header {len(columns)}")
    return dict(zip(columns, cells, strict=True))
