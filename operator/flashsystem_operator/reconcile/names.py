"""How a host object that we make is called, and what a name proves.

    <base>-<6 hex of the installation><8 hex of the resource>

The name can be worked out again from the resource alone, so a crash between mkhost and the status write leaks nothing.
The suffix is the proof of ownership without which nothing is ever deleted; its first half tells an orphan of this
installation from a host object of somebody else.
"""

import hashlib
import re
from collections.abc import Collection

from flashsystem_operator.values import HostName, host_name

_BASE = 48
_SUFFIX = re.compile(r"-([0-9a-f]{6})([0-9a-f]{8})$")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.-]")


def host_object_name(installation: str, namespace: str, name: str, base: str) -> HostName:
    """The name, at most 63 characters, for the FlashSystemHost `namespace/name`.

    base: what it begins with; characters that the array does not take become dashes, a first one that may not be
          first is preceded by an h.
    """
    cleaned = _NOT_ALLOWED.sub("-", base)
    if not re.match(r"[A-Za-z_]", cleaned):
        cleaned = f"h{cleaned}"
    return host_name(f"{cleaned[:_BASE]}-{_digest(installation, 6)}{mark_of(namespace, name)}")


def made_by(installation: str, name: HostName) -> bool:
    """Whether the name proves that this installation made the host object, for whichever resource."""
    found = _SUFFIX.search(name)
    return found is not None and found.group(1) == _digest(installation, 6)


def made_for(name: HostName, namespace: str, resource: str) -> bool:
    """Whether the name proves that some installation made the host object for the FlashSystemHost of that name.

    The resource need not be there any more, and its status has no say in it.
    """
    return mark_in(name) == mark_of(namespace, resource)


def mark_of(namespace: str, resource: str) -> str:
    """What the name of each host object ends with that an operator creates for a FlashSystemHost."""
    return _digest(f"{namespace}/{resource}", 8)


def mark_in(name: HostName) -> str | None:
    """The mark in the name of a host object; None if no operator gave it."""
    found = _SUFFIX.search(name)
    return found.group(2) if found else None


def made_by_another(ours: Collection[str], name: HostName) -> bool:
    """Whether the name has the form of an installation's, and of none of these."""
    found = _SUFFIX.search(name)
    return found is not None and all(found.group(1) != _digest(installation, 6) for installation in ours)


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
