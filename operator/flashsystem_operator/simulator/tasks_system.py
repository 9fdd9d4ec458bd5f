"""Settings of the system and its pools, as far as an operator meets them."""

from flashsystem_operator.simulator import find, naming
from flashsystem_operator.simulator.call import NEEDED, VALUE, Call, Option
from flashsystem_operator.simulator.refusals import Refused
from flashsystem_operator.simulator.release import LEGACY_UNTIL, SITES
from flashsystem_operator.simulator.system import System
from flashsystem_operator.simulator.verb import Verb

PROTECTION_MINUTES = range(15, 1441)
CHOICES = {
    "-openaccess": ("open_access_enabled", ("on", "off")),
    "-vdiskprotectionenabled": ("vdisk_protection_enabled", ("yes", "no")),
    "-iscsiauthmethod": ("iscsi_auth_method", ("none", "chap")),
}


def chsystem(array: System, call: Call) -> str:
    if not call.options:
        raise Refused("CMMVC5733E")
    system = array.state.system
    for option, (_, words) in CHOICES.items():
        if call.has(option) and call.value(option) not in words:
            raise Refused("CMMVC5706E", option)
    minutes = _minutes(call) if call.has("-vdiskprotectiontime") else system.vdisk_protection_time
    name = naming.name(call.value("-name")) if call.has("-name") else system.name
    if call.value("-openaccess") == "on" and array.hosts:
        raise Refused("CMMVC7318E" if any(array.of_host.values()) else "CMMVC7325E")
    for option, (field, _) in CHOICES.items():
        if call.has(option):
            setattr(system, field, call.value(option))
    system.vdisk_protection_time = minutes
    system.iscsi_chap_secret = call.value("-chapsecret", system.iscsi_chap_secret)
    system.name = name
    return ""


def _minutes(call: Call) -> int:
    """The window of volume protection, from a quarter of an hour to a day."""
    minutes = call.value("-vdiskprotectiontime")
    if not minutes.isdecimal():
        raise Refused("CMMVC5716E", minutes)
    if int(minutes) not in PROTECTION_MINUTES:
        raise Refused("CMMVC5742E", minutes)
    return int(minutes)


def registerplugin(_array: System, _call: Call) -> str:
    """Accept the name of a client, which IBM support can see. Nothing else depends on it."""
    return ""


def chmdiskgrp(array: System, call: Call) -> str:
    pool = next((pool for pool in array.pools.values() if call.object in {pool.name, str(pool.id)}), None)
    if pool is None:
        raise Refused(find.UNKNOWN)
    chosen = call.value("-vdiskprotectionenabled")
    if chosen not in {"yes", "no"}:
        raise Refused("CMMVC5706E" if chosen else "CMMVC5733E", "-vdiskprotectionenabled")
    pool.vdisk_protection_enabled = "yes" if chosen == "yes" else "no"
    return ""


CHANGES = (
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
    Verb(
        "registerplugin",
        registerplugin,
        {"-name": NEEDED, "-version": NEEDED, "-uniquekey": NEEDED, "-metadata": VALUE},
        writes=True,
        since=LEGACY_UNTIL,
    ),
    Verb("chmdiskgrp", chmdiskgrp, {"-vdiskprotectionenabled": VALUE}, "required", writes=True, since=SITES),
)
