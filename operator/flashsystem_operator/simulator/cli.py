"""`flashsystem-operator simulate`: run a simulated array in the foreground."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

if TYPE_CHECKING:
    from flashsystem_operator.simulator.server.simulator import Simulator

USAGE = 2


@click.command()
@click.option(
    "--dialect", type=click.Choice(["legacy", "modern"]), help="The dialect of the command line  [default: modern]"
)
@click.option("--config", type=click.Path(path_type=Path), help="A state file; see docs/simulator.md.")
@click.option(
    "--listen", default="127.0.0.1:2222", show_default=True, metavar="HOST:PORT", help="Address of the SSH port."
)
@click.option(
    "--control",
    default="127.0.0.1:8022",
    show_default=True,
    metavar="HOST:PORT",
    help="Address of the control port (HTTP).",
)
@click.option("--host-key", type=click.Path(path_type=Path), help="A private key; without it one is created.")
@click.option("--set-rule", multiple=True, metavar="KEY=VALUE", help="Set a rule; may be repeated.")
def simulate(
    dialect: Any, config: Path | None, listen: str, control: str, host_key: Path | None, set_rule: tuple[str, ...]
) -> None:
    """Simulate a FlashSystem array until SIGTERM or SIGINT.

    Without options it is a small array with a few volumes; log in as superuser with passw0rd.
    """
    try:
        simulator = _prepared(dialect, config, listen, control, host_key, set_rule).start()
    except (ValueError, OSError) as error:
        click.echo(f"simulate: {error}", err=True)
        sys.exit(USAGE)
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())
    host = f"[{simulator.host}]" if ":" in simulator.host else simulator.host
    click.echo(
        f"simulator ready: dialect={simulator.dialect} ssh={host}:{simulator.port} "
        f'control={simulator.control_url} host-key="{simulator.host_key}" user={simulator.user}'
    )
    sys.stdout.flush()
    leave.wait()
    simulator.stop()


def _prepared(
    dialect: Any, config: Path | None, listen: str, control: str, host_key: Path | None, set_rule: tuple[str, ...]
) -> "Simulator":
    """Load the configuration into a simulator, or raise ValueError with the remedy."""
    try:
        from flashsystem_operator.simulator.server.simulator import Simulator  # noqa: PLC0415 - asyncssh is slow to load
        from flashsystem_operator.simulator.state.config import read_file  # noqa: PLC0415 -- the command line must not need the extra to show its help
    except ModuleNotFoundError as error:
        raise ValueError(f"{error.name} is missing: install flashsystem-operator[simulator]") from None
    given = read_file(config) if config else {}
    rules = given.get("rules") or {}
    if set_rule and isinstance(rules, dict):  # an invalid section is reported when the state is validated
        given["rules"] = dict(rules)
        for text in set_rule:
            key, equals, value = text.partition("=")
            if not equals:
                raise ValueError(f"--set-rule: {text!r} is not KEY=VALUE: see the rules in docs/simulator.md")
            try:
                given["rules"][key] = yaml.safe_load(value)
            except yaml.YAMLError:
                raise ValueError(
                    f"--set-rule: {value!r} is not a YAML value: quote text that contains special characters of YAML"
                ) from None
    return Simulator(given, dialect, listen=listen, control=control, host_key_file=host_key)
