"""Names of the host objects that the operator creates, what such a name proves, and names of imported resources.

    <base>-<6 hex of the installation><8 hex of the resource>

The name can be computed again from the resource alone, so a crash between mkhost and the status write leaks nothing.
The suffix is the proof of ownership without which nothing is ever deleted; its first half distinguishes an orphan of
this installation from the host objects of others.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from flashsystem_operator.api.metadata import Kind, ObjectRef
from flashsystem_operator.values import HostName, host_name

_BASE = 48
_SUFFIX = re.compile(r"-([0-9a-f]{6})([0-9a-f]{8})$")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.-]")


def host_object_name(installation: str, namespace: str, name: str, base: str) -> HostName:
    """The name, at most 63 characters, for the FlashSystemHost `namespace/name`.

    base: its beginning; characters that the array does not accept become dashes, and an h is put before a first
          character that is not allowed there.
    """
    cleaned = _NOT_ALLOWED.sub("-", base)
    if not re.match(r"[A-Za-z_]", cleaned):
        cleaned = f"h{cleaned}"
    return host_name(f"{cleaned[:_BASE]}-{_digest(installation, 6)}{mark_of(namespace, name)}")


def made_by(installation: str, name: HostName) -> bool:
    """Whether the name proves that this installation created the host object, for any resource."""
    found = _SUFFIX.search(name)
    return found is not None and found.group(1) == _digest(installation, 6)


def made_for(name: HostName, namespace: str, resource: str) -> bool:
    """Whether the name proves that some installation created the host object for the FlashSystemHost of that name.

    The resource need not exist any longer, and its status does not matter.
    """
    return mark_in(name) == mark_of(namespace, resource)


def mark_of(namespace: str, resource: str) -> str:
    """The end of the name of each host object that an operator creates for this FlashSystemHost."""
    return _digest(f"{namespace}/{resource}", 8)


def mark_in(name: HostName) -> str | None:
    """The mark in the name of a host object; None if no operator created it."""
    found = _SUFFIX.search(name)
    return found.group(2) if found else None


def made_by_another(ours: Collection[str], name: HostName) -> bool:
    """Whether the name is that of an installation, but of none of these."""
    found = _SUFFIX.search(name)
    return found is not None and all(found.group(1) != _digest(installation, 6) for installation in ours)


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


_LONGEST = 57
"""Characters that leave room for a number, in a name that is also valid as a label."""

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class Namer:
    """Give each object a unique name in a namespace: its name on the array if it is free, else one with a number.

    prefix: the beginning of names, for a namespace that several arrays share.
    own: the resources for which host objects were created. They keep these names: others would not prove ownership.
    """

    def __init__(
        self, namespace: str, taken: AbstractSet[ObjectRef], prefix: str = "", own: Mapping[HostName, str] | None = None
    ) -> None:
        self._namespace = namespace
        self._taken = set(taken)
        self._prefix = prefix
        self._own = own or {}
        self._kept = {self._ref(Kind.HOST, name) for name in self._own.values()} - self._taken

    def host(self, name: HostName) -> str:
        own = self._own.get(name)
        if own and (kept := self._ref(Kind.HOST, own)) in self._kept:
            self._kept.remove(kept)
            self._taken.add(kept)
            return own
        return self._free(Kind.HOST, own or f"{self._prefix}{name}")

    def attachment(self, volume: str, host: str) -> str:
        """host: of a volume that several hosts see; empty if one does."""
        return self._free(
            Kind.ATTACHMENT, self._prefix + (f"{volume}-{host.removeprefix(self._prefix)}" if host else volume)
        )

    def _free(self, kind: Kind, wanted: str) -> str:
        base = slug(wanted, kind.short_name)
        number = 1
        while (ref := self._ref(kind, base if number == 1 else f"{base}-{number}")) in self._taken or ref in self._kept:
            number += 1
        self._taken.add(ref)
        return ref.name

    def _ref(self, kind: Kind, name: str) -> ObjectRef:
        return ObjectRef(kind, self._namespace, name)


def slug(name: str, instead: str) -> str:
    """Lower-case letters, digits and dashes. instead: for a name without any of them."""
    return _NOT_IN_NAMES.sub("-", name.lower()).strip("-")[:_LONGEST].strip("-") or instead


def resources_of(hosts: Iterable[HostName], installations: Collection[str], namespace: str) -> Mapping[HostName, str]:
    """The FlashSystemHosts of this namespace for which the operator created host objects, as far as names prove it."""
    found: dict[HostName, str] = {}
    for host in hosts:
        if not made_by_another((), host):
            continue
        base = host[: -len("-") - 14]
        for name in (base, base.removeprefix("h")):  # the name begins with that of the resource, perhaps after an h
            proven = {host_object_name(installation, namespace, name, name) for installation in installations if name}
            if host in proven:
                found[host] = name
                break
    return found
