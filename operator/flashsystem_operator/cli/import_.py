"""`flashsystem-operator import`: write resources, as YAML or JSON, that take over hosts and volumes of an array."""

import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from flashsystem_operator.cli.exit_codes import OK
from flashsystem_operator.cli.installation import Installation, installation_options, namespace
from flashsystem_operator.cli.target.find import find
from flashsystem_operator.cli.target.target import Given, array_options, pool_option
from flashsystem_operator.planner import text

if TYPE_CHECKING:
    from flashsystem_operator.cli.target.target import Found
    from flashsystem_operator.planner.importing import Import, Left


def _check_prefix(_: click.Context, __: click.Parameter, prefix: str) -> str:
    if prefix and not re.fullmatch("[a-z0-9][a-z0-9-]{0,19}", prefix):
        raise click.BadParameter(
            f"{prefix!r} cannot begin a name: use at most 20 lower-case letters, digits and '-', and no '-' first"
        )
    return prefix


@click.command("import")
@array_options
@pool_option
@click.option(
    "--into", metavar="NAMESPACE", callback=namespace, help="Namespace of the written resources  [default: the array's]"
)
@click.option("--host", "hosts", multiple=True, metavar="GLOB", help="Only host objects named like this; repeatable.")
@click.option("--volume", "volumes", multiple=True, metavar="GLOB", help="Only volumes named like this; repeatable.")
@click.option(
    "--no-volumes", is_flag=True, help="Write no FlashSystemVolumes; VolumeAttachments name the volumes by UID."
)
@click.option(
    "--prefix", default="", callback=_check_prefix, help="Prefix of all names, for arrays that share a namespace."
)
@installation_options
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def import_(installation_id: str | None, former_installation_ids: tuple[str, ...], output: str, **options: Any) -> None:
    """Write resources that take over the hosts of an array, the volumes mapped to them, and the mappings, unchanged.

    Applying them changes nothing on the array: host objects and volumes of administrators are used, and never renamed,
    changed or removed. Volumes stay, and stay mapped, when the resources are deleted (deletionPolicy Retain). What
    cannot be imported is listed with the reason, in comments and on stderr. Resources that the cluster already has
    (--array) are left out, so the command can be repeated.

    Ends with 0 when resources were written, even if some were left out, with 1 when the array cannot be read, with 2
    after a usage error.
    """
    from flashsystem_operator.api.metadata import Kind
    from flashsystem_operator.cli import screen

    selection = Selection(*(options.pop(name) for name in ("into", "hosts", "volumes", "prefix", "no_volumes")))
    given = Given(**options)
    found = find(given, everything=True)
    imported = _import(given, found, selection, Installation(installation_id, former_installation_ids))
    if output == "json":
        items = [each.document for each in imported.proposals]
        screen.print_json({"apiVersion": "v1", "kind": "List", "items": items})
    else:
        click.echo(
            "# Applying this changes nothing on the array. Shared: the volume is currently mapped to several hosts."
        )
        for each in imported.left:
            click.echo(_comment(_not_imported(each)))
        for proposal in imported.proposals:
            click.echo("---")
            click.echo(_comment(proposal.about))
            click.echo(screen.document(proposal.document))
    for each in imported.left:
        screen.note(_not_imported(each))
    for what in found.unread:
        screen.note(f"Not read from the cluster: {what}. Resources that exist there may be written again.")
    written = Counter(each.ref.kind for each in imported.proposals)
    kinds = (Kind.HOST, *(() if selection.no_volumes else (Kind.VOLUME,)), Kind.ATTACHMENT)
    parts = [f"{text.listed([text.plural(written[kind], kind.value) for kind in kinds])} written"]
    parts += [f"{imported.there} already in the cluster"] if imported.there else []
    parts += [f"{len(imported.left)} not imported"] if imported.left else []
    screen.note(f"{'; '.join(parts)}.")
    sys.exit(OK)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which hosts and volumes to import, and how to name the resources."""

    into: str | None
    hosts: tuple[str, ...]
    volumes: tuple[str, ...]
    prefix: str
    no_volumes: bool


def _import(given: Given, found: "Found", selection: Selection, installation: Installation) -> "Import":
    """Read all of the array, and propose resources. Without --array, the array is named after its system."""
    from flashsystem_operator.array import discovery
    from flashsystem_operator.cli import screen
    from flashsystem_operator.cli.target.reach import connected
    from flashsystem_operator.planner.desired import Desired, marked_among, with_volumes
    from flashsystem_operator.planner.importing import (
        ImportRequest,
        propose,
        slug,
    )

    array = found.target.array
    with connected(found.target) as access, screen.show_progress(f"reading {array.metadata.name}") as progress:
        access.session.progress = progress
        inventory = discovery.survey(access.session, array.spec.pool)
    if given.addresses and not given.array:
        metadata = array.metadata.model_copy(update={"name": slug(inventory.body.system.name, "array")})
        array = array.model_copy(update={"metadata": metadata})
    request = ImportRequest(
        selection.into or array.metadata.namespace,
        selection.hosts,
        selection.volumes,
        found.existing,
        selection.prefix,
        with_volumes=not selection.no_volumes,
    )
    with screen.show_progress("selecting what can be imported"):
        desired = Desired(
            array=array,
            hosts=found.hosts,
            volumes=found.volumes,
            attachments=with_volumes(found.attachments, found.volumes),
            installation=installation.id or found.installation,
            former=installation.former,
            namespaces=found.namespaces,
            marked=marked_among(found.all_hosts),
            now=text.text(datetime.now(UTC)),
        )
        return propose(desired, inventory, request)


def _comment(line: str) -> str:
    """Return one comment line of ASCII text: names on the array may contain line breaks."""
    return "# " + line.encode("ascii", "backslashreplace").decode().replace("\r", " ").replace("\n", " ")


def _not_imported(each: "Left") -> str:
    return f"Not imported: {each.what}: {each.why.rstrip('.')}."
