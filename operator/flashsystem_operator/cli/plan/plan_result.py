"""Plan manifests against an array with the code of the operator: read the array, dry-run, collect the commands."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeOrigin
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
from flashsystem_operator.array.model import Inventory, System
from flashsystem_operator.array.volume_commands import (
    CreateVolume,
    ExpandVolume,
    RemoveThrottle,
    RemoveVolume,
    RenameVolume,
    ThrottleVolume,
)
from flashsystem_operator.cli.installation import Installation
from flashsystem_operator.cli.manifests import Manifests
from flashsystem_operator.cli.target.reach import connected
from flashsystem_operator.cli.target.target import Target
from flashsystem_operator.controller.observer import Observer
from flashsystem_operator.planner import text
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import Reason, Refuse, Wait
from flashsystem_operator.planner.desired import Desired, marked_among
from flashsystem_operator.planner.dry_run import bound, dry_run_to_the_end
from flashsystem_operator.values import ChapSecret, HostName, made_by

_UNKNOWN = "unknown"
"""Placeholder for the installation id if it was not specified."""

_GENERATED = ChapSecret("generated-when-applied")
"""Placeholder for a CHAP secret that the operator will generate. Like all secrets it is never shown."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the plan.

    sign: + creates, - removes, ~ changes a host object or a volume. line: the command line, with secrets masked.
    """

    sign: str
    line: str


@dataclass(frozen=True, slots=True)
class Item:
    """The plan of one object.

    commands: what would be sent. held: what is held back by the paused or plan annotation.
    note: why the object is blocked or held back.
    """

    ref: ObjectRef
    commands: tuple[Command, ...]
    held: tuple[Command, ...]
    blocked: bool
    note: str


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """The plan of one array. closed: why nothing new may be created on it, empty if it may."""

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


def plan_array(
    target: Target,
    manifests: Manifests,
    installation: Installation,
    before: Iterable[ArrayPlan],
    progress: Callable[[str, int, int], None],
) -> ArrayPlan:
    """Read the array and plan the objects in the files. Ends the program if the array cannot be read.

    before: plans of the earlier arrays. If two arrays name the same system, the second one is closed.
    progress: called with the progress of reading.
    """
    with connected(target) as access:
        access.session.progress = progress
        desired = _desired(target.array, manifests, installation)
        observer, refs = Observer(access.session), (*desired.hosts, *desired.volumes, *desired.attachments)
        inventory = observer.first(desired, refs, survey=True)
        # With the volumes that were found bound to their objects, more of these is read: their throttles.
        inventory = observer.first(_with_created_volumes(desired, inventory), refs, survey=False)
    system = inventory.body.system
    if earlier := next((each.array for each in before if each.system.id == system.id), None):
        return ArrayPlan(target.array, system, array_plan.duplicate(target.array, earlier).message, ())
    verdict = array_plan.check_array(target.array, inventory.body)
    closed = verdict.message if isinstance(verdict, Refuse) else ""
    desired = _desired(target.array, manifests, installation, closed)
    desired = _with_created_volumes(desired, inventory)
    desired = replace(desired, chap=_chap_secrets(desired, inventory, manifests))
    items = []
    for result in dry_run_to_the_end(desired, inventory):
        commands = tuple(_command(step, installation) for step in result.steps)
        held = result.end.steps if isinstance(result.end, Wait) else ()
        note = result.blocked or result.held
        if isinstance(result.end, Wait) and result.end.reason is Reason.NAMESPACE_UNKNOWN:
            note = (
                f"The array selects namespaces by their labels, and Namespace {result.ref.namespace} is not among the "
                "files. Add it."
            )
        attachment = desired.attachments.get(result.ref)
        if note and attachment and attachment.volume_ref and attachment.volume_ref not in manifests.volumes:
            note = f"{attachment.volume_ref} is not among the files. Add its file."
        held_commands = tuple(_command(step, installation) for step in held)
        items.append(Item(result.ref, commands, held_commands, blocked=bool(result.blocked), note=note))
    return ArrayPlan(target.array, system, closed, tuple(items))


def items_without_array(manifests: Manifests, planned: Mapping[ObjectRef, FlashSystemArray]) -> Iterator[Item]:
    """Yield a blocked item for each object in the files whose array is not known."""
    named: list[FlashSystemHost | FlashSystemVolume] = [*manifests.hosts.values(), *manifests.volumes.values()]
    for each in named:
        if each.array not in manifests.arrays and each.array not in planned:
            note = f"{each.array} is not among the files. Add its file, or name the array with --array and --address."
            yield Item(each.ref, (), (), blocked=True, note=note)
    for attachment in manifests.attachments.values():
        if attachment.host not in manifests.hosts:
            note = f"{attachment.host} is not among the files, so its array is not known. Add its file."
            yield Item(attachment.ref, (), (), blocked=True, note=note)


def _desired(array: FlashSystemArray, manifests: Manifests, installation: Installation, closed: str = "") -> Desired:
    hosts = {ref: host for ref, host in manifests.hosts.items() if host.array == array.ref}
    return Desired(
        array=array,
        hosts=hosts,
        volumes={ref: each for ref, each in manifests.volumes.items() if each.array == array.ref},
        attachments={ref: each for ref, each in manifests.attachments.items() if each.host in hosts},
        installation=installation.id or _UNKNOWN,
        former=installation.former,
        namespaces=manifests.namespaces,
        marked=marked_among(manifests.hosts.values()),
        closed=closed,
        now=text.text(datetime.now(UTC)),
    )


def _with_created_volumes(desired: Desired, inventory: Inventory) -> Desired:
    """Bind each FlashSystemVolume to the volume that was created for it, if the array has one of that name.

    Files have no status that shows which volume that is. A restored volume is found by its annotation instead.
    """
    volumes = dict(desired.volumes)
    for ref, volume in desired.volumes.items():
        if volume.spec.import_ is None and volume.metadata.asked.volume_uid is None:
            found = next(filter(None, map(inventory.volume_named, desired.names_of_volume(volume))), None)
            if found is not None:
                volumes[ref] = bound(volume, found, VolumeOrigin.CREATED)
    return replace(desired, volumes=volumes)


def _chap_secrets(
    desired: Desired, inventory: Inventory, manifests: Manifests
) -> Mapping[ObjectRef, ChapSecret | Refuse]:
    """Return the CHAP secrets of the hosts, from the Secrets in the files.

    A generated secret is not in the files: the one that the array has counts as the desired one.
    """
    found: dict[ObjectRef, ChapSecret | Refuse] = {}
    for ref, host in desired.hosts.items():
        if (chap := host.spec.chap) is None:
            continue
        from flashsystem_operator.controller.outputs import not_found, secret_of

        if secret := manifests.secrets.get((ref.namespace, chap.secret_ref.name)):
            found[ref] = secret_of(host, secret)
        elif chap.generate:
            found[ref] = (inventory.chap or {}).get(desired.object_of(host, inventory)) or _GENERATED
        else:
            found[ref] = not_found(host)
    return found


def _command(step: Step, installation: Installation) -> Command:
    line = shown(step)
    for argument in step.argv() if installation.id is None else ():
        if made_by(_UNKNOWN, HostName(argument)):
            line = line.replace(argument, f"{argument[:-14]}??????{argument[-8:]}")
    match step:
        case MakeHost() | MapVolume() | CreateVolume():
            return Command("+", line)
        case RemoveHost() | UnmapVolume() | RemoveVolume():
            return Command("-", line)
        case AddPorts() | RemovePort() | ChangeHost() | AddIoGroups() | RemoveIoGroups() | SetChap() | ClearChap():
            return Command("~", line)
        case ExpandVolume() | RenameVolume() | ThrottleVolume() | RemoveThrottle():
            return Command("~", line)
