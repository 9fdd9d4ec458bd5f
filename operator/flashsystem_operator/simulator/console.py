"""The verbs of the command line, and one command from its words to its answer."""

import re
from dataclasses import dataclass

from flashsystem_operator.simulator import (
    call,
    clispec,
    tasks_clusters,
    tasks_hosts,
    tasks_mappings,
    tasks_ports,
    tasks_system,
    tasks_volumes,
    views_copies,
    views_fibre,
    views_hosts,
    views_mappings,
    views_ports,
    views_storage,
    views_system,
)
from flashsystem_operator.simulator.objects import ADMINISTRATOR
from flashsystem_operator.simulator.refusals import Refused, UnknownCommand
from flashsystem_operator.simulator.release import LEGACY_UNTIL
from flashsystem_operator.simulator.shell import Answer
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import Verb

READERS = {"Monitor", "CopyOperator", "Service"}
FORBIDDEN = {"RestrictedAdmin": {"rmvdisk", "rmvolume", "chsystem", "chmdiskgrp"}}
HELP = {"-h", "-?"}
BRIEF = {"-nomsg", "-quiet"}
"""These ask a command that creates something for its id and nothing else; all others ignore them."""
PREFIXES = ("svcinfo", "svctask")
VERBS: dict[str, tuple[Verb, ...]] = {}
for _verb in (
    *views_system.READS,
    *views_ports.READS,
    *views_storage.READS,
    *views_copies.COPY_READS,
    *views_fibre.FIBRE_READS,
    *views_hosts.READS,
    *views_mappings.READS,
    *tasks_hosts.CHANGES,
    *tasks_ports.PORT_CHANGES,
    *tasks_mappings.CHANGES,
    *tasks_volumes.CHANGES,
    *tasks_clusters.CLUSTER_CHANGES,
    *tasks_system.CHANGES,
):
    VERBS[_verb.name] = (*VERBS.get(_verb.name, ()), _verb)
VERBS["catxmlspec"] = (Verb("catxmlspec", lambda array, _call: clispec.render(array, VERBS), since=LEGACY_UNTIL),)


@dataclass(frozen=True, slots=True)
class Typed:
    """The words of a command without the prefix, and the verb if this array has it."""

    prefix: str
    words: list[str]
    verb: Verb | None

    @property
    def name(self) -> str:
        return self.words[0] if self.words else self.prefix

    @property
    def writes(self) -> bool:
        return self.verb is not None and self.verb.writes


def typed(array: System, words: list[str]) -> Typed:
    """Tell the prefix from the verb, and look the verb up."""
    prefix = words[0] if words and words[0] in PREFIXES else ""
    rest = words[1:] if prefix else words
    known = VERBS.get(rest[0], ()) if rest else ()
    verb = next((verb for verb in known if verb.known_to(array)), None)
    if verb and prefix and verb.writes != (prefix == "svctask"):
        verb = None
    if not prefix and array.rules.prefix_required:
        verb = None
    return Typed(prefix, rest, verb)


def run(array: System, command: Typed, user: str) -> Answer:
    """Run one command to its end; a refusal changes nothing."""
    try:
        if command.verb is None:
            raise UnknownCommand(command.name, array.rules.unknown_command_text)
        if HELP & set(command.words):
            return Answer(clispec.usage(command.verb, array.level))
        words = [word for word in command.words if word not in BRIEF]
        asked = call.read(words, command.verb.grammar, command.verb.need, array.level, user)
        _check_role(array, command.verb, user)
        said = command.verb.run(array, asked)
        return Answer(_only_id(said) if len(words) < len(command.words) else said)
    except Refused as refused:
        return Answer(stderr=_worded(array, refused), status=refused.status)


def _worded(array: System, refused: Refused) -> str:
    """The code and its words, as this release or a rule has them."""
    text = array.rules.texts.get(refused.code, refused.text)
    if array.rules.new_wording:
        text = text.replace("virtual disk (VDisk)", "volume").replace("VDisk", "volume")
    banner = f"{array.rules.banner}\n" if array.rules.banner else ""
    return banner + f"{refused.code} {text}".strip() + "\n"


def _only_id(said: str) -> str:
    found = re.search(r"id \[(\d+)\],? successfully created", said)
    return f"{found.group(1)}\n" if found else said


def _check_role(array: System, verb: Verb, user: str) -> None:
    if not verb.writes or user == ADMINISTRATOR:
        return
    role = next((known.role for known in array.state.users if known.name == user), "Monitor")
    if role in READERS or verb.name in FORBIDDEN.get(role, ()):
        raise Refused("CMMVC9027E")
