"""The command line as XML, as `catxmlspec` prints it: IBM's clients build their calls from it when they connect.

No source documents it. Its form is what pysvc reads (version 2.0), and the names of objects are those that IBM's block
CSI driver gives to pysvc.
"""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import quoteattr

from flashsystem_operator.simulator.release import Level
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import Verb

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
