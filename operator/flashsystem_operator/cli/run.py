"""`flashsystem-operator run`: run the operator."""

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
    help="Kubeconfig for the API server. Default: the service account of the pod.",
)
@click.option(
    "--namespace",
    envvar="POD_NAMESPACE",
    default="flashsystem-system",
    show_default=True,
    help="Namespace of the Leases.",
)
@click.option(
    "--watch-namespace",
    metavar="NAME",
    multiple=True,
    callback=namespaces,
    help="Watch only this namespace; may be repeated. Needs --installation-id. Default: all namespaces.",
)
@click.option("--identity", envvar="POD_NAME", help="Name of this replica in Leases. Default: the host name.")
@click.option(
    "--pod-uid",
    envvar="POD_UID",
    help="UID of the pod that --namespace and --identity name, for an Event when it cannot start. Default: no Event.",
)
@click.option("--installation-id", help="Part of the names of host objects. Default: the UID of kube-system.")
@former_option
@click.option(
    "--pause-all/--no-pause-all",
    default=False,
    help="Read and report, but change no array: for a cluster that was moved or restored.",
)
@click.option(
    "--lease-duration",
    type=click.FloatRange(1, 300),
    default=15.0,
    show_default=True,
    help="Seconds after which another replica takes over an array whose replica died.",
)
@click.option(
    "--in-doubt-timeout",
    type=click.FloatRange(0, 3600),
    default=120.0,
    show_default=True,
    help="Seconds for which a command whose reply was lost stays in doubt: it may still be running.",
)
@click.option(
    "--deletion-debounce",
    type=click.FloatRange(0, 300),
    default=3.0,
    show_default=True,
    help="Deletion debounce: seconds to wait for further deletions before a detach from a logged-in host is decided.",
)
@click.option(
    "--protected-retry",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds between retries of commands that volume protection refused.",
)
@click.option(
    "--grace-period",
    type=click.FloatRange(1, 3600),
    default=90.0,
    show_default=True,
    help="Seconds from the stop signal to the end of the process: terminationGracePeriodSeconds of the pod.",
)
@click.option(
    "--probe-port", type=click.IntRange(0, 65535), help="Port of /livez, /readyz and /metrics. Default: none."
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
    help="File for the change log: one line of JSON for each change of an array; - is stdout. Default: the log.",
)
def run(kubeconfig: Path | None, identity: str | None, log_format: LogFormat, log_level: str, **options: Any) -> None:
    """Watch the cluster and keep the arrays in sync with it."""
    from flashsystem_operator.runtime.process import (
        CannotStart,
        run,
    )

    _refuse_unknown_variables(click.get_current_context())
    try:
        configure(log_format, log_level, options["change_log"])
    except OSError as error:
        end(f"--change-log {options['change_log']} cannot be written: {error.strerror}. Specify a writable file.")
    if options["watch_namespace"] and not options["installation_id"]:
        end(
            "--watch-namespace needs --installation-id: the default, the UID of kube-system, cannot be read with "
            "rights in single namespaces only. Choose any id that no other installation on the same arrays uses."
        )
    settings = Settings(
        identity=f"{identity or socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        namespace=options["namespace"],
        watched=options["watch_namespace"],
        installation=options["installation_id"],
        former_installations=options["former_installation_ids"],
        pause_all=options["pause_all"],
        lease_duration=options["lease_duration"],
        in_doubt=options["in_doubt_timeout"],
        deletion_debounce=options["deletion_debounce"],
        protected_retry=options["protected_retry"],
        grace=options["grace_period"],
        probe_port=options["probe_port"],
        pod=Pod(options["namespace"], identity, options["pod_uid"]) if identity and options["pod_uid"] else None,
    )
    if kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(kubeconfig)  # kopf reads it there for its own login
    try:
        run(settings, kubeconfig)
    except CannotStart as error:
        logging.getLogger(__name__).debug("cannot start", exc_info=error)
        end(str(error))


def _refuse_unknown_variables(context: click.Context) -> None:
    """Refuse variables of no option: with a misspelt PAUSE_ALL, for example, the operator would change arrays."""
    prefix = f"{context.auto_envvar_prefix}_"
    known = {str(option.name).upper() for option in context.command.params}
    given = (name.removeprefix(prefix) for name in sorted(os.environ) if name.startswith(prefix))
    for name in given:
        if name not in known:
            similar = "".join(f"; there is {prefix}{each}" for each in difflib.get_close_matches(name, known, 1))
            raise click.UsageError(
                f"{prefix}{name} is set, and {context.info_name} has no such option{similar}. Correct it, or remove it "
                "from the environment",
                context,
            )
