"""`flashsystem-operator plan -f`: show the commands that the operator would send to the arrays for these files.

Needs no cluster.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from flashsystem_operator.cli.exit_codes import CHANGES, FAILED, OK, end_with
from flashsystem_operator.cli.installation import Installation, installation_options
from flashsystem_operator.cli.target.target import Given, connection_options, pool_option

if TYPE_CHECKING:
    from flashsystem_operator.api.metadata import ObjectRef
    from flashsystem_operator.cli.manifests import Manifests
    from flashsystem_operator.cli.plan.plan_result import ArrayPlan, Item
    from flashsystem_operator.cli.target.target import Target

_ABSENT = (
    "The plan covers only the objects in these files: the cluster is not read, and no deletions are planned. "
    "A status in a file is ignored."
)
_NO_ID = (
    "Without --installation-id, host objects that the operator created look like those of another cluster, and names "
    "of new ones contain ??????. The id is the UID of namespace kube-system, unless the operator was given another one."
)


@click.command()
@click.option(
    "-f", "--filename", "files", multiple=True, required=True, metavar="PATH", help="File, folder, or - for stdin."
)
@click.option("-R", "--recursive", is_flag=True, help="Also read subfolders.")
@connection_options
@pool_option
@installation_options
@click.option("-o", "--output", type=click.Choice(["plain", "json"]), default="plain", show_default=True)
def plan(
    recursive: bool,
    installation_id: str | None,
    former_installation_ids: tuple[str, ...],
    output: str,
    **options: Any,
) -> None:
    """Show the commands that the operator would send to the arrays if these manifests were applied.

    Every FlashSystemArray in the files is read, or only the one that --array names; nothing is changed on it. The
    login comes from a Secret in the files, or from --user with --key-file or --password-file. Use --array and
    --address for an array that is not in the files.

    Ends with 0 when there is nothing to do, with 2 when there are commands to send, with 1 when files or arrays cannot
    be read or an object is blocked, and with 64 after a usage error.
    """
    from flashsystem_operator.cli import screen
    from flashsystem_operator.cli.manifests import BadManifests, load
    from flashsystem_operator.cli.plan.plan_result import items_without_array, plan_array
    from flashsystem_operator.cli.target.target import NAMESPACE

    given, installation = Given(**options), Installation(installation_id, former_installation_ids)
    try:
        manifests = load(given.files, given.namespace or NAMESPACE, recursive=recursive)
        targets = _targets(manifests, given)
    except BadManifests as error:
        end_with(error.field_errors)
    plans: list[ArrayPlan] = []
    for number, target in enumerate(targets, 1):
        position = f" ({number} of {len(targets)})" if len(targets) > 1 else ""
        with screen.show_progress(f"reading {target.array.ref}{position}") as progress:
            plans.append(plan_array(target, manifests, installation, plans, progress))
    # Objects whose array is not known. With --array, objects of other arrays are not reported.
    named = {target.array.ref: target.array for target in targets}
    unplaced = [] if given.array and not given.addresses else [*items_without_array(manifests, named)]
    notes = [_ABSENT, *([] if installation.id else [_NO_ID])]
    if manifests.others:
        notes.append(f"Documents of other kinds: {manifests.others}. They are ignored.")
    if output == "json":
        arrays = [
            {
                "array": _ref_json(each.ref),
                "system": {"id": each.system.id, "name": each.system.name},
                "closed": each.closed,
                "objects": [*map(_item_json, each.items)],
            }
            for each in plans
        ]
        screen.print_json({"arrays": arrays, "unplaced": [*map(_item_json, unplaced)], "notes": notes})
    else:
        _print(plans, unplaced, notes)
    if unplaced or any(each.closed or any(item.blocked for item in each.items) for each in plans):
        sys.exit(FAILED)
    sys.exit(CHANGES if any(each.commands for each in plans) else OK)


def _targets(manifests: "Manifests", given: Given) -> "list[Target]":
    from flashsystem_operator.cli.manifests import BadManifests
    from flashsystem_operator.cli.target.target import (
        by_address,
        read_login,
        select_arrays,
        target_of,
    )

    if given.addresses:
        if not given.array:
            raise click.UsageError("--address goes with --array: add the name of the FlashSystemArray in the files.")
        target = by_address(given)
        written = manifests.arrays.get(target.array.ref)
        if written is None:
            return [target]
        # Connect as the options specify, and take all other settings of the array from its file.
        options = target.array.spec
        connection = {name: getattr(options, name) for name in ("management", "host_keys", "host_key_policy")}
        replaced = {name: getattr(options, name) for name in ("system_id", "pool") if getattr(options, name)}
        spec = written.spec.model_copy(update={**connection, **replaced})
        return [replace(target, array=written.model_copy(update={"spec": spec}))]
    if arrays := select_arrays(manifests, given):
        login = read_login(given)  # only once: the password may come from a prompt or from standard input
        return [target_of(array, manifests, login) for array in arrays]
    name = given.array or ""
    raise BadManifests(
        [f"The files contain no FlashSystemArray {name}".rstrip() + ": add it, or give --array and --address"]
    )


def _print(plans: "Sequence[ArrayPlan]", unplaced: "Sequence[Item]", notes: Sequence[str]) -> None:
    from flashsystem_operator.cli import screen

    colours = {"+": screen.ADDED, "-": screen.REMOVED, "~": screen.CHANGED, "!": screen.BAD, "#": screen.QUIET}
    for plan in plans:
        screen.print_line(f"{plan.ref}: {plan.system.name} ({plan.system.id})", "bold")
        if plan.closed:
            screen.print_line(f"  ! {plan.closed}", screen.BAD)
        for item in plan.items:
            for line in _lines(item):
                screen.print_line(line, colours.get(line.strip()[0], ""))
        held, blocked = sum(bool(item.held) for item in plan.items), sum(item.blocked for item in plan.items)
        parts = [f"{plan.commands} to send" if plan.commands else "nothing to send"]
        parts += [f"{held} held back"] if held else []
        parts += [f"{blocked} blocked"] if blocked else []
        screen.print_line(f"  Objects: {len(plan.items)}. Commands: {', '.join(parts)}.")
    for item in unplaced:
        for line in _lines(item):
            screen.print_line(line, colours.get(line.strip()[0], ""))
    for note in notes:
        screen.note(note)


def _lines(item: "Item") -> Iterator[str]:
    if not (item.commands or item.held or item.note):
        return
    yield f"  {item.ref}"
    for command in item.commands:
        yield f"    {command.sign} {command.line}"
    if item.note:
        yield f"    {'!' if item.blocked else '#'} {item.note}"
    for command in item.held:
        yield f"    # {command.sign} {command.line}"


def _item_json(item: "Item") -> dict[str, object]:
    return {
        **_ref_json(item.ref),
        "commands": [{"sign": each.sign, "line": each.line} for each in item.commands],
        "held": [{"sign": each.sign, "line": each.line} for each in item.held],
        "blocked": item.blocked,
        "message": item.note,
    }


def _ref_json(ref: "ObjectRef") -> dict[str, object]:
    return {"kind": ref.kind.value, "namespace": ref.namespace, "name": ref.name}
