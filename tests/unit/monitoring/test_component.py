"""The component matches the Deployment, and the page about the log matches the log. Needs no cluster."""

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

Rendered = dict[str, Any]


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    """The rendered example, by kind; of a kind that occurs more than once, the object of the component."""
    built = subprocess.run([kubectl(os.environ), "kustomize", str(EXAMPLE)], capture_output=True, text=True, check=True)
    return {each["kind"]: each for each in yaml.safe_load_all(built.stdout)}


def test_the_scraped_port_is_the_port_of_the_operator(rendered: Rendered) -> None:
    service, monitor, pods = rendered["Service"], rendered["ServiceMonitor"], rendered["Deployment"]["spec"]["template"]
    (port,), (endpoint,) = service["spec"]["ports"], monitor["spec"]["endpoints"]
    (container,) = pods["spec"]["containers"]

    assert service["spec"]["selector"].items() <= pods["metadata"]["labels"].items()
    assert port["targetPort"] in {each["name"] for each in container["ports"]}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")


def test_all_objects_of_the_component_are_in_the_operators_namespace(rendered: Rendered) -> None:
    kinds = ("Service", "ServiceMonitor", "PrometheusRule", "ConfigMap")

    assert {rendered[kind]["metadata"]["namespace"] for kind in kinds} == {"flashsystem-system"}


def test_rule_and_dashboard_are_rendered_completely(rendered: Rendered) -> None:
    assert rendered["PrometheusRule"]["spec"] == yaml.safe_load(RULE.read_text())["spec"]
    (written,) = rendered["ConfigMap"]["data"].values()
    assert json.loads(written) == json.loads((COMPONENT / "dashboard.json").read_text())
    assert rendered["ConfigMap"]["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_the_page_explains_every_field_of_a_log_line_and_shows_no_other() -> None:
    log = PAGE.read_text().partition("## Log")[2]
    rows = log.partition("| Key | Meaning |\n|---|---|\n")[2].partition("\n\n")[0]
    keys = {key for row in rows.splitlines() for key in re.findall("`(\\w+)`", row.split("|")[1])}
    example = json.loads(log.partition("```json")[2].partition("```")[0])

    assert keys == {"time", "level", "logger", "message", "change", "exception", *FIELDS}
    assert example.keys() < keys


def test_files_that_the_page_names_exist() -> None:
    named = re.findall(r"(?:manifests|docs)/[\w./-]+", PAGE.read_text())

    assert [name for name in named if not (ROOT / Path(name.rstrip("."))).exists()] == []
