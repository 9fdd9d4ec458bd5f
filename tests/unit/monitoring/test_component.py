"""The component fits the Deployment beside it, and the page about the log fits the log. Needs no cluster."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.monitoring import COMPONENT, PAGE, ROOT, RULE

from cluster.programs import kubectl
from flashsystem_operator.logs import FIELDS

EXAMPLE = ROOT / "manifests" / "examples" / "with-monitoring"

Made = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> Made:
    """What kustomize makes of the example, by kind; of a kind that is there often, the one of monitoring."""
    built = subprocess.run([kubectl(os.environ), "kustomize", str(EXAMPLE)], capture_output=True, text=True, check=True)
    return {each["kind"]: each for each in yaml.safe_load_all(built.stdout)}


def test_what_is_scraped_is_the_port_of_the_operator(made: Made) -> None:
    service, monitor, pods = made["Service"], made["ServiceMonitor"], made["Deployment"]["spec"]["template"]
    (port,), (endpoint,) = service["spec"]["ports"], monitor["spec"]["endpoints"]
    (container,) = pods["spec"]["containers"]

    assert service["spec"]["selector"].items() <= pods["metadata"]["labels"].items()
    assert port["targetPort"] in {each["name"] for each in container["ports"]}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")


def test_everything_of_it_is_in_the_operators_namespace(made: Made) -> None:
    kinds = ("Service", "ServiceMonitor", "PrometheusRule", "ConfigMap")

    assert {made[kind]["metadata"]["namespace"] for kind in kinds} == {"flashsystem-system"}


def test_rule_and_dashboard_arrive_whole(made: Made) -> None:
    assert made["PrometheusRule"]["spec"] == yaml.safe_load(RULE.read_text())["spec"]
    (written,) = made["ConfigMap"]["data"].values()
    assert json.loads(written) == json.loads((COMPONENT / "dashboard.json").read_text())
    assert made["ConfigMap"]["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_the_page_explains_every_field_of_a_line_and_shows_none_that_is_not_there() -> None:
    log = PAGE.read_text().partition("## Log")[2]
    rows = log.partition("| Key | Meaning |\n|---|---|\n")[2].partition("\n\n")[0]
    keys = {key for row in rows.splitlines() for key in re.findall("`(\\w+)`", row.split("|")[1])}
    example = json.loads(log.partition("```json")[2].partition("```")[0])

    assert keys == {"time", "level", "logger", "message", "change", "exception", *FIELDS}
    assert example.keys() < keys


def test_files_that_the_page_names_are_there() -> None:
    named = re.findall(r"(?:manifests|docs)/[\w./-]+", PAGE.read_text())

    assert [name for name in named if not (ROOT / Path(name.rstrip("."))).exists()] == []
