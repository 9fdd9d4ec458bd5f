"""What the operator would do about a folder of manifests, found out by the code that does it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
    shown,
)
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import System
from flashsystem_operator.cli.installation import Installation
from flashsystem_operator.cli.manifests import Manifests
from flashsystem_operator.cli.target.reach import reached
from flashsystem_operator.cli.target.target import Target
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.planner import text
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, marked_among
from flashsystem_operator.planner.dry_run import DryRunResult, dry_run_to_the_end
from flashsystem_operator.planner.names import made_by
from flashsystem_operator.values import ChapSecret

_UNKNOWN = "unknown"
"""Stands for an installation whose id nobody gave."""


_GENERATED = ChapSecret("generated-when-applied")
"""Stands for a CHAP secret that the operator will make up. It is never shown, as none is."""


@dataclass(frozen=True, slots=True)
class Command:
    """sign: + comes, - goes, ~ changes what a host may log in with. line: as it would be typed, secrets masked."""

    sign: str
    line: str


@dataclass(frozen=True, slots=True)
class Item:
    """One object. commands: what would be sent. held: what would be, were it not paused or planned. note: why not."""

    ref: ObjectRef
    commands: tuple[Command, ...]
    held: tuple[Command, ...]
    blocked: bool
    note: str


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """closed: why nothing new may be made through the array, empty if it may."""

    array: FlashSystemArray
    system: System
    closed: str
    items: tuple[Item, ...]

    @property
    def ref(self) -> ObjectRef:
        return self.array.ref

    @property
    def commands(self) -> int:
        return sum(len(item.commands) for item in self.items)


def foretell(
    target: Target,
    manifests: Manifests,
    installation: Installation,
    before: Iterable[ArrayPlan],
    say: Callable[[str, int, int], None],
) -> ArrayPlan:
    """Look at the array, and plan for it what the files say. Ends the program if it cannot be looked at.

    before: the plans for arrays that came first; of two for one system nothing is done through the second.
    say: told how far the look is.
    """
    with reached(target) as access:
        access.session.progress = say
        observer, asked = Observer(access.session), _world(target.array, manifests, installation)
        inventory = observer.first(asked, (*asked.hosts, *asked.attachments), survey=True)
    system = inventory.body.system
    if elder := next((each.array for each in before if each.system.id == system.id), None):
        return ArrayPlan(target.array, system, array_plan.duplicate(target.array, elder).message, ())
    verdict = array_plan.judge(target.array, inventory.body)
    closed = verdict.message if isinstance(verdict, Refuse) else ""
    desired = _world(target.array, manifests, installation, closed)
    desired = replace(desired, chap=_chap(desired, inventory, manifests))
    items = tuple(_item(outlook, installation) for outlook in dry_run_to_the_end(desired, inventory))
    return ArrayPlan(target.array, system, closed, items)


def without_array(manifests: Manifests, planned: Mapping[ObjectRef, FlashSystemArray]) -> Iterator[Item]:
    """Objects of the files for which nothing can be said, since the files do not lead from them to an array."""
    for host in manifests.hosts.values():
        if host.array not in manifests.arrays and host.array not in planned:
            note = f"{host.array} is not among the files. Add its file, or name the array with --array and --address."
            yield Item(host.ref, (), (), blocked=True, note=note)
    for attachment in manifests.attachments.values():
        if attachment.host not in manifests.hosts:
            note = f"{attachment.host} is not among the files, so its array is not known. Add its file."
            yield Item(attachment.ref, (), (), blocked=True, note=note)


def _world(array: FlashSystemArray, manifests: Manifests, installation: Installation, closed: str = "") -> Desired:
    hosts = {ref: host for ref, host in manifests.hosts.items() if host.array == array.ref}
    return Desired(
        array=array,
        hosts=hosts,
        attachments={ref: each for ref, each in manifests.attachments.items() if each.host in hosts},
        installation=installation.id or _UNKNOWN,
        former=installation.former,
        namespaces=manifests.namespaces,
        marked=marked_among(manifests.hosts.values()),
        closed=closed,
        now=text.text(datetime.now(UTC)),
    )


def _chap(desired: Desired, inventory: Inventory, manifests: Manifests) -> Mapping[ObjectRef, ChapSecret | Refuse]:
    """What the hosts shall prove themselves with: it stands in Secrets of the files.

    What the operator shall generate, or did, is not among them: that counts as being what the array has.
    """
    found: dict[ObjectRef, ChapSecret | Refuse] = {}
    for ref, host in desired.hosts.items():
        if (chap := host.spec.chap) is None:
            continue
        from flashsystem_operator.controller.chap_secrets import (
            not_found,
            secret_of,
        )

        if secret := manifests.secrets.get((ref.namespace, chap.secret_ref.name)):
            found[ref] = secret_of(host, secret)
        elif chap.generate:
            found[ref] = (inventory.chap or {}).get(desired.object_of(host, inventory)) or _GENERATED
        else:
            found[ref] = not_found(host)
    return found


def _item(outlook: DryRunResult, installation: Installation) -> Item:
    commands = tuple(_command(step, installation) for step in outlook.steps)
    held = outlook.end.steps if isinstance(outlook.end, Wait) else ()
    return Item(
        outlook.ref,
        commands,
        tuple(_command(step, installation) for step in held),
        blocked=bool(outlook.blocked),
        note=_note(outlook),
    )


def _note(outlook: DryRunResult) -> str:
    if isinstance(outlook.end, Wait) and outlook.end.reason is Reason.NAMESPACE_UNKNOWN:
        return (
            f"The array chooses by labels who may use it, and Namespace {outlook.ref.namespace} is not among the "
            "files. Add it."
        )
    return outlook.blocked or outlook.held


def _command(step: Step, installation: Installation) -> Command:
    line = shown(step)
    if installation.id is None and made_by(_UNKNOWN, step.host):
        line = line.replace(step.host, f"{step.host[:-14]}??????{step.host[-8:]}")
    return Command(_sign(step), line)


def _sign(step: Step) -> str:
    match step:
        case MakeHost() | MapVolume():
            return "+"
        case RemoveHost() | UnmapVolume():
            return "-"
        case AddPorts() | RemovePort() | ChangeHost() | AddIoGroups() | RemoveIoGroups() | SetChap() | ClearChap():
            return "~"
