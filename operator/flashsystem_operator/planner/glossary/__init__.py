"""What every condition and every reason means, and what to do: the one place where that is written.

`make reference` writes docs/reference.md from it; a test asks for an entry for each reason, and for each condition.
"""

from collections.abc import Mapping

from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.glossary import arrays, beside, drift, hosts, objects
from flashsystem_operator.planner.glossary.entry import Entry

REASONS: Mapping[Reason, Entry] = {
    **objects.REASONS,
    **hosts.REASONS,
    **arrays.REASONS,
    **beside.REASONS,
    **drift.REASONS,
}

CONDITIONS: Mapping[str, str] = {
    "Ready": "at the last look the array was as wished",
    "Reconciling": "something is under way, or awaited; it goes on by itself",
    "Stalled": "only a change helps: of a resource, of the array, or of the way to it",
    "Reachable": "(arrays) the last look succeeded",
}
"""Those that are always there, with what is so when they are True."""

FURTHER: Mapping[str, str] = {
    "ConnectionSecretBlocked": "(attachments) the Secret that `connectionSecret` asks for is not as it should be, and "
    "cannot be made so, see [connecting.md](connecting.md#the-connection-secret)",
    "PersistentVolumeBlocked": "(attachments) the same for `persistentVolume`, see "
    "[connecting.md](connecting.md#the-persistentvolume)",
    "DetachBlocked": "(attachments) the detach guard holds it back, see [safety.md](safety.md#the-detach-guard)",
    "DetachBraked": "(arrays) deletions wait for the brake, see [safety.md](safety.md#the-mass-detach-brake)",
    "Drifted": "another hand changed the array, and that is not corrected, see [drift.md](drift.md)",
    "LabelsUnknown": "(arrays) some of its permissions choose namespaces by labels, which an operator for named "
    "namespaces may not read, see [tenancy.md](tenancy.md#what-the-operator-needs)",
    "NearLimit": "(arrays, hosts) four fifths of what such a system is documented to take are used",
    "VolumeUnhealthy": "(attachments) the array says that the mapped volume is offline or degraded; mapping and "
    "connection are as they should be",
    "Paused": "annotation `flashsystem.io/paused` is on the object, its host or its array",
}
"""Those that are there, and True, only while there is something to say."""

__all__ = ["CONDITIONS", "FURTHER", "REASONS", "Entry"]
