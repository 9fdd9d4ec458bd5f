"""The Deployment and the program agree on what the one says to the other. Needs no cluster."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from flashsystem_operator.cli import main

BASE = Path(__file__).parents[2] / "manifests" / "base"


@pytest.fixture
def container() -> dict[str, Any]:
    """The operator's container."""
    deployment = yaml.safe_load((BASE / "deployment.yaml").read_text())
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_the_program_understands_its_arguments(container: dict[str, Any]) -> None:
    understood = CliRunner().invoke(main, [*container["args"], "--help"])
    unknown = CliRunner().invoke(main, [*container["args"], "--no-such-option", "--help"])

    assert (understood.exit_code, unknown.exit_code) == (0, 2), understood.output


def test_the_program_reads_the_environment_it_is_given(container: dict[str, Any]) -> None:
    read = {name for option in main.commands["run"].params for name in _variables(option)}

    assert {variable["name"] for variable in container["env"]} <= read


def test_probes_ask_where_the_program_listens(container: dict[str, Any]) -> None:
    (port,) = container["ports"]

    assert f"--probe-port={port['containerPort']}" in container["args"]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]


def _variables(option: Any) -> list[str]:
    named = option.envvar or []
    return [named] if isinstance(named, str) else list(named)
