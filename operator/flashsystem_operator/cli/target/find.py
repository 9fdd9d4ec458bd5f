"""Find the array that the options of a command select: described by options, in files, or in the cluster."""

import click

from flashsystem_operator.cli.exit_codes import end_with
from flashsystem_operator.cli.manifests import BadManifests
from flashsystem_operator.cli.target.target import Found, Given, array_in_files, by_address


def find(given: Given, *, everything: bool = False) -> Found:
    """Find the array that the options select. Ends the program if there is none.

    everything: also read the hosts, volumes and attachments of the cluster.
    """
    if given.addresses and given.files:
        raise click.UsageError("--address and --file exclude each other: leave one of them out.")
    if given.addresses:
        return Found(by_address(given))
    if given.files:
        try:
            return Found(array_in_files(given))
        except BadManifests as error:
            end_with(error.field_errors)
    if not given.array:
        raise click.UsageError(
            "No array is specified: give --array for one in a cluster, --file, or --address with --user."
        )
    from flashsystem_operator.cli.target import cluster

    return cluster.read_array(given, everything=everything)
