"""The annotations by which people step in: what an object's owner asks for beside its spec.

flashsystem.io/paused                   nothing is written to the array for it, or for what is below it
flashsystem.io/plan                     say what would be done, and do nothing
flashsystem.io/reconcile-requested-at   look again now; echoed in status.lastHandledReconcileAt
flashsystem.io/force-detach             the object's uid: past the detach guard
flashsystem.io/release                  the object's uid: let it go without touching the array
flashsystem.io/accept-system            on an array: the id of the system that shall count from now on
flashsystem.io/allow-detaches           on an array: <count>/<until>, past the mass-detach brake
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from flashsystem_operator.api.kinds import GROUP

PAUSED = f"{GROUP}/paused"
PLAN = f"{GROUP}/plan"
RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
FORCE_DETACH = f"{GROUP}/force-detach"
RELEASE = f"{GROUP}/release"
ACCEPT_SYSTEM = f"{GROUP}/accept-system"
ALLOW_DETACHES = f"{GROUP}/allow-detaches"

KNOWN = (PAUSED, PLAN, RECONCILE_REQUESTED_AT, FORCE_DETACH, RELEASE, ACCEPT_SYSTEM, ALLOW_DETACHES)
"""All of them: another one of our group is one of these, misspelt."""

_ECHOED = 256
"""So much of a word is echoed in a status, so no more of it counts: one that is too long would never be answered."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the annotations of one object ask for. Texts are as written; None where the annotation is not there."""

    paused: bool = False
    plan: bool = False
    reconcile_requested_at: str | None = None
    force_detach: str | None = None
    release: str | None = None
    accept_system: str | None = None
    allow_detaches: str | None = None

    @classmethod
    def read(cls, annotations: Mapping[str, str]) -> Self:
        return cls(
            paused=_is_on(annotations, PAUSED),
            plan=_is_on(annotations, PLAN),
            reconcile_requested_at=_text(annotations, RECONCILE_REQUESTED_AT, at_most=_ECHOED),
            force_detach=_text(annotations, FORCE_DETACH),
            release=_text(annotations, RELEASE),
            accept_system=_text(annotations, ACCEPT_SYSTEM),
            allow_detaches=_text(annotations, ALLOW_DETACHES),
        )


class Annotations(dict[str, str]):
    """The annotations of one object, read once: a pass asks about ten times what they say. Nobody changes them."""

    @cached_property
    def asked(self) -> Asked:
        return Asked.read(self)


def _is_on(annotations: Mapping[str, str], key: str) -> bool:
    """Whatever is not plainly off is on: both of these only keep things from being done."""
    value = _text(annotations, key)
    return value is not None and value.lower() not in ("", "false", "no", "off")


def _text(annotations: Mapping[str, str], key: str, at_most: int | None = None) -> str | None:
    value = annotations.get(key)
    return None if value is None else value.strip()[:at_most]
