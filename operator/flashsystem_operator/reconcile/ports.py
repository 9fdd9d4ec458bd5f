"""What another hand did to the ports of a host object that we made, and what is done about that.

An initiator that we put and that was taken off is put back, as driftPolicy says. A port that somebody else added is
never taken off: it may be what a machine runs on.
"""

from collections.abc import Collection
from dataclasses import replace

from flashsystem_operator.api.drift import DriftPolicy
from flashsystem_operator.api.host import FlashSystemHost, HostPort, OtherPorts, Ownership
from flashsystem_operator.array.commands import AddPorts, RemoveHost
from flashsystem_operator.array import state
from flashsystem_operator.array.state import Host, Port
from flashsystem_operator.reconcile.decision import Act, Decision, InSync, Note, Reason, Refuse
from flashsystem_operator.reconcile.words import listed
from flashsystem_operator.values import Iqn

ASKED = "asked"
"""The state of a port that the array was asked for, and was not seen to have yet."""
REMOVED = "removed"
"""The state of a port that the array had, and has no more although the spec names it."""


def lost(resource: FlashSystemHost, host: Host) -> tuple[Iqn, ...]:
    """Initiators of the spec that we put on our host object and that are not there any more."""
    if resource.status.ownership is not Ownership.CREATED:
        return ()
    had = {port.iqn for port in resource.status.ports if port.state != ASKED}
    return tuple(iqn for iqn in resource.spec.initiators.iscsi if iqn in had and iqn not in host.iqns)


def remembered(resource: FlashSystemHost, host: Host) -> tuple[HostPort, ...]:
    """The same, as the status remembers them: without that a lost one would be taken for one that is yet to come."""
    return tuple(HostPort(iqn=iqn, state=REMOVED) for iqn in lost(resource, host))


def to_put(missing: Collection[Iqn], resource: FlashSystemHost, host: Host) -> tuple[Iqn, ...]:
    """Of the initiators that our host object lacks, those that may be put on it."""
    if resource.spec.drift_policy is DriftPolicy.CORRECT:
        return tuple(missing)
    left = lost(resource, host)
    return tuple(iqn for iqn in missing if iqn not in left)


def noted(wished: Decision, resource: FlashSystemHost, host: Host, put: Collection[str]) -> Decision:
    """The plan for a host object of ours, with what another hand did to its ports. put: those that we put on it."""
    gone, added = lost(resource, host), unlisted(host, resource, {*resource.spec.initiators.iscsi, *put})
    if not gone and not added:
        return wished
    policy, what = resource.spec.drift_policy, " ".join((*_said_of_lost(gone, host), *_said_of_foreign(added, host)))
    notes = () if policy is DriftPolicy.IGNORE else (Note("Drifted", Reason.PORTS_CHANGED, what),)
    match wished:
        case Act(steps) if any(isinstance(step, RemoveHost) for step in steps):
            return wished
        case Act(steps) if gone and any(isinstance(step, AddPorts) for step in steps):
            warning = f"{_said_of_lost(gone, host)[0]} It is put back. {wished.warning}".rstrip()
            return replace(wished, notes=(*wished.notes, *notes), warning=warning)
        case InSync() if gone:
            way = "Put it back on the array, or set spec.driftPolicy to Correct, or take it out of the spec."
            message = f"{_said_of_lost(gone, host)[0]} spec.driftPolicy is {policy}, so it is not put back. {way}"
            return Refuse(Reason.PORTS_CHANGED, message, notes)
        case _:
            return replace(wished, notes=(*wished.notes, *notes))


def unlisted(host: Host, resource: FlashSystemHost, known: Collection[str]) -> tuple[Port, ...]:
    """The ports of a host object that are none of the known initiators, and not allowed by spec.initiators either."""
    allowed = resource.spec.initiators.other_ports is OtherPorts.ALLOW
    return tuple(
        port for port in host.ports if (port.name not in known if port.protocol is state.Protocol.ISCSI else not allowed)
    )


def way_out(unlisted: Collection[Port], or_else: str) -> str:
    """What to do about such ports: only iSCSI names can be listed in the spec."""
    iscsi = [port.name for port in unlisted if port.protocol is state.Protocol.ISCSI]
    others = [port.name for port in unlisted if port.protocol is not state.Protocol.ISCSI]
    spec = [f"add {listed(iscsi)} to spec.initiators.iscsi"] if iscsi else []
    spec += [f"set spec.initiators.otherPorts to Allow for {listed(others)}"] if others else []
    which = "they are this machine's" if len(unlisted) > 1 else "it is this machine's"
    return f"If {which}, {' and '.join(spec)}; or {or_else}."


def _said_of_lost(gone: Collection[str], host: Host) -> tuple[str, ...]:
    return (f"Another hand took {listed(gone)} off host object {host.name}.",) if gone else ()


def _said_of_foreign(added: Collection[Port], host: Host) -> tuple[str, ...]:
    if not added:
        return ()
    message = (
        f"Host object {host.name} has {listed([port.name for port in added])}, which this operator did not put there: "
        "whoever logs in with that sees the volumes too. It is left there. "
        f"{way_out(added, 'remove it from the host object on the array')}"
    )
    return (message,)
