"""Dispatch of commands: the verbs of the array, their XML description, roles, and running one command.

`catxmlspec` prints the command line as XML; IBM's clients build their calls from it when they connect. It is not
documented. Its form is what pysvc reads (version 2.0), and the names of objects are those that IBM's block CSI driver
passes to pysvc.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from flashsystem_operator.simulator.console import parser
from flashsystem_operator.simulator.console.parser import Verb
from flashsystem_operator.simulator.console.shell import Answer
from flashsystem_operator.simulator.state.model import ADMINISTRATOR
from flashsystem_operator.simulator.state.refusals import Refused, UnknownCommand
from flashsystem_operator.simulator.state.rules import LEGACY_UNTIL, Level
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import (
    clusters,
    copies,
    host_views,
    hosts,
    mappings,
    pools,
    portals,
    snapshots,
    storage,
    system,
    throttles,
    volumes,
)

OBJECTS = {
    "lscluster": "cluster",
    "lshostvdiskmap": "host",
    "lsvdiskhostmap": "vdisk_name",
    **dict.fromkeys(("rmvdiskhostmap", "chvdisk", "expandvdisksize", "rmvolume"), "vdisk_id"),
}
"""The name of the object argument of a command, where it is not object_id."""
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ArraySyntax version="2.0">
<ArrayType type="svc"><ArrayVersion type="svc" version={release}/></ArrayType>
<Errors><Error>CMMVC</Error></Errors>
<Commands>
"""
REQUIRED = ' required="true"'
TAIL = "</Commands>\n</ArraySyntax>\n"


def render(array: System, verbs: Mapping[str, tuple[Verb, ...]]) -> str:
    """Render all commands of this array: reads below svcinfo, writes below svctask, with the options of the release."""
    here = [verb for _, same in sorted(verbs.items()) for verb in same if verb.known_to(array)]
    release = ".".join(str(part) for part in array.level.release[:2])
    parts = [HEAD.format(release=quoteattr(release))]
    for executable, writes in (("svcinfo", False), ("svctask", True)):
        parts.append(f"<Executable name={quoteattr(executable)}>\n")
        parts += [_command(verb, array.level) for verb in here if verb.writes == writes]
        parts.append("</Executable>\n")
    return "".join([*parts, TAIL])


def usage(verb: Verb, level: Level) -> str:
    """Render the output of -h: the options of the release. The real text was not recorded from any release."""
    options = [
        f"{name} value" if option.takes_value else name
        for name, option in verb.grammar.items()
        if level.within(option.since, option.until)
    ]
    tokens = [verb.name, *(f"[{each}]" for each in options)]
    if verb.need != "none":
        tokens.append(OBJECTS.get(verb.name, "object_id"))
    return f"{' '.join(tokens)}\n"


def _command(verb: Verb, level: Level) -> str:
    kind = "svc_status" if verb.writes else "svc_normal"
    lines = [f"<Command name={quoteattr(verb.name)}>", f'<Response type="{kind}"/>']
    for name, option in verb.grammar.items():
        if level.within(option.since, option.until):
            tag = "ValueParam" if option.takes_value else "FlagParam"
            lines.append(f"<{tag} name={quoteattr(name)}{REQUIRED if option.required else ''}/>")
    if verb.need != "none":
        required = REQUIRED if verb.need == "required" else ""
        object_name = quoteattr(OBJECTS.get(verb.name, "object_id"))
        lines.append(f'<ValueParam name={object_name} noName="true"{required}/>')
    return "\n".join([*lines, "</Command>\n"])


READERS = {"Monitor", "CopyOperator", "Service"}
FORBIDDEN = {"RestrictedAdmin": {"rmvdisk", "rmvolume", "chsystem", "chmdiskgrp"}}
HELP = {"-h", "-?"}
BRIEF = {"-nomsg", "-quiet"}
"""A command that creates an object prints only its id with one of these; all others ignore them."""
PREFIXES = ("svcinfo", "svctask")
VERBS: dict[str, tuple[Verb, ...]] = {}
for _verb in (
    *system.READS,
    *portals.READS,
    *pools.READS,
    *storage.READS,
    *storage.COPY_READS,
    *copies.READS,
    *snapshots.READS,
    *throttles.READS,
    *portals.FIBRE_READS,
    *host_views.READS,
    *mappings.READS,
    *hosts.CHANGES,
    *hosts.PORT_CHANGES,
    *mappings.CHANGES,
    *volumes.CHANGES,
    *copies.CHANGES,
    *snapshots.CHANGES,
    *throttles.CHANGES,
    *clusters.CLUSTER_CHANGES,
    *pools.CHANGES,
    *system.CHANGES,
):
    VERBS[_verb.name] = (*VERBS.get(_verb.name, ()), _verb)
VERBS["catxmlspec"] = (Verb("catxmlspec", lambda array, _call: render(array, VERBS), since=LEGACY_UNTIL),)


@dataclass(frozen=True, slots=True)
class Typed:
    """A command without its prefix. verb: None if this array does not have it."""

    prefix: str
    tokens: list[str]
    verb: Verb | None

    @property
    def name(self) -> str:
        return self.tokens[0] if self.tokens else self.prefix

    @property
    def writes(self) -> bool:
        return self.verb is not None and self.verb.writes


def typed(array: System, tokens: list[str]) -> Typed:
    """Split the prefix from the command, and look up the verb."""
    prefix = tokens[0] if tokens and tokens[0] in PREFIXES else ""
    rest = tokens[1:] if prefix else tokens
    known = VERBS.get(rest[0], ()) if rest else ()
    verb = next((verb for verb in known if verb.known_to(array)), None)
    if verb and prefix and verb.writes != (prefix == "svctask"):
        verb = None
    if not prefix and array.rules.prefix_required:
        verb = None
    return Typed(prefix, rest, verb)


def run(array: System, command: Typed, user: str) -> Answer:
    """Run one command. A refused command changes nothing."""
    try:
        if command.verb is None:
            raise UnknownCommand(command.name, array.rules.unknown_command_text)
        if HELP & set(command.tokens):
            return Answer(usage(command.verb, array.level))
        tokens = [token for token in command.tokens if token not in BRIEF]
        call = parser.read(tokens, command.verb.grammar, command.verb.need, array.level, user)
        _check_role(array, command.verb, user)
        output = command.verb.run(array, call)
        brief = len(tokens) < len(command.tokens)
        created = re.search(r"id \[(\d+)\],? successfully created", output) if brief else None
        return Answer(f"{created.group(1)}\n" if created else output)
    except Refused as refused:
        # The code and its text for this release, or as a rule sets them.
        text = array.rules.texts.get(refused.code, refused.text)
        if array.rules.new_wording:
            text = text.replace("virtual disk (VDisk)", "volume").replace("VDisk", "volume")
        banner = f"{array.rules.banner}\n" if array.rules.banner else ""
        return Answer(stderr=banner + f"{refused.code} {text}".strip() + "\n", status=refused.status)


def _check_role(array: System, verb: Verb, user: str) -> None:
    if not verb.writes or user == ADMINISTRATOR:
        return
    role = next((known.role for known in array.state.users if known.name == user), "Monitor")
    if role in READERS or verb.name in FORBIDDEN.get(role, ()):
        raise Refused("CMMVC9027E")
