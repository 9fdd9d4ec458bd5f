"""A verb of the command line: its name, its grammar, and the function that answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flashsystem_operator.simulator.call import FLAG, VALUE, Call, Grammar, Need, Option
from flashsystem_operator.simulator.release import EIGHT, EVER, NEVER
from flashsystem_operator.simulator.system import System

LS: Grammar = {"-delim": VALUE, "-nohdr": FLAG, "-gui": FLAG, "-json": Option(takes_value=False, since=EIGHT)}
BYTES: Grammar = {"-bytes": FLAG}
FILTER: Grammar = {"-filtervalue": VALUE, "-filtervalue?": FLAG}


def always(_array: System) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Verb:
    """writes: whether it changes the array, and so needs svctask before it and a role that may.

    exists: whether this array has the verb at all, besides the releases it came and went with.
    """

    name: str
    run: Callable[[System, Call], str]
    grammar: Grammar = field(default_factory=dict)
    need: Need = "none"
    writes: bool = False
    since: tuple[int, ...] = EVER
    until: tuple[int, ...] = NEVER
    exists: Callable[[System], bool] = always

    def known_to(self, array: System) -> bool:
        return array.level.within(self.since, self.until) and self.exists(array)
