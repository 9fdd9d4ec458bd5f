"""The looks of a pass, in the order in which one leads to the next. Blocking; changes nothing on the array."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array import discovery
from flashsystem_operator.array.commands import AddPorts, MakeHost, RemoveHost, Step
from flashsystem_operator.array.discovery import Focus
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.inventory import View
from flashsystem_operator.array.model import Mapping as VolumeMapping
from flashsystem_operator.array.model import Volume
from flashsystem_operator.array.session import Session
from flashsystem_operator.planner import required_looks
from flashsystem_operator.planner.desired import World
from flashsystem_operator.values import HostName, Iqn

_LISTINGS = 3
"""Commands that list hosts, volumes and mappings; the hosts' ports come on top, one command each."""

_TRIES = 6
"""Looks at what an administrator changes while it is read."""

_RESTLESS = f"in {_TRIES} looks its objects had other names than in the look before"


@dataclass(slots=True)
class Looking:
    """One pass's looks at one array. view: the worker's, learnt into; None until a survey was made."""

    session: Session
    view: View | None = None
    _looked: Focus = field(default_factory=Focus)
    _surveyed: bool = False

    def first(self, world: World, due: Collection[ObjectRef], *, survey: bool) -> View:
        """Before planning: as much as the due objects need, or everything."""
        clustered = set(self.view.host_clusters) if self.view else set()
        if survey or self.view is None:
            self.view = discovery.survey(self.session, world.array.spec.pool)
            self._surveyed = True
        # Where a volume was recorded to be, if no look shows it: a volume keeps its id for life.
        seen = [attachment.status.volume for ref in due if (attachment := world.attachments.get(ref))]
        recorded = {each.uid: each.id for each in seen if each and each.uid and each.id and each.id.isdecimal()}
        self.view.volume_ids = {**recorded, **self.view.volume_ids}
        if self._surveyed:
            # What no listing of hosts shows would be found out again by a command that the array refuses.
            self._closely(self.view, Focus(clustered=clustered))
        else:
            self._closely_or_all(self.view, required_looks.whole(world, self.view, due))
        for _ in range(_TRIES):
            doubts = required_looks.without(required_looks.doubts(world, self.view, due), self._looked)
            if doubts.cost:
                self._closely(self.view, doubts)
            elif not self._surveyed and required_looks.lost_host(world, self.view, due):
                self._list(self.view)
            else:
                return self.view
        raise Unreadable("lshost", _RESTLESS)

    def again(
        self,
        done: Sequence[Step],
        stopped: Sequence[Step],
        seen: Mapping[HostName, Iterable[VolumeMapping]] = MappingProxyType({}),
        volumes: Iterable[Volume] = (),
    ) -> View:
        """After acting: what the steps may have changed, and what the view lacked where some were stopped.

        stopped: refused by the array, or withheld by the look right before them.
        seen: what host objects have, as it was read when the last volume was mapped to each.
        volumes: those that were mapped, as they were read right before.
        """
        view = self.view
        if view is None:
            raise RuntimeError("nothing was looked at before")
        self._looked, self._surveyed = Focus(), False
        if any(isinstance(step, MakeHost | AddPorts) for step in stopped):
            discovery.hosts(self.session, view)
        for name, rows in seen.items():
            view.learn_mappings_of_host(name, rows, proven=True)
        for volume in volumes:
            view.learn_volume(volume)
        # Even so: what that listing of mappings lacks is gone only when its host object says so.
        touched = required_looks.touched(done)
        touched.listed -= seen.keys()
        self._closely(view, touched, {step.host for step in done if isinstance(step, RemoveHost)})
        self._closely(view, required_looks.both(required_looks.rivals_of(stopped), required_looks.unread(done, view)))
        return view

    def _closely_or_all(self, view: View, focus: Focus) -> None:
        if focus.cost > _LISTINGS + 2 * len(view.hosts):
            self._list(view)
        else:
            self._closely(view, focus)

    def _closely(self, view: View, focus: Focus, removed: Collection[HostName] = ()) -> None:
        """removed: host objects of which no trace is looked for if they are gone: we removed them."""
        for _ in range(_TRIES):
            rest = required_looks.without(focus, self._looked)
            if not rest.cost:
                return
            before = dict(view.hosts)
            discovery.closely(self.session, view, rest)
            self._looked = required_looks.both(self._looked, rest)
            names = {host.id: name for name, host in view.hosts.items()}
            lost = [host for name, host in before.items() if name not in removed and names.get(host.id) != name]
            if not lost:
                return
            # Renamed, or its initiators are elsewhere: what is mapped to the machine is gone only when no host object
            # that has one of them shows it. A listing may lack what the look just showed, so that is read again.
            self._list(view)
            again = set(view.holders(Iqn(iqn) for host in lost for iqn in sorted(host.iqns)))
            focus = required_looks.both(focus, Focus(hosts=again, mapped=again))
        raise Unreadable("lshost", _RESTLESS)

    def _list(self, view: View) -> None:
        discovery.volumes(self.session, view)
        discovery.hosts(self.session, view)
        self._looked, self._surveyed = Focus(), True
