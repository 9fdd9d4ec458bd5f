"""The looks of a pass, in the order in which one leads to the next. Blocking; changes nothing on the array."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from flashsystem_operator.api.kinds import ObjectRef
from flashsystem_operator.array import observe
from flashsystem_operator.array.commands import AddPorts, MakeHost, Step
from flashsystem_operator.array.observe import Focus
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import focus as focusing
from flashsystem_operator.reconcile.world import World

_LISTINGS = 3
"""Commands that list hosts, volumes and mappings; the hosts' ports come on top, one command each."""


@dataclass(slots=True)
class Looking:
    """One pass's looks at one array. view: the worker's, learnt into; None until a survey was made."""

    session: Session
    view: View | None = None
    _looked: Focus = field(default_factory=Focus)
    _surveyed: bool = False

    def first(self, world: World, due: Collection[ObjectRef], *, survey: bool) -> View:
        """Before planning: as much as the due objects need, or everything."""
        if survey or self.view is None:
            self.view = observe.survey(self.session, world.array.spec.pool)
            self._surveyed = True
        else:
            self._closely_or_all(self.view, focusing.whole(world, self.view, due))
        self._closely(self.view, focusing.doubts(world, self.view, due))
        if not self._surveyed and focusing.lost_host(world, self.view, due):
            self._list(self.view)
            self._closely(self.view, focusing.doubts(world, self.view, due))
        return self.view

    def again(self, done: Sequence[Step], refused: Sequence[Step]) -> View:
        """After acting: what the steps may have changed, and what the array knew that we did not."""
        view = self.view
        if view is None:
            raise RuntimeError("nothing was looked at before")
        self._looked, self._surveyed = Focus(), False
        if any(isinstance(step, MakeHost | AddPorts) for step in refused):
            observe.hosts(self.session, view)
        # Even so: what that listing of mappings lacks is gone only when its host object says so.
        self._closely(view, focusing.touched(done))
        self._closely(view, focusing.rivals_of(refused))
        return view

    def _closely_or_all(self, view: View, focus: Focus) -> None:
        if focus.cost > _LISTINGS + 2 * len(view.hosts):
            self._list(view)
        else:
            self._closely(view, focus)

    def _closely(self, view: View, focus: Focus) -> None:
        rest = focusing.without(focus, self._looked)
        if rest.cost:
            observe.closely(self.session, view, rest)
            self._looked = focusing.both(self._looked, rest)

    def _list(self, view: View) -> None:
        observe.volumes(self.session, view)
        observe.hosts(self.session, view)
        self._surveyed = True
