"""The command line as XML, as `catxmlspec` prints it: IBM's clients build their calls from it when they connect.

No source documents it. Its form is what pysvc reads (version 2.0), and the names of objects are those that IBM's block
CSI driver gives to pysvc.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from flashsystem_operator.simulator.console import parser
from flashsystem_operator.simulator.console.parser import Verb
from flashsystem_operator.simulator.console.refusals import Refused, UnknownCommand
from flashsystem_operator.simulator.console.shell import Answer
from flashsystem_operator.simulator.state.model import ADMINISTRATOR
from flashsystem_operator.simulator.state.rules import LEGACY_UNTIL, Level
from flashsystem_operator.simulator.state.system import System
from flashsystem_operator.simulator.verbs import clusters, host_views, hosts, mappings, portals, storage, system

OBJECTS = {
    "lscluster": "cluster",
    "lshostvdiskmap": "host",
    "lsvdiskhostmap": "vdisk_name",
    **dict.fromkeys(("rmvdiskhostmap", "chvdisk", "expandvdisksize", "rmvolume"), "vdisk_id"),
}
"""What the object of a command is called, where it is not object_id."""
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ArraySyntax version="2.0">
<ArrayType type="svc"><ArrayVersion type="svc" version={release}/></ArrayType>
<Errors><Error>CMMVC</Error></Errors>
<Commands>
"""
REQUIRED = ' required="true"'
TAIL = "</Commands>\n</ArraySyntax>\n"


def render(array: System, verbs: Mapping[str, tuple[Verb, ...]]) -> str:
    """Every command that this array has: reads under svcinfo, writes under svctask, with the options of the release."""
    here = [verb for _, same in sorted(verbs.items()) for verb in same if verb.known_to(array)]
    release = ".".join(str(part) for part in array.level.release[:2])
    parts = [HEAD.format(release=quoteattr(release))]
    for executable, writes in (("svcinfo", False), ("svctask", True)):
        parts.append(f"<Executable name={quoteattr(executable)}>\n")
        parts += [_command(verb, array.level) for verb in here if verb.writes == writes]
        parts.append("</Executable>\n")
    return "".join([*parts, TAIL])


def usage(verb: Verb, level: Level) -> str:
    """What -h prints: the options of the release. The wording of no release was recorded."""
    options = [
        f"{name} value" if option.takes_value else name
        for name, option in verb.grammar.items()
        if level.within(option.since, option.until)
    ]
    words = [verb.name, *(f"[{each}]" for each in options)]
    if verb.need != "none":
        words.append(OBJECTS.get(verb.name, "object_id"))
    return f"{' '.join(words)}\n"


def _command(verb: Verb, level: Level) -> str:
    kind = "svc_status" if verb.writes else "svc_normal"
    lines = [f"<Command name={quoteattr(verb.name)}>", f'<Response type="{kind}"/>', *_parameters(verb, level)]
    return "\n".join([*lines, "</Command>\n"])


def _parameters(verb: Verb, level: Level) -> Iterator[str]:
    for name, option in verb.grammar.items():
        if level.within(option.since, option.until):
            tag = "ValueParam" if option.takes_value else "FlagParam"
            yield f"<{tag} name={quoteattr(name)}{REQUIRED if option.required else ''}/>"
    if verb.need != "none":
        required = REQUIRED if verb.need == "required" else ""
        yield f'<ValueParam name={quoteattr(OBJECTS.get(verb.name, "object_id"))} noName="true"{required}/>'


READERS = {"Monitor", "CopyOperator", "Service"}
FORBIDDEN = {"RestrictedAdmin": {"rmvdisk", "rmvolume", "chsystem", "chmdiskgrp"}}
HELP = {"-h", "-?"}
BRIEF = {"-nomsg", "-quiet"}
"""These ask a command that creates something for its id and nothing else; all others ignore them."""
PREFIXES = ("svcinfo", "svctask")
VERBS: dict[str, tuple[Verb, ...]] = {}
for _verb in (
    *system.READS,
    *portals.READS,
    *storage.READS,
    *storage.COPY_READS,
    *portals.FIBRE_READS,
    *host_views.READS,
    *mappings.READS,
    *hosts.CHANGES,
    *hosts.PORT_CHANGES,
    *mappings.CHANGES,
    *storage.CHANGES,
    *clusters.CLUSTER_CHANGES,
    *system.CHANGES,
):
    VERBS[_verb.name] = (*VERBS.get(_verb.name, ()), _verb)
VERBS["catxmlspec"] = (Verb("catxmlspec", lambda array, _call: render(array, VERBS), since=LEGACY_UNTIL),)


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
            return Answer(usage(command.verb, array.level))
        words = [word for word in command.words if word not in BRIEF]
        asked = parser.read(words, command.verb.grammar, command.verb.need, array.level, user)
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
