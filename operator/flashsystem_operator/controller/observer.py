"""The observer: how a pass reads the array before planning and after acting. Blocking; changes nothing on the array."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array import discovery
from flashsystem_operator.array.commands import AddPorts, MakeHost, RemoveHost, Step
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.array.model import Volume
from flashsystem_operator.array.session import Session
from flashsystem_operator.planner import required_looks
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import HostName, Iqn

_LISTINGS = 3
"""Commands that list hosts, volumes and mappings; the hosts' ports take one more command each."""

_TRIES = 6
"""Reads of what an administrator changes while it is read."""

_UNSTABLE = f"in {_TRIES} reads its objects had other names than in the read before"


@dataclass(slots=True)
class Observer:
    """Reads one array for one pass. inventory: the worker's, updated in place; None before the first survey."""

    session: Session
    inventory: Inventory | None = None
    _looked: Focus = field(default_factory=Focus)
    _surveyed: bool = False

    def first(self, desired: Desired, due: Collection[ObjectRef], *, survey: bool) -> Inventory:
        """Read the array before planning: what the due objects need, or all of it."""
        clustered = set(self.inventory.host_clusters) if self.inventory else set()
        if survey or self.inventory is None:
            self.inventory = discovery.survey(self.session, desired.array.spec.pool)
            self._surveyed = True
        # The recorded id of a volume, if no read shows it: a volume never changes its id.
        seen = [attachment.status.volume for ref in due if (attachment := desired.attachments.get(ref))]
        recorded = {each.uid: each.id for each in seen if each and each.uid and each.id and each.id.isdecimal()}
        self.inventory.volume_ids = {**recorded, **self.inventory.volume_ids}
        if self._surveyed:
            # Hosts of host clusters, which no list shows, are read too: else a command would be refused again.
            self._closely(self.inventory, Focus(clustered=clustered))
        else:
            focus = required_looks.required_focus(desired, self.inventory, due)
            if focus.cost > _LISTINGS + 2 * len(self.inventory.hosts):
                self._list(self.inventory)
            else:
                self._closely(self.inventory, focus)
        for _ in range(_TRIES):
            doubts = required_looks.without(required_looks.doubtful_focus(desired, self.inventory, due), self._looked)
            if doubts.cost:
                self._closely(self.inventory, doubts)
            elif not self._surveyed and required_looks.lost_host(desired, self.inventory, due):
                self._list(self.inventory)
            else:
                return self.inventory
        raise Unreadable("lshost", _UNSTABLE)

    def again(
        self,
        done: Sequence[Step],
        stopped: Sequence[Step],
        seen: Mapping[HostName, Iterable[VolumeMapping]] = MappingProxyType({}),
        volumes: Iterable[Volume] = (),
    ) -> Inventory:
        """Read the array after acting: what the steps may have changed, and what the inventory lacked if steps stopped.

        stopped: steps refused by the array, or withheld after the read right before them.
        seen: mappings of host objects, as read when the last volume was mapped to each.
        volumes: the mapped volumes, as read right before.
        """
        inventory = self.inventory
        if inventory is None:
            raise RuntimeError("the array was not read before")
        self._looked, self._surveyed = Focus(), False
        if any(isinstance(step, MakeHost | AddPorts) for step in stopped):
            discovery.hosts(self.session, inventory)
        for name, rows in seen.items():
            inventory.learn_mappings_of_host(name, rows, proven=True)
        for volume in volumes:
            inventory.learn_volume(volume)
        # Even so, a mapping that this list lacks counts as gone only after a read of its host object.
        touched = required_looks.touched_focus(done)
        touched.listed -= seen.keys()
        self._closely(inventory, touched, {step.host for step in done if isinstance(step, RemoveHost)})
        self._closely(
            inventory, required_looks.both(required_looks.rivals_of(stopped), required_looks.unread(done, inventory))
        )
        return inventory

    def _closely(self, inventory: Inventory, focus: Focus, removed: Collection[HostName] = ()) -> None:
        """Read the focus, and again while names change. removed: host objects that we removed and may be gone."""
        for _ in range(_TRIES):
            remaining = required_looks.without(focus, self._looked)
            if not remaining.cost:
                return
            before = dict(inventory.hosts)
            discovery.closely(self.session, inventory, remaining)
            self._looked = required_looks.both(self._looked, remaining)
            names = {host.id: name for name, host in inventory.hosts.items()}
            lost = [host for name, host in before.items() if name not in removed and names.get(host.id) != name]
            if not lost:
                return
            # Renamed, or its initiators are elsewhere: a mapping to the host is gone only if no host object that has
            # one of them shows it. A list may lack what the last read showed, so that is read again.
            self._list(inventory)
            again = set(inventory.holders(Iqn(iqn) for host in lost for iqn in sorted(host.iqns)))
            focus = required_looks.both(focus, Focus(hosts=again, mapped=again))
        raise Unreadable("lshost", _UNSTABLE)

    def _list(self, inventory: Inventory) -> None:
        discovery.volumes(self.session, inventory)
        discovery.hosts(self.session, inventory)
        self._looked, self._surveyed = Focus(), True
