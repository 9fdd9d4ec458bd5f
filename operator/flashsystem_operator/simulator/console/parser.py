"""The words of one command, sorted into verb, options and object, or refused as the array refuses them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from flashsystem_operator.simulator.console.refusals import Refused
from flashsystem_operator.simulator.state.rules import EIGHT, EVER, NEVER, Level
from flashsystem_operator.simulator.state.system import System

MAX_PARAMETER = 2176
CODES_OF_FORM = EIGHT
"""From here on an option that is there twice and a second object have codes of their own; before, 6070E means both."""
Need = Literal["none", "optional", "required"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a verb, and from which release on to which it is there."""

    takes_value: bool = True
    required: bool = False
    since: tuple[int, ...] = EVER
    until: tuple[int, ...] = NEVER


FLAG = Option(takes_value=False)
VALUE = Option()
NEEDED = Option(required=True)
Grammar = Mapping[str, Option]


@dataclass(frozen=True, slots=True)
class Call:
    """A command that can be run: who types it, its options, and the object it names."""

    verb: str
    user: str
    options: dict[str, str] = field(default_factory=dict)
    object: str = ""

    def has(self, option: str) -> bool:
        return option in self.options

    def value(self, option: str, default: str = "") -> str:
        return self.options.get(option, default)

    def listed(self, option: str, separator: str) -> list[str]:
        """The parts of a value that is a list; an option that is not there is an empty list."""
        value = self.options.get(option)
        return [] if value is None else value.split(separator)


def read(words: list[str], grammar: Grammar, need: Need, level: Level, user: str) -> Call:
    """Sort the words of a command. Everything wrong with their form is refused here, before anything is done.

    A word that begins with a dash is an option, also where the value of one is due: such a value is typed `-opt=value`.
    After `--` the last word is the object, whatever it begins with.
    """
    _check_text(words)
    options: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(reversed(words[1:]))
    while waiting:
        word = waiting.pop()
        if word == "--" and len(waiting) == 1:
            rest.append(waiting.pop())
            continue
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        option = grammar.get(name)
        if option is None or not level.within(option.since, option.until) or (equals and not option.takes_value):
            raise Refused("CMMVC5709E", name)
        if name in options:
            raise Refused("CMMVC5737E" if level.at(*CODES_OF_FORM) else "CMMVC6070E", name)
        if option.takes_value and not equals:
            if not waiting or (waiting[-1].startswith("-") and waiting[-1] != "-"):
                raise Refused("CMMVC5708E", name)
            value = waiting.pop()
        options[name] = value
    if any(option.required and name not in options for name, option in grammar.items()):
        raise Refused("CMMVC5707E")
    return Call(words[0], user, options, _object(rest, need, level))


def _object(rest: list[str], need: Need, level: Level) -> str:
    if len(rest) > 1 or (rest and need == "none"):
        raise Refused("CMMVC5744E" if level.at(*CODES_OF_FORM) else "CMMVC6070E")
    if need == "required" and not rest:
        raise Refused("CMMVC5701E")
    return rest[0] if rest else ""


def _check_text(words: list[str]) -> None:
    for word in words:
        if not word.isascii():
            raise Refused("CMMVC6017E")
        if len(word) > MAX_PARAMETER:
            raise Refused("CMMVC5703E")


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
