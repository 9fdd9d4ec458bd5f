"""Throttles: mkthrottle, chthrottle, rmthrottle and lsthrottle. `chvdisk -rate` makes the same objects."""

from collections.abc import Callable

from flashsystem_operator.simulator.console.output import Column, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import FILTER, LS, VALUE, Call, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import Host, HostCluster, Pool, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import THROTTLES
from flashsystem_operator.simulator.state.system import System, Throttle
from flashsystem_operator.simulator.verbs import find

Target = Volume | Host | HostCluster | Pool | None
MOST_IOPS = 33554432
MOST_BANDWIDTH = 268435456
"""MB/s."""


def limit(text: str, most: int) -> int:
    """Parse a limit: CMMVC5716E if it is not a number, CMMVC8904E if it is above the largest."""
    if not text.isdecimal():
        raise Refused("CMMVC5716E", text)
    if int(text) > most:
        raise Refused("CMMVC8904E")
    return int(text)


def add(array: System, target: Target, name: str = "") -> Throttle:
    """Create a throttle without a limit. Without a name the array gives one. CMMVC6035E if the name is taken."""
    taken = {throttle.name for throttle in array.throttles.values()}
    if name in taken:
        raise Refused("CMMVC6035E")
    number = array.throttle_ids.take()
    free = (f"throttle{each}" for each in range(number, number + len(taken) + 1))
    throttle = Throttle(number, name or next(each for each in free if each not in taken), target)
    array.throttles[number] = throttle
    return throttle


KINDS: dict[str, tuple[str, Callable[[System, str, str], Target], str, str]] = {
    "vdisk": ("-vdisk", find.live_volume, "CMMVC8902E", "CMMVC8903E"),
    "host": ("-host", find.host, "CMMVC9159E", "CMMVC9160E"),
    "hostcluster": ("-hostcluster", find.cluster, "CMMVC9162E", "CMMVC9163E"),
    "mdiskgrp": ("-mdiskgrp", find.pool, "CMMVC9165E", "CMMVC9166E"),
}
"""By -type: the option that names the object, how to find it, and the codes if it is missing or has a throttle."""


def _set(throttle: Throttle, call: Call) -> None:
    if call.has("-iops"):
        throttle.iops = int(call.value("-iops"))
    if call.has("-bandwidth"):
        throttle.bandwidth = int(call.value("-bandwidth"))


def _check_limits(call: Call) -> None:
    limit(call.value("-iops", "0"), MOST_IOPS)
    limit(call.value("-bandwidth", "0"), MOST_BANDWIDTH)


def mkthrottle(array: System, call: Call) -> str:
    if not (call.has("-iops") or call.has("-bandwidth")):
        raise Refused("CMMVC8901E")
    _check_limits(call)
    target, taken_code = None, "CMMVC8905E"
    if call.value("-type") != "offload":
        kind = KINDS.get(call.value("-type"))
        if kind is None or not call.has(kind[0]):
            raise Refused("CMMVC8904E")
        option, look_up, missing_code, taken_code = kind
        target = look_up(array, call.value(option), missing_code)
    if array.throttle_of(target):
        raise Refused(taken_code)
    if isinstance(target, Host) and (cluster := array.cluster_of(target)) and array.throttle_of(cluster):
        raise Refused("CMMVC9161E")
    if isinstance(target, HostCluster) and any(array.throttle_of(host) for host in array.members(target)):
        raise Refused("CMMVC9164E")
    throttle = add(array, target, model.name(call.value("-name")) if call.has("-name") else "")
    _set(throttle, call)
    return f"Throttle, id [{throttle.id}], successfully created.\n" if array.rules.mkthrottle_answers else ""


def _throttle(array: System, argument: str, code: str) -> Throttle:
    for throttle in array.throttles.values():
        if argument in {throttle.name, str(throttle.id)}:
            return throttle
    raise Refused(code)


def chthrottle(array: System, call: Call) -> str:
    throttle = _throttle(array, call.object, "CMMVC8906E")
    if not call.options:
        raise Refused("CMMVC8904E")
    _check_limits(call)
    name = model.name(call.value("-name", throttle.name))
    if any(other.name == name and other is not throttle for other in array.throttles.values()):
        raise Refused("CMMVC6035E")
    throttle.name = name
    _set(throttle, call)
    return ""


def rmthrottle(array: System, call: Call) -> str:
    array.remove_throttle(_throttle(array, call.object, "CMMVC8906E"))
    return ""


TYPES = {Volume: "vdisk", Host: "host", HostCluster: "hostcluster", Pool: "mdiskgrp", type(None): "offload"}
THROTTLE: list[Column[Throttle]] = [
    Column("throttle_id", lambda _, throttle: throttle.id),
    Column("throttle_name", lambda _, throttle: throttle.name),
    Column("object_id", lambda _, throttle: throttle.target.id if throttle.target else ""),
    Column("object_name", lambda _, throttle: throttle.target.name if throttle.target else ""),
    Column("throttle_type", lambda _, throttle: TYPES[type(throttle.target)]),
    Column("IOPs_limit", lambda _, throttle: "" if throttle.iops is None else throttle.iops),
    Column("bandwidth_limit_MB", lambda _, throttle: "" if throttle.bandwidth is None else throttle.bandwidth),
]


def lsthrottle(array: System, call: Call) -> str:
    """List the throttles: the list begins with throttle_id, the detailed view with id."""
    if call.object:
        throttle = _throttle(array, call.object, find.UNKNOWN)
        return detailed(call, pairs(array, [Column("id", THROTTLE[0].get), *THROTTLE[1:]], throttle))
    return concise(array, call, THROTTLE, (throttle for _, throttle in sorted(array.throttles.items())))


READS = (Verb("lsthrottle", lsthrottle, {**LS, **FILTER}, "optional", since=THROTTLES),)
LIMITS = {"-iops": VALUE, "-bandwidth": VALUE, "-name": VALUE}
CHANGES = (
    Verb(
        "mkthrottle",
        mkthrottle,
        {**LIMITS, **dict.fromkeys(("-type", "-vdisk", "-host", "-hostcluster", "-mdiskgrp"), VALUE)},
        writes=True,
        since=THROTTLES,
    ),
    Verb("chthrottle", chthrottle, LIMITS, "required", writes=True, since=THROTTLES),
    Verb("rmthrottle", rmthrottle, {}, "required", writes=True, since=THROTTLES),
)
