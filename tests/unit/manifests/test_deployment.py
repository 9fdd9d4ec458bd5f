"""The Deployment and the program agree on arguments, environment and ports. Needs no cluster."""

from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from flashsystem_operator.cli import main

BASE = Path(__file__).parents[3] / "manifests" / "base"


@pytest.fixture
def container() -> dict[str, Any]:
    """The operator's container."""
    deployment = yaml.safe_load((BASE / "deployment.yaml").read_text())
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_the_program_accepts_its_arguments(container: dict[str, Any]) -> None:
    command, *options = container["args"]
    run = command_of(command)

    assert run.make_context(command, list(options)).params["probe_port"] == 8080
    with pytest.raises(click.UsageError):
        run.make_context(command, [*options, "--no-such-option"])


def test_the_program_reads_the_environment_it_is_given(container: dict[str, Any]) -> None:
    read = {name for option in command_of("run").params for name in _variables(option)}

    assert {variable["name"] for variable in container["env"]} <= read


def test_probes_use_the_port_that_the_program_listens_on(container: dict[str, Any]) -> None:
    (port,) = container["ports"]

    assert f"--probe-port={port['containerPort']}" in container["args"]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]


def command_of(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command
    return command


def _variables(option: Any) -> list[str]:
    named = option.envvar or []
    return [named] if isinstance(named, str) else list(named)
