"""What the array refused to give up under volume protection, and until when that is not asked for again."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from flashsystem_operator.array.commands import ChangeHost, RemoveHost, RemoveIoGroups, RemovePort, Step, UnmapVolume
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.protection import protection
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.view import View
from flashsystem_operator.controller.steps import Results
from flashsystem_operator.reconcile import codes
from flashsystem_operator.reconcile.decision import Wait
from flashsystem_operator.reconcile.protection import guarded
from flashsystem_operator.values import VolumeName

TAKING = (UnmapVolume, RemoveHost, RemovePort, RemoveIoGroups, ChangeHost)


class Protected:
    """Belongs to one worker. seconds: how long a refused step rests. A restart forgets, and so asks once more."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[Step, tuple[Wait, float]] = {}

    @property
    def held(self) -> Mapping[Step, Wait]:
        """The steps that rest, with what is said instead, and for how many seconds yet."""
        now = self._clock()
        self._kept = {step: kept for step, kept in self._kept.items() if now < kept[1]}
        return {step: replace(wait, retry=until - now) for step, (wait, until) in self._kept.items()}

    def learn(self, session: Session, results: Results, view: View) -> None:
        """After a pass: was it volume protection that refused? Blocking. view: of a look after the refusal."""
        for errand in results.refused:
            refused = results.errors.get(errand.owner)
            if not isinstance(refused, Refused) or not isinstance(errand.step, TAKING) or view.shows(errand.step):
                continue
            known = codes.meaning(refused.code, codes.verb_of(refused.line))
            if known and known.severity is not codes.Severity.RETRY:
                continue  # a code of its own: 9714E names a portset without a common port, whatever the I/O
            try:
                found = protection(session, _volumes(errand.step, view))
            except (Refused, Unreadable):
                continue  # what the array says of its protection we cannot tell: then the refusal speaks for itself
            if found is not None:
                self._kept[errand.step] = guarded(refused, found), self._clock() + self._seconds


def _volumes(step: Step, view: View) -> tuple[VolumeName, ...]:
    """The volumes that could be guarded: the one that is taken, or all that the host sees."""
    if isinstance(step, UnmapVolume):
        return (step.volume,)
    return tuple(sorted({row.volume for rows in view.on_host(step.host).values() for row in rows}))
