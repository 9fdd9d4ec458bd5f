"""Names of resources for what is on an array under names that Kubernetes would not take."""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from flashsystem_operator.api.kinds import Kind, ObjectRef
from flashsystem_operator.reconcile.names import host_object_name, made_by_another
from flashsystem_operator.values import HostName

_LONGEST = 57
"""Characters that leave room for a number, in a name that is also fit for a label."""

_NOT_ALLOWED = re.compile(r"[^a-z0-9]+")


class Namer:
    """Gives each thing a name of its own in a namespace: that on the array if it is free, else one with a number.

    prefix: what names begin with, for a namespace that several arrays share.
    """

    def __init__(self, namespace: str, taken: AbstractSet[ObjectRef], prefix: str = "") -> None:
        self._namespace = namespace
        self._taken = set(taken)
        self._prefix = prefix

    def host(self, name: str, own: str | None = None) -> str:
        """own: the name of the resource that the host object was made for. It keeps it: another would not be its."""
        return self._free(Kind.HOST, own or f"{self._prefix}{name}")

    def attachment(self, volume: str, host: str) -> str:
        """host: of a volume that several hosts see; empty if one does."""
        return self._free(
            Kind.ATTACHMENT, self._prefix + (f"{volume}-{host.removeprefix(self._prefix)}" if host else volume)
        )

    def _free(self, kind: Kind, wished: str) -> str:
        base = slug(wished, kind.short_name)
        number = 1
        while (ref := ObjectRef(kind, self._namespace, base if number == 1 else f"{base}-{number}")) in self._taken:
            number += 1
        self._taken.add(ref)
        return ref.name


def slug(name: str, instead: str) -> str:
    """Lower-case letters, digits and dashes. instead: for a name of which nothing is left."""
    return _NOT_ALLOWED.sub("-", name.lower()).strip("-")[:_LONGEST].strip("-") or instead


def resource_of(name: HostName, installations: Iterable[str], namespace: str) -> str | None:
    """The FlashSystemHost of this namespace for which the operator made this host object, if its base name tells."""
    base = name[: -len("-") - 14]
    mine = (host_object_name(installation, namespace, base, base) for installation in installations)
    return base if made_by_another((), name) and name in mine else None
