"""`flashsystem-operator run`: the operator itself."""

import difflib
import logging
import os
import socket
import uuid
from pathlib import Path
from typing import Any

import click

from flashsystem_operator.cli.exit_codes import end
from flashsystem_operator.cli.installation import former_option, namespaces
from flashsystem_operator.logs import LogFormat, configure
from flashsystem_operator.settings import Pod, Settings


@click.command()
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="How to reach the API server. Left out: as the pod's service account.",
)
@click.option(
    "--namespace",
    envvar="POD_NAMESPACE",
    default="flashsystem-system",
    show_default=True,
    help="Where Leases are kept.",
)
@click.option(
    "--watch-namespace",
    metavar="NAME",
    multiple=True,
    callback=namespaces,
    help="Look after this namespace alone; may be given several times. Needs --installation-id. Left out: all.",
)
@click.option("--identity", envvar="POD_NAME", help="This replica, as Leases name it. Left out: the host's name.")
@click.option(
    "--pod-uid",
    envvar="POD_UID",
    help="Of the pod that --namespace and --identity name: an Event on it says why it cannot start. Left out: none.",
)
@click.option("--installation-id", help="Part of the names of host objects. Left out: the UID of kube-system.")
@former_option
@click.option(
    "--pause-all/--no-pause-all",
    default=False,
    help="Write nothing to any array, look at everything and report: for a cluster that was moved or restored.",
)
@click.option(
    "--lease-duration",
    type=click.FloatRange(1, 300),
    default=15.0,
    show_default=True,
    help="Seconds after which another replica takes over an array whose replica died.",
)
@click.option(
    "--unsettled",
    type=click.FloatRange(0, 3600),
    default=120.0,
    show_default=True,
    help="Seconds for which a command whose answer was lost counts as perhaps still running.",
)
@click.option(
    "--settle-detaches",
    type=click.FloatRange(0, 300),
    default=3.0,
    show_default=True,
    help="Seconds for which further deletions are awaited before one is judged on a host that is logged in.",
)
@click.option(
    "--retry-protected",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds after which the array is asked again for what volume protection kept.",
)
@click.option(
    "--grace-period",
    type=click.FloatRange(1, 3600),
    default=90.0,
    show_default=True,
    help="Seconds after a signal to stop within which the process ends: terminationGracePeriodSeconds of the pod.",
)
@click.option(
    "--probe-port", type=click.IntRange(0, 65535), help="Port of /livez, /readyz and /metrics. Left out: none."
)
@click.option(
    "--log-format", type=click.Choice(LogFormat, case_sensitive=False), default=LogFormat.PLAIN, show_default=True
)
@click.option(
    "--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]), default="INFO", show_default=True
)
@click.option(
    "--change-log",
    metavar="FILE",
    help="Where each change of an array is written as a line of JSON; - is standard output. Left out: to the log.",
)
def run(kubeconfig: Path | None, identity: str | None, log_format: LogFormat, log_level: str, **said: Any) -> None:
    """Watch the cluster and keep the arrays in line with it."""
    from flashsystem_operator.runtime.process import (
        CannotStart,
        run,
    )

    _refuse_unknown_variables(click.get_current_context())
    try:
        configure(log_format, log_level, said["change_log"])
    except OSError as error:
        end(f"--change-log {said['change_log']} cannot be written: {error.strerror}. Name a file that can.")
    if said["watch_namespace"] and not said["installation_id"]:
        end(
            "--watch-namespace needs --installation-id: the UID of kube-system, used otherwise, can only be read by "
            "those who see the whole cluster. Give any word that no other installation on the same arrays has."
        )
    settings = Settings(
        identity=f"{identity or socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        namespace=said["namespace"],
        watched=said["watch_namespace"],
        installation=said["installation_id"],
        former_installations=said["former_installation_ids"],
        pause_all=said["pause_all"],
        lease_duration=said["lease_duration"],
        in_doubt=said["unsettled"],
        settle_detaches=said["settle_detaches"],
        retry_protected=said["retry_protected"],
        grace=said["grace_period"],
        probe_port=said["probe_port"],
        pod=Pod(said["namespace"], identity, said["pod_uid"]) if identity and said["pod_uid"] else None,
    )
    if kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(kubeconfig)  # kopf's own login reads it there
    try:
        run(settings, kubeconfig)
    except CannotStart as error:
        logging.getLogger(__name__).debug("cannot start", exc_info=error)
        end(str(error))


def _refuse_unknown_variables(context: click.Context) -> None:
    """A slip in one of them would go unnoticed: an operator that was to be paused would write."""
    prefix = f"{context.auto_envvar_prefix}_"
    options = {str(option.name).upper() for option in context.command.params}
    words = (name.removeprefix(prefix) for name in sorted(os.environ) if name.startswith(prefix))
    for word in words:
        if word not in options:
            like = "".join(f"; there is {prefix}{each}" for each in difflib.get_close_matches(word, options, 1))
            raise click.UsageError(
                f"{prefix}{word} is set, and {context.info_name} has no such option{like}. Correct it, or take it out "
                "of the environment",
                context,
            )
