"""`flashsystem-operator import`: resources that take over what is on an array, written as YAML or JSON."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from flashsystem_operator.cli.exit_codes import OK
from flashsystem_operator.cli.installation import Installation, installation_options, namespace
from flashsystem_operator.cli.target.target import Given, array_options, find, pool_option
from flashsystem_operator.planner import text

if TYPE_CHECKING:
    from flashsystem_operator.api.array import FlashSystemArray
    from flashsystem_operator.array.inventory import Inventory
    from flashsystem_operator.cli.target.target import Found
    from flashsystem_operator.planner.desired import Desired
    from flashsystem_operator.planner.importing import Import, Left, Proposal


def _fit(_: click.Context, __: click.Parameter, prefix: str) -> str:
    if prefix and not re.fullmatch("[a-z0-9][a-z0-9-]{0,19}", prefix):
        raise click.BadParameter(
            f"{prefix!r} cannot begin a name: use at most 20 lower-case letters, digits and '-', and no '-' first"
        )
    return prefix


@click.command("import")
@array_options
@pool_option
@click.option(
    "--into", metavar="NAMESPACE", callback=namespace, help="Namespace of what is written  [default: the array's]"
)
@click.option("--host", "hosts", multiple=True, metavar="GLOB", help="Only host objects named like this; repeatable.")
@click.option("--volume", "volumes", multiple=True, metavar="GLOB", help="Only volumes named like this; repeatable.")
@click.option("--prefix", default="", callback=_fit, help="What names begin with, where arrays share a namespace.")
@installation_options
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def import_(installation_id: str | None, former_installation_ids: tuple[str, ...], output: str, **said: Any) -> None:
    """Write FlashSystemHosts and VolumeAttachments that take over what is on an array, exactly as it is.

    Applying them changes nothing on the array: what an administrator made is used, never renamed, stripped or removed,
    and stays mapped when the resources go (deletionPolicy Retain). What cannot be taken over is listed with its
    reason, as comments and on stderr. What a cluster has already (--array) is left out, so this may be done again.

    Ends with 0 when resources were written, even if something had to be left out, with 1 when the array could not be
    read, with 2 when it was called in a wrong way.
    """
    choice = Choice(*(said.pop(name) for name in ("into", "hosts", "volumes", "prefix")))
    given = Given(**said)
    found = find(given, everything=True)
    imported = _imported(given, found, choice, Installation(installation_id, former_installation_ids))
    _write(imported, output)
    _tell(imported, found)
    sys.exit(OK)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of the array is to be written, and under which names."""

    into: str | None
    hosts: tuple[str, ...]
    volumes: tuple[str, ...]
    prefix: str


def _imported(given: Given, found: "Found", choice: Choice, installation: Installation) -> "Import":
    from flashsystem_operator.cli import screen
    from flashsystem_operator.planner.importing import (
        ImportRequest,
        propose,
    )

    array, inventory = _looked_at(given, found)
    request = ImportRequest(
        choice.into or array.metadata.namespace, choice.hosts, choice.volumes, found.taken, choice.prefix
    )
    with screen.working("seeing what of it can be taken over"):
        return propose(_world(array, found, installation), inventory, request)


def _looked_at(given: Given, found: "Found") -> "tuple[FlashSystemArray, Inventory]":
    """All that is on the array. One that has no name yet gets the system's."""
    from flashsystem_operator.array import discovery
    from flashsystem_operator.cli import screen
    from flashsystem_operator.cli.target.reach import reached
    from flashsystem_operator.planner.names import slug

    array = found.target.array
    with reached(found.target) as access, screen.working(f"reading {array.metadata.name}") as say:
        access.session.progress = say
        inventory = discovery.survey(access.session, array.spec.pool)
    if given.addresses and not given.array:
        named = array.metadata.model_copy(update={"name": slug(inventory.body.system.name, "array")})
        array = array.model_copy(update={"metadata": named})
    return array, inventory


def _world(array: "FlashSystemArray", found: "Found", installation: Installation) -> "Desired":
    from flashsystem_operator.planner.desired import (
        Desired,
        marked_among,
    )

    return Desired(
        array=array,
        hosts=found.hosts,
        attachments=found.attachments,
        installation=installation.id or found.installation,
        former=installation.former,
        namespaces=found.namespaces,
        marked=marked_among(found.everywhere),
        now=text.text(datetime.now(UTC)),
    )


def _write(imported: "Import", output: str) -> None:
    """The resources, on stdout."""
    from flashsystem_operator.cli import screen

    if output == "json":
        items = [each.document for each in imported.proposals]
        screen.print_json({"apiVersion": "v1", "kind": "List", "items": items})
    else:
        for line in _yaml(imported):
            click.echo(line)


def _tell(imported: "Import", found: "Found") -> None:
    """What there is to know of them, on stderr."""
    from flashsystem_operator.cli import screen

    for each in imported.left:
        screen.note(_left(each))
    for what in found.unseen:
        screen.note(f"Not seen in the cluster: {what}. What is there already may be written again.")
    screen.note(_summary(imported))


def _yaml(imported: "Import") -> Iterator[str]:
    from flashsystem_operator.cli.screen import document

    yield "# Applying this changes nothing on the array. Shared: several hosts see the volume at present."
    for each in imported.left:
        yield _comment(_left(each))
    for proposal in imported.proposals:
        yield "---"
        yield _comment(proposal.about)
        yield document(proposal.document)


def _comment(line: str) -> str:
    """One line, whatever the array's administrators put into a name."""
    return "# " + line.encode("ascii", "backslashreplace").decode().replace("\r", " ").replace("\n", " ")


def _left(each: "Left") -> str:
    return f"Not imported: {each.what}: {each.why.rstrip('.')}."


def _summary(imported: "Import") -> str:
    from flashsystem_operator.planner.text import plural

    attachments = sum(_is_attachment(each) for each in imported.proposals)
    hosts = len(imported.proposals) - attachments
    parts = [f"{plural(hosts, 'FlashSystemHost')} and {plural(attachments, 'VolumeAttachment')} written"]
    parts += [f"{imported.there} found in the cluster already"] if imported.there else []
    parts += [f"{len(imported.left)} not imported"] if imported.left else []
    return f"{'; '.join(parts)}."


def _is_attachment(proposal: "Proposal") -> bool:
    return proposal.host is not None
