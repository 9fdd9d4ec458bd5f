"""Every query of alerts and dashboard uses metrics and labels that exist."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tools.monitoring import ALERTS, COMPONENT

import promtool
from flashsystem_operator.controller.metrics.families import FAMILIES

DASHBOARD = json.loads((COMPONENT / "dashboard.json").read_text())
NOT_OURS = {"process_resident_memory_bytes": {"instance"}, "up": {"instance"}}
"""Metrics that are not ours, with the labels that Prometheus adds."""

OF_PROMETHEUS = {"instance", "job", "pod", "namespace"}
SERIES = {
    **{
        family.name + suffix: {*family.labels, *extra}
        for family in FAMILIES
        for suffix, extra in (
            (("_bucket", ("le",)), ("_count", ()), ("_sum", ())) if family.kind == "histogram" else (("", ()),)
        )
    },
    **NOT_OURS,
}

# A strict parser for the syntax that these queries use; what it does not know fails the test.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHERS = re.compile(r"\{([^{}]*)\}")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SETS = re.compile(r"\b(?:unless|and|or)\b")
_IDENTIFIER = re.compile(r"(?<![\w$])[A-Za-z_]\w*(?!\w)")
_DURATION = re.compile(r"\[[^\]]*\]")
_FUNCTIONS = {
    *("sum", "min", "max", "count", "absent", "rate", "increase", "histogram_quantile", "time", "label_values"),
    *("unless", "and", "or", "group_left", "group_right", "on"),
}


def queries() -> Iterator[Any]:
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            inner, _, label = variable["definition"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
            yield pytest.param(f"sum by ({label}) ({inner})", id=f"variable {variable['name']}")


def parse(query: str) -> tuple[dict[str, set[str]], set[str], set[str]]:
    """Return the metrics with the labels matched on each, the labels of groupings, and unknown identifiers."""
    plain = _DURATION.sub("", _STRING.sub('""', query))
    metrics: dict[str, set[str]] = {}
    for name, labels in re.findall(r"\b([a-z_]+)\s*\{([^{}]*)\}", plain):
        metrics.setdefault(name, set()).update(_IDENTIFIER.findall(labels))
    grouped = {label for _, labels in _GROUPING.findall(plain) for label in _IDENTIFIER.findall(labels)}
    left = set(_IDENTIFIER.findall(_GROUPING.sub(" ", _MATCHERS.sub(" ", plain)))) - _FUNCTIONS
    for name in left & SERIES.keys():
        metrics.setdefault(name, set())
    return metrics, grouped, left - SERIES.keys()


@pytest.mark.parametrize("query", [*queries()])
def test_a_query_uses_only_existing_metrics_and_labels(query: str) -> None:
    metrics, _, unknown = parse(query)

    assert unknown == set()
    assert metrics
    for name, labels in metrics.items():
        assert labels <= SERIES[name] | OF_PROMETHEUS
    for part in _SETS.split(query):
        metrics, grouped, _ = parse(part)
        assert grouped <= set.intersection(*(SERIES[name] | OF_PROMETHEUS for name in metrics))


@pytest.mark.parametrize(
    "query",
    [
        "sum(flashsystem_object)",
        'flashsystem_objects{kin="a"}',
        "sum by (host) (flashsystem_objects)",
        "sum by (kind) (flashsystem_objects) unless on (verb) flashsystem_drifted_objects",
        "flashsystem_attach_duration_seconds",
        "rate(some_other_metric[5m])",
    ],
)
def test_a_query_for_a_metric_or_label_that_does_not_exist_is_detected(query: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        test_a_query_uses_only_existing_metrics_and_labels(query)


@pytest.mark.slow
def test_prometheus_can_parse_every_query(tmp_path: Any) -> None:
    expressions = [str(each.values[0]).replace("$__rate_interval", "5m") for each in queries()]
    rules = [{"record": f"r:{number}", "expr": query} for number, query in enumerate(expressions)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    checked = promtool.run("check", "rules", "--lint=none", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_panels_do_not_overlap_and_every_metric_family_is_used_somewhere() -> None:
    occupied = set[tuple[int, int]]()
    for panel in DASHBOARD["panels"]:
        position = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(position["x"], position["x"] + position["w"])
            for y in range(position["y"], position["y"] + position["h"])
        }
        assert not cells & occupied
        assert max(x for x, _ in cells) < 24
        occupied |= cells

    used = {name for each in queries() for name in parse(str(each.values[0]))[0]}
    assert {family.name for family in FAMILIES if not any(name.startswith(family.name) for name in used)} == set()
