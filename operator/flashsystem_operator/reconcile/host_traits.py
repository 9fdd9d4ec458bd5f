"""How and where the machine of a host object may log in, as the spec wishes it: portset, I/O groups, type, CHAP.

A host object of ours is brought in line, but for what would take paths from a machine that is logged in. What an
administrator made has to fit as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flashsystem_operator.api.annotations import FORCE_DETACH
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import AddIoGroups, ChangeHost, RemoveIoGroups, RemovePort, Step, make_host
from flashsystem_operator.array.state import Host
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile import chap
from flashsystem_operator.reconcile.decision import Reason, Refuse, Wait
from flashsystem_operator.reconcile.telling import Reader
from flashsystem_operator.reconcile.words import listed, plural
from flashsystem_operator.reconcile.world import World
from flashsystem_operator.values import HostName


@dataclass(frozen=True, slots=True)
class _Unlike:
    """What a host object has otherwise than the spec wishes; None and empty where it does not."""

    portset: str | None = None
    kind: str | None = None
    lacking: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()


def trouble(
    resource: FlashSystemHost, host: Host | None, world: World, view: View, *, adopted: bool = False
) -> Refuse | Wait | None:
    """Why the host object cannot be as the spec wishes, if it cannot. Then nothing new is mapped to it."""
    if impossible := _not_supported(resource, view) or _not_there(resource, world, view):
        return impossible
    if host and adopted:
        return _misfit(resource, host, view)
    return chap.trouble(resource, world, view)


def making(resource: FlashSystemHost, name: HostName, world: World, view: View) -> tuple[Step, ...]:
    """The steps that make the host object. The secret is set before anything can be mapped to it."""
    can, spec = view.body.capabilities, resource.spec
    made = make_host(
        name,
        spec.initiators.iscsi,
        protocol=can.host_protocol,
        portset=(spec.portset or world.array.spec.iscsi.portset) if can.portsets else None,
        io_groups=tuple(sorted(_wished_groups(resource, view))),
        kind=spec.type,
    )
    return (*made, *chap.steps(resource, name, world, view))


def changes(resource: FlashSystemHost, host: Host, world: World, view: View) -> tuple[Step, ...]:
    """What brings a host object of ours in line now."""
    unlike, steps = _unlike(resource, host, view), chap.steps(resource, host.name, world, view)
    more: tuple[Step, ...] = (AddIoGroups(host.name, unlike.lacking),) if unlike.lacking else ()
    may_take = not host.logins or resource.metadata.forced
    if may_take and (unlike.portset or unlike.kind):
        more += (ChangeHost(host.name, unlike.portset, unlike.kind),)
    if may_take and unlike.surplus:
        more += (RemoveIoGroups(host.name, unlike.surplus),)
    return (*steps, *more)


def taken_from_a_session(steps: Iterable[Step], host: Host) -> str:
    """What to say of steps that take something from a machine that is logged in, as somebody asked for; else empty."""
    logged_in, steps = {port.name for port in host.ports if port.logged_in}, tuple(steps)
    said: list[str] = []
    if removed := [step.iqn for step in steps if isinstance(step, RemovePort) and step.iqn in logged_in]:
        said.append(f"{listed(removed)} was removed from host object {host.name} while it was logged in to the array.")
    if host.logins and any(isinstance(step, ChangeHost | RemoveIoGroups) for step in steps):
        said.append(
            f"Host object {host.name} was changed while its machine had {plural(host.logins, 'session')} with the "
            "array: it may have lost paths."
        )
    return " ".join(said)


def awaited(resource: FlashSystemHost, host: Host, view: View) -> Wait | None:
    """What is left as it is for as long as the machine is logged in."""
    unlike = _unlike(resource, host, view)
    words = [*_words(unlike.portset, unlike.kind), *(["spec.ioGroups"] if unlike.surplus else [])]
    if not words or not host.logins or resource.metadata.forced:
        return None
    return Wait(
        Reason.HOST_LOGGED_IN,
        f"Host object {host.name} is not as {_say(words)}. A change could take paths from the machine, which is "
        f"logged in: it is made when that has logged out; or at once with annotation {FORCE_DETACH}: "
        f"{resource.metadata.uid} on this object.{resource.metadata.forced_elsewhere}",
    )


def _say(words: Sequence[str]) -> str:
    return f"{listed(words)} {'says' if len(words) == 1 else 'say'}"


def _not_supported(resource: FlashSystemHost, view: View) -> Refuse | None:
    spec, can, system = resource.spec, view.body.capabilities, view.body.system
    what = f"{system.product or system.name} with code level {system.code_text or 'unknown'}"
    if spec.portset and not can.portsets:
        return Refuse(
            Reason.NOT_SUPPORTED, f"{what} has no portsets: they came with release 8.4.2. Remove spec.portset."
        )
    if spec.type and spec.type not in can.host_kinds:
        known = " or ".join(sorted(can.host_kinds))
        return Refuse(
            Reason.NOT_SUPPORTED, f"{what} has no hosts of type {spec.type}. Remove spec.type, or write {known}."
        )
    return None


def _not_there(resource: FlashSystemHost, world: World, view: View) -> Refuse | None:
    spec, body = resource.spec, view.body
    if spec.portset and spec.portset not in body.portsets:
        near = Reader.of(resource, world).keeps_the_array
        others = f", but {listed(body.portsets) or 'none'}" if near else ""
        remedy = "make it on the array" if near else "ask whoever keeps the array which one to use"
        return Refuse(
            Reason.PORTSET_NOT_FOUND,
            f"The array has no portset {spec.portset} for hosts{others}. Correct spec.portset, or {remedy}.",
        )
    unknown = [word for word in spec.io_groups if _group(word, view) is None]
    if unknown:
        known = [f"{name} ({number})" for number, name in sorted(body.io_groups.items())]
        return Refuse(
            Reason.IO_GROUP_NOT_FOUND,
            f"The array has no I/O group {listed(unknown)} with a node in it, but {listed(known)}. Correct "
            "spec.ioGroups.",
        )
    return None


def _misfit(resource: FlashSystemHost, host: Host, view: View) -> Refuse | None:
    unlike = _unlike(resource, host, view)
    words = _words(unlike.portset, unlike.kind)
    words += ["spec.ioGroups"] if unlike.lacking or unlike.surplus else []
    words += ["spec.chap"] if resource.spec.chap else []
    if not words:
        return None
    return Refuse(
        Reason.HOST_DIFFERS,
        f"Host object {host.name} was not made by this operator, so it is not changed to be as {_say(words)}. "
        "Remove that from the spec; or remove the host object on the array, and it is made anew as it is wished.",
    )


def _unlike(resource: FlashSystemHost, host: Host, view: View) -> _Unlike:
    """What the array does not tell counts as right."""
    spec, there = resource.spec, view.io_groups.get(host.name)
    wished = _wished_groups(resource, view)
    return _Unlike(
        portset=spec.portset if spec.portset and spec.portset != host.portset else None,
        kind=spec.type if spec.type and host.kind and spec.type != host.kind else None,
        lacking=tuple(sorted(wished - there)) if wished and there is not None else (),
        surplus=tuple(sorted(there - wished)) if wished and there is not None else (),
    )


def _wished_groups(resource: FlashSystemHost, view: View) -> frozenset[str]:
    """The ids of the I/O groups that the spec names; empty when it leaves them to the array."""
    return frozenset(group for word in resource.spec.io_groups if (group := _group(word, view)) is not None)


def _group(word: str, view: View) -> str | None:
    groups = view.body.io_groups
    return word if word in groups else next((number for number, name in groups.items() if name == word), None)


def _words(portset: str | None, kind: str | None) -> list[str]:
    return [*(["spec.portset"] if portset else []), *(["spec.type"] if kind else [])]
