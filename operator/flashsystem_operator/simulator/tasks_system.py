"""Settings of the system and its pools, as far as an operator meets them."""

from . import find, naming
from .call import VALUE, Call, Option
from .refusals import Refused
from .release import LEGACY_UNTIL, SITES
from .system import System
from .verb import Verb

CHOICES = {
    "-openaccess": ("open_access_enabled", ("on", "off")),
    "-vdiskprotectionenabled": ("vdisk_protection_enabled", ("yes", "no")),
    "-iscsiauthmethod": ("iscsi_auth_method", ("none", "chap")),
}


def chsystem(array: System, call: Call) -> str:
    if not call.options:
        raise Refused("CMMVC5707E")
    system = array.state.system
    for option, (_, words) in CHOICES.items():
        if call.has(option) and call.value(option) not in words:
            raise Refused("CMMVC5711E", call.value(option))
    minutes = call.value("-vdiskprotectiontime", str(system.vdisk_protection_time))
    if not minutes.isdecimal():
        raise Refused("CMMVC5711E", minutes)
    name = naming.name(call.value("-name")) if call.has("-name") else system.name
    for option, (field, _) in CHOICES.items():
        if call.has(option):
            setattr(system, field, call.value(option))
    system.vdisk_protection_time = int(minutes)
    system.iscsi_chap_secret = call.value("-chapsecret", system.iscsi_chap_secret)
    system.name = name
    return ""


def chmdiskgrp(array: System, call: Call) -> str:
    pool = next((pool for pool in array.pools.values() if call.object in {pool.name, str(pool.id)}), None)
    if pool is None:
        raise Refused(find.UNKNOWN)
    chosen = call.value("-vdiskprotectionenabled")
    if chosen not in {"yes", "no"}:
        raise Refused("CMMVC5711E" if chosen else "CMMVC5707E", chosen)
    pool.vdisk_protection_enabled = "yes" if chosen == "yes" else "no"
    return ""


VERBS = (
    Verb(
        "chsystem",
        chsystem,
        {
            "-name": VALUE,
            "-openaccess": Option(until=LEGACY_UNTIL),
            "-vdiskprotectionenabled": Option(since=SITES),
            "-vdiskprotectiontime": Option(since=SITES),
            "-iscsiauthmethod": VALUE,
            "-chapsecret": VALUE,
        },
        writes=True,
    ),
    Verb("chmdiskgrp", chmdiskgrp, {"-vdiskprotectionenabled": VALUE}, "required", writes=True, since=SITES),
)
