"""The command line. Only this package reads arguments and the settings in the environment.

Each command is a module that is imported when the command runs: commands start without the imports of the others, and
the image of the operator does not need the dependencies of the simulator.
"""

import importlib
import sys
from typing import Any

import click

from flashsystem_operator.cli.exit_codes import end, usage_code

_COMMANDS = {
    "check": "flashsystem_operator.cli.check.check_command:check",
    "explain": "flashsystem_operator.cli.explain:explain",
    "import": "flashsystem_operator.cli.import_:import_",
    "plan": "flashsystem_operator.cli.plan.plan_command:plan",
    "run": "flashsystem_operator.cli.run:run",
    "simulate": "flashsystem_operator.simulator.cli:simulate",
}


class _Commands(click.Group):
    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command as click does, but print a usage error as one line."""
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(usage_code(error.ctx))
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            hint = f" See `{context.command_path} --help`." if context else ""
            end(f"{error.format_message().rstrip('.')}.{hint}", usage_code(context))
        except click.Abort:
            sys.exit(130)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _COMMANDS[cmd_name].partition(":")
        try:
            command = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise click.UsageError(
                f"{cmd_name} needs packages that are not installed ({error}): install flashsystem-operator[simulator]."
            ) from error
        return command if isinstance(command, click.Command) else None


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FLASHSYSTEM"}
)
@click.version_option(package_name="flashsystem-operator")
def main() -> None:
    """Manage IBM FlashSystem volumes and iSCSI attachments with Kubernetes resources."""
