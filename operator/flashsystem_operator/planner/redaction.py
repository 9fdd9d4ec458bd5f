"""Redaction: the messages of an object name only objects of its own namespace.

A host object that we create contains the name of its FlashSystemHost, so the names of host objects are redacted in the
same way. A reader in the array's own namespace is the array administrator and may see objects without an owner.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from flashsystem_operator.api.metadata import Resource
from flashsystem_operator.planner.desired import Desired, has_been_admitted
from flashsystem_operator.planner.text import listed
from flashsystem_operator.values import HostName, VolumeUid


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of messages of an object in this namespace."""

    namespace: str
    desired: Desired

    @classmethod
    def of(cls, resource: Resource, desired: Desired) -> "Reader":
        return cls(resource.metadata.namespace, desired)

    @property
    def keeps_the_array(self) -> bool:
        """Whether this is the array's own namespace: only there other objects of the array are shown."""
        return self.namespace == self.desired.array.metadata.namespace

    def knows(self, host_object: str) -> bool:
        """Whether the name of a host object may be shown."""
        owners = self.desired.namespaces_of_host_object.get(host_object)
        if not owners and (other := self.desired.elsewhere(HostName(host_object))):
            owners = frozenset({other.metadata.namespace})
        return self.namespace in owners if owners else self.keeps_the_array

    def may_know(self, volume: str, uid: VolumeUid) -> bool:
        """Whether the name of a volume that is mapped to a host of this namespace may be shown.

        The machine sees LUN and UID itself, but not the name on the array: that is only for namespaces that may attach
        the volume, or have attached it.
        """
        if self.desired.tenancy.volume(self.namespace, volume) is None:
            return True
        had = (each for each in self.desired.bound_to(uid) if each.metadata.namespace == self.namespace)
        return any(map(has_been_admitted, had))

    def host_object(self, name: str) -> str:
        """`Host object node-0123...` or a redacted form, as the beginning of a sentence."""
        return f"Host object {name}" if self.knows(name) else "A host object of another owner's"

    def host_objects(self, names: Iterable[str]) -> str:
        """`a-0123...`, `a-0123... and 2 other hosts`, `another host`."""
        all_of_them = sorted(names)
        known = [name for name in all_of_them if self.knows(name)]
        hidden = len(all_of_them) - len(known)
        return listed([*known, *([] if not hidden else ["another host"] if hidden == 1 else [f"{hidden} other hosts"])])

    def resource(self, other: Resource) -> str:
        """`FlashSystemHost storage/node`, or `a FlashSystemHost of another namespace`."""
        near = other.metadata.namespace == self.namespace
        return str(other.ref) if near else f"a {other.KIND} of another namespace"

    def resources(self, others: Collection[Resource]) -> str:
        """Their names; of other namespaces only the number."""
        near = sorted(each.metadata.name for each in others if each.metadata.namespace == self.namespace)
        far = len(others) - len(near)
        kind = next((each.KIND for each in others), "resource")
        return listed([*near, *_counted(far, f"{kind} of another namespace", f"{kind}s of other namespaces")])


def _counted(count: int, one: str, many: str) -> list[str]:
    return [] if not count else [f"a {one}"] if count == 1 else [f"{count} {many}"]
