"""One pass over a simulated array, without cluster, clock and threads: look, plan, record, act, look again, say.

What decides and what looks is the operator's own; only the running of it is told again here, one thing after another.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER, ObjectRef
from flashsystem_operator.array import identity
from flashsystem_operator.array.commands import MapVolume, Step, UnmapVolume
from flashsystem_operator.array.errors import Refused, Withheld
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.planner import batch, status
from flashsystem_operator.planner.decision import Act, Decision, Reason, Refuse, Release, Wait
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.drift import with_vanished
from flashsystem_operator.planner.status import Outcome
from flashsystem_operator.values import ChapSecret
from support.builders import array, desired
from support.in_process import InProcess

NOW = "2026-03-01T00:00:00Z"
ImportRequest = FlashSystemHost | VolumeAttachment


class Keeper:
    """Keeps an array in line with some resources. watch: told of each step right before it is typed."""

    def __init__(self, simulated: InProcess, watch: Callable[[Step], None] = lambda _: None) -> None:
        self.wishes: dict[ObjectRef, ImportRequest] = {}
        self.inventory: Inventory | None = None
        self.chap: dict[ObjectRef, ChapSecret | Refuse] = {}
        self._session = simulated.session()
        self._array = array()
        self._watch = watch

    def close(self) -> None:
        self._session.close()

    def wish(self, *wishes: ImportRequest) -> None:
        self.wishes |= {each.ref: each for each in wishes}

    def delete(self, ref: ObjectRef) -> None:
        """What `kubectl delete` does: what was worked on stays until it is released, the rest goes at once."""
        old = self.wishes[ref]
        if isinstance(old, VolumeAttachment) and not old.metadata.guarded:
            del self.wishes[ref]
            return
        self.wishes[ref] = old.model_copy(
            update={"metadata": old.metadata.model_copy(update={"deletion_timestamp": NOW})}
        )

    @property
    def desired(self) -> Desired:
        return desired(*self.wishes.values(), of=self._array, chap=self.chap)

    def turn(
        self,
        due: Collection[ObjectRef] | None = None,
        *,
        survey: bool = True,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> dict[ObjectRef, Decision]:
        """One pass over the due objects, or over all. meanwhile: what another hand does between look and act."""
        due = list(self.wishes) if due is None else due
        observer = Observer(self._session, self.inventory)
        self.inventory = observer.first(self.desired, due, survey=survey)
        lost = with_vanished(self.desired, self.inventory)
        planned = batch.plan(lost, self.inventory, due)
        self._record(planned, self.inventory)
        meanwhile()
        refused = self._act(planned, self.inventory)
        if any(isinstance(decision, Act) for decision in planned.values()):
            observer.again(_steps(planned), [step for steps in refused.values() for step in steps])
        again = batch.plan(replace(self.desired, vanished=lost.vanished), self.inventory, due, refused.keys())
        self._say(again, refused, self.inventory)
        return dict(planned)

    def settle(self, most: int = 6) -> None:
        """Pass after pass until nothing is to be done; an AssertionError if that does not come."""
        for _ in range(most):
            before = dict(self.wishes)
            decisions = self.turn().values()
            if any(isinstance(each, Act | Release) for each in decisions):
                continue
            handing_over = any(isinstance(each, Wait) and each.reason is Reason.HANDING_OVER for each in decisions)
            if not handing_over or self.wishes == before:
                return
        raise AssertionError(f"there is always something to do: {self.turn()}")

    def _record(self, planned: batch.Decisions, inventory: Inventory) -> None:
        around = self.desired
        for ref, record in status.intents_of_hosts(planned, around, inventory).items():
            self._become(ref, record.status)
        for ref, decision in planned.items():
            wish = self.wishes[ref]
            if not isinstance(wish, VolumeAttachment) or not status.answers(wish, decision):
                continue
            meta = wish.metadata.model_copy(update={"finalizers": (*wish.metadata.other_finalizers, FINALIZER)})
            self.wishes[ref] = wish = wish.model_copy(update={"metadata": meta})
            if isinstance(decision, Act):
                self._become(ref, status.intent_of_attachment(wish, Outcome(decision), around, inventory, NOW))

    def _act(self, planned: batch.Decisions, inventory: Inventory) -> dict[ObjectRef, list[Step]]:
        """What was planned upon a step that failed is not done; answers with whose steps were refused or not sent."""
        refused: dict[ObjectRef, list[Step]] = {}
        broken = set[object]()
        for ref, decision in planned.items():
            for step in decision.steps if isinstance(decision, Act) else ():
                places = {step.host, *((step.uid,) if isinstance(step, MapVolume | UnmapVolume) else ())}
                if places & broken:
                    broken |= places
                    refused.setdefault(ref, [])
                    continue
                known = identity.known(step, inventory, _steps(planned))
                try:
                    self._session.do(step, partial(self._watch, step), known)
                except Withheld:
                    refused.setdefault(ref, [])
                    broken |= places
                except Refused:
                    refused.setdefault(ref, []).append(step)
                    broken |= places
        return refused

    def _say(self, decisions: batch.Decisions, refused: dict[ObjectRef, list[Step]], inventory: Inventory) -> None:
        around = self.desired
        for ref, decision in decisions.items():
            wish, outcome = self.wishes[ref], Outcome(decision, refused=bool(refused.get(ref)))
            if isinstance(decision, Release):
                del self.wishes[ref]
            elif isinstance(wish, VolumeAttachment):
                self._become(ref, status.of_attachment(wish, outcome, around, inventory, NOW))
            else:
                self._become(ref, status.of_host(wish, outcome, around, inventory, NOW))

    def _become(self, ref: ObjectRef, said: object) -> None:
        self.wishes[ref] = self.wishes[ref].model_copy(update={"status": said})


def _steps(planned: batch.Decisions) -> list[Step]:
    return [step for decision in planned.values() if isinstance(decision, Act) for step in decision.steps]
