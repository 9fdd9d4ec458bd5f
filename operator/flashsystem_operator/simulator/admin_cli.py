"""The admin CLI of a running simulator: `python -m flashsystem_operator.simulator.admin_cli lshost`.

In a cluster, run it with `kubectl exec` in the simulator's pod, where the control port is on loopback.
"""

import shlex
import sys
from typing import Any

import click
import yaml

from flashsystem_operator.simulator.client import Control, ControlError

FAILED = 1


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--control", default="http://127.0.0.1:8022", show_default=True, help="The control port.")
@click.option("--change", is_flag=True, help="Change what no command can change: WHAT NAME FIELD=VALUE...")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
def admin_cli(control: str, change: bool, arguments: tuple[str, ...]) -> None:
    r"""Run a command as the array administrator, with all rights; or change the array directly.

    \b
    admin_cli lsvdisk -delim :
    admin_cli --change host_port iqn.1994-05.com.redhat:worker-1 logins=2

    docs/simulator.md lists the commands, and under "Changes" what can be changed.
    """
    array = Control(control)
    try:
        if not change:
            answer = array.admin(shlex.join(arguments))
            click.echo(answer["stdout"], nl=False)
            click.echo(answer["stderr"], nl=False, err=True)
            sys.exit(answer["exit"])
        what, name = [*arguments, ""][:2]
        values: dict[str, Any] = {}
        for field, _, text in (each.partition("=") for each in arguments[2:]):
            try:
                values[field] = yaml.safe_load(text)
            except yaml.YAMLError:
                raise click.UsageError(
                    f"{field}: {text!r} is not a YAML value: quote text that contains special characters of YAML"
                ) from None
        array.change(what, name, **values)
    except (ControlError, OSError) as error:
        click.echo(f"{control}: {error}", err=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    admin_cli(prog_name="admin_cli")
