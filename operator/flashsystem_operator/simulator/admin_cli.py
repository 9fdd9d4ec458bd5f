"""The administrator's hand on a simulator that runs: `python -m flashsystem_operator.simulator.admin_cli lshost`.

In a cluster it is typed through `kubectl exec` into the simulator's pod, where the control port is on loopback.
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
@click.option("--change", is_flag=True, help="Change what no command can: WHAT NAME FIELD=VALUE...")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
def hand(control: str, change: bool, words: tuple[str, ...]) -> None:
    r"""Type a line as the array's administrator, with every right; or change the array from outside.

    \b
    hand lsvdisk -delim :
    hand --change host_port iqn.1994-05.com.redhat:worker-1 logins=2

    docs/simulator.md lists the commands, and under "Changes" what can be changed.
    """
    array = Control(control)
    try:
        _change(array, *words) if change else _type(array, words)
    except (ControlError, OSError) as error:
        click.echo(f"{control}: {error}", err=True)
        sys.exit(FAILED)


def _type(array: Control, words: tuple[str, ...]) -> None:
    answer = array.admin(shlex.join(words))
    click.echo(answer["stdout"], nl=False)
    click.echo(answer["stderr"], nl=False, err=True)
    sys.exit(answer["exit"])


def _change(array: Control, what: str, name: str = "", *fields: str) -> None:
    wished = [field.partition("=") for field in fields]
    array.change(what, name, **{field: _value(field, value) for field, _, value in wished})


def _value(field: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise click.UsageError(
            f"{field}: {text!r} is no value: put text that has signs of YAML in it in quotes"
        ) from None


if __name__ == "__main__":
    hand(prog_name="hand")
