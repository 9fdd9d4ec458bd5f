"""The looks of a pass, in the order in which one leads to the next. Blocking; changes nothing on the array."""

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
"""Commands that list hosts, volumes and mappings; the hosts' ports come on top, one command each."""

_TRIES = 6
"""Looks at what an administrator changes while it is read."""

_RESTLESS = f"in {_TRIES} looks its objects had other names than in the look before"


@dataclass(slots=True)
class Observer:
    """One pass's looks at one array. view: the worker's, learnt into; None until a survey was made."""

    session: Session
    inventory: Inventory | None = None
    _looked: Focus = field(default_factory=Focus)
    _surveyed: bool = False

    def first(self, desired: Desired, due: Collection[ObjectRef], *, survey: bool) -> Inventory:
        """Before planning: as much as the due objects need, or everything."""
        clustered = set(self.inventory.host_clusters) if self.inventory else set()
        if survey or self.inventory is None:
            self.inventory = discovery.survey(self.session, desired.array.spec.pool)
            self._surveyed = True
        # Where a volume was recorded to be, if no look shows it: a volume keeps its id for life.
        seen = [attachment.status.volume for ref in due if (attachment := desired.attachments.get(ref))]
        recorded = {each.uid: each.id for each in seen if each and each.uid and each.id and each.id.isdecimal()}
        self.inventory.volume_ids = {**recorded, **self.inventory.volume_ids}
        if self._surveyed:
            # What no listing of hosts shows would be found out again by a command that the array refuses.
            self._closely(self.inventory, Focus(clustered=clustered))
        else:
            self._closely_or_all(self.inventory, required_looks.whole(desired, self.inventory, due))
        for _ in range(_TRIES):
            doubts = required_looks.without(required_looks.doubts(desired, self.inventory, due), self._looked)
            if doubts.cost:
                self._closely(self.inventory, doubts)
            elif not self._surveyed and required_looks.lost_host(desired, self.inventory, due):
                self._list(self.inventory)
            else:
                return self.inventory
        raise Unreadable("lshost", _RESTLESS)

    def again(
        self,
        done: Sequence[Step],
        stopped: Sequence[Step],
        seen: Mapping[HostName, Iterable[VolumeMapping]] = MappingProxyType({}),
        volumes: Iterable[Volume] = (),
    ) -> Inventory:
        """After acting: what the steps may have changed, and what the view lacked where some were stopped.

        stopped: refused by the array, or withheld by the look right before them.
        seen: what host objects have, as it was read when the last volume was mapped to each.
        volumes: those that were mapped, as they were read right before.
        """
        inventory = self.inventory
        if inventory is None:
            raise RuntimeError("nothing was looked at before")
        self._looked, self._surveyed = Focus(), False
        if any(isinstance(step, MakeHost | AddPorts) for step in stopped):
            discovery.hosts(self.session, inventory)
        for name, rows in seen.items():
            inventory.learn_mappings_of_host(name, rows, proven=True)
        for volume in volumes:
            inventory.learn_volume(volume)
        # Even so: what that listing of mappings lacks is gone only when its host object says so.
        touched = required_looks.touched(done)
        touched.listed -= seen.keys()
        self._closely(inventory, touched, {step.host for step in done if isinstance(step, RemoveHost)})
        self._closely(
            inventory, required_looks.both(required_looks.rivals_of(stopped), required_looks.unread(done, inventory))
        )
        return inventory

    def _closely_or_all(self, inventory: Inventory, focus: Focus) -> None:
        if focus.cost > _LISTINGS + 2 * len(inventory.hosts):
            self._list(inventory)
        else:
            self._closely(inventory, focus)

    def _closely(self, inventory: Inventory, focus: Focus, removed: Collection[HostName] = ()) -> None:
        """removed: host objects of which no trace is looked for if they are gone: we removed them."""
        for _ in range(_TRIES):
            rest = required_looks.without(focus, self._looked)
            if not rest.cost:
                return
            before = dict(inventory.hosts)
            discovery.closely(self.session, inventory, rest)
            self._looked = required_looks.both(self._looked, rest)
            names = {host.id: name for name, host in inventory.hosts.items()}
            lost = [host for name, host in before.items() if name not in removed and names.get(host.id) != name]
            if not lost:
                return
            # Renamed, or its initiators are elsewhere: what is mapped to the machine is gone only when no host object
            # that has one of them shows it. A listing may lack what the look just showed, so that is read again.
            self._list(inventory)
            again = set(inventory.holders(Iqn(iqn) for host in lost for iqn in sorted(host.iqns)))
            focus = required_looks.both(focus, Focus(hosts=again, mapped=again))
        raise Unreadable("lshost", _RESTLESS)

    def _list(self, inventory: Inventory) -> None:
        discovery.volumes(self.session, inventory)
        discovery.hosts(self.session, inventory)
        self._looked, self._surveyed = Focus(), True
