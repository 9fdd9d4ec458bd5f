"""The command line. Nobody else reads the environment, the clock of the wall, or the arguments."""

import importlib
import logging
import os
import socket
import sys
import uuid
from pathlib import Path
from typing import Any, NoReturn

import click

from flashsystem_operator.logs import LogFormat, configure
from flashsystem_operator.settings import Settings

_LATER = {"simulate": "flashsystem_operator.simulator.command:simulate"}
"""Commands that are loaded when they are used: the operator's image need not have what they need."""


class _Commands(click.Group):
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As click does it, but a mistake is told in one line."""
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            hint = f" See `{context.command_path} --help`." if context else ""
            _end(f"{error.format_message().rstrip('.')}.{hint}")
        except click.Abort:
            sys.exit(130)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LATER})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LATER:
            return super().get_command(ctx, cmd_name)
        module, _, name = _LATER[cmd_name].partition(":")
        try:
            command = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise click.UsageError(
                f"{cmd_name} needs more than the operator does ({error}): install flashsystem-operator[simulator]."
            ) from error
        return command if isinstance(command, click.Command) else None


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FLASHSYSTEM"}
)
@click.version_option(package_name="flashsystem-operator")
def main() -> None:
    """Keeps volumes of IBM FlashSystem arrays attached to the hosts that Kubernetes resources name."""


@main.command()
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
@click.option("--identity", envvar="POD_NAME", help="This replica, as Leases name it. Left out: the host's name.")
@click.option("--installation-id", help="Part of the names of host objects. Left out: the UID of kube-system.")
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
@click.option("--probe-port", type=click.IntRange(0, 65535), help="Port of /livez and /readyz. Left out: none.")
@click.option(
    "--log-format", type=click.Choice(LogFormat, case_sensitive=False), default=LogFormat.PLAIN, show_default=True
)
@click.option(
    "--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]), default="INFO", show_default=True
)
def run(kubeconfig: Path | None, identity: str | None, log_format: LogFormat, log_level: str, **said: Any) -> None:
    """Watch the cluster and keep the arrays in line with it."""
    from flashsystem_operator.handlers.operate import CannotStart, run  # noqa: PLC0415 - kopf is slow to load

    configure(log_format, log_level)
    settings = Settings(
        identity=f"{identity or socket.gethostname()}-{uuid.uuid4().hex[:8]}",
        namespace=said["namespace"],
        installation=said["installation_id"],
        lease_duration=said["lease_duration"],
        unsettled=said["unsettled"],
        probe_port=said["probe_port"],
    )
    if kubeconfig is not None:
        os.environ["KUBECONFIG"] = str(kubeconfig)  # kopf's own login reads it there
    try:
        run(settings, kubeconfig)
    except CannotStart as error:
        logging.getLogger(__name__).debug("cannot start", exc_info=error)
        _end(str(error))


def _end(why: str) -> NoReturn:
    """One line that says what to do, whatever a library put into it."""
    click.echo(f"flashsystem-operator: {' '.join(why.split())}", err=True)
    sys.exit(2)
