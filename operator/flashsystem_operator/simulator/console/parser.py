"""Parse the tokens of one command into verb, options and object, or refuse them as the array does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EIGHT, EVER, NEVER, Level
from flashsystem_operator.simulator.state.system import System

MAX_PARAMETER = 2176
CODES_OF_FORM = EIGHT
"""From this release on a repeated option and a second object have their own codes; before, both are 6070E."""
UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
"""Units of -unit in bytes."""
Need = Literal["none", "optional", "required"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a verb, and the releases that have it."""

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
    """A parsed command: the user, its options, and the object that it names."""

    verb: str
    user: str
    options: dict[str, str] = field(default_factory=dict)
    object: str = ""

    def has(self, option: str) -> bool:
        return option in self.options

    def value(self, option: str, default: str = "") -> str:
        return self.options.get(option, default)

    def listed(self, option: str, separator: str) -> list[str]:
        """Return the parts of a value that is a list; an empty list if the option is missing."""
        value = self.options.get(option)
        return [] if value is None else value.split(separator)


def read(tokens: list[str], grammar: Grammar, need: Need, level: Level, user: str) -> Call:
    """Parse the tokens of a command. Every error of form is refused here, before anything is changed.

    An argument that begins with a dash is an option, even where a value is expected: such a value is typed as
    `-opt=value`. After `--` the last argument is the object, whatever it begins with.
    """
    _check_text(tokens)
    options: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(reversed(tokens[1:]))
    while waiting:
        argument = waiting.pop()
        if argument == "--" and len(waiting) == 1:
            rest.append(waiting.pop())
            continue
        if not argument.startswith("-") or argument == "-":
            rest.append(argument)
            continue
        name, equals, value = argument.partition("=")
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
    return Call(tokens[0], user, options, _object(rest, need, level))


def _object(rest: list[str], need: Need, level: Level) -> str:
    if len(rest) > 1 or (rest and need == "none"):
        raise Refused("CMMVC5744E" if level.at(*CODES_OF_FORM) else "CMMVC6070E")
    if need == "required" and not rest:
        raise Refused("CMMVC5701E")
    return rest[0] if rest else ""


def _check_text(tokens: list[str]) -> None:
    for argument in tokens:
        if not argument.isascii():
            raise Refused("CMMVC6017E")
        if len(argument) > MAX_PARAMETER:
            raise Refused("CMMVC5703E")


LS: Grammar = {"-delim": VALUE, "-nohdr": FLAG, "-gui": FLAG, "-json": Option(takes_value=False, since=EIGHT)}
BYTES: Grammar = {"-bytes": FLAG}
FILTER: Grammar = {"-filtervalue": VALUE, "-filtervalue?": FLAG}


def always(_array: System) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of the command line.

    writes: whether it changes the array; then it needs svctask before it and a role that permits it.
    exists: whether this array has the verb, in addition to the range of releases.
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
