"""Every query, of alerts and dashboard, asks for metrics and labels that exist."""

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
FOREIGN = {"process_resident_memory_bytes": {"instance"}, "up": {"instance"}}
"""What is not ours, with labels that Prometheus gives."""

OF_PROMETHEUS = {"instance", "job", "pod", "namespace"}
SERIES = {
    **{
        family.name + suffix: {*family.labels, *extra}
        for family in FAMILIES
        for suffix, extra in (
            (("_bucket", ("le",)), ("_count", ()), ("_sum", ())) if family.kind == "histogram" else (("", ()),)
        )
    },
    **FOREIGN,
}

# A careful reader of what these queries are made of; what it does not know fails.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHERS = re.compile(r"\{([^{}]*)\}")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SETS = re.compile(r"\b(?:unless|and|or)\b")
_WORD = re.compile(r"(?<![\w$])[A-Za-z_]\w*(?!\w)")
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


def asked(query: str) -> tuple[dict[str, set[str]], set[str], set[str]]:
    """The metrics with the labels that are matched on each, the labels of groupings, and words of neither kind."""
    plain = _DURATION.sub("", _STRING.sub('""', query))
    metrics: dict[str, set[str]] = {}
    for name, labels in re.findall(r"\b([a-z_]+)\s*\{([^{}]*)\}", plain):
        metrics.setdefault(name, set()).update(_WORD.findall(labels))
    grouped = {label for _, labels in _GROUPING.findall(plain) for label in _WORD.findall(labels)}
    left = set(_WORD.findall(_GROUPING.sub(" ", _MATCHERS.sub(" ", plain)))) - _FUNCTIONS
    for name in left & SERIES.keys():
        metrics.setdefault(name, set())
    return metrics, grouped, left - SERIES.keys()


@pytest.mark.parametrize("query", [*queries()])
def test_a_query_asks_for_what_is_there(query: str) -> None:
    metrics, _, unknown = asked(query)

    assert unknown == set()
    assert metrics
    for name, labels in metrics.items():
        assert labels <= SERIES[name] | OF_PROMETHEUS
    for part in _SETS.split(query):
        metrics, grouped, _ = asked(part)
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
def test_a_query_for_what_is_not_there_is_found(query: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        test_a_query_asks_for_what_is_there(query)


def test_prometheus_can_read_every_query_of_the_dashboard(tmp_path: Any) -> None:
    said = [str(each.values[0]).replace("$__rate_interval", "5m") for each in queries()]
    rules = [{"record": f"r:{number}", "expr": query} for number, query in enumerate(said)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    checked = promtool.run("check", "rules", "--lint=none", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_panels_do_not_lie_upon_each_other_and_every_family_is_asked_for_somewhere() -> None:
    places = set[tuple[int, int]]()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        here = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not here & places
        assert max(x for x, _ in here) < 24
        places |= here

    used = {name for each in queries() for name in asked(str(each.values[0]))[0]}
    assert {family.name for family in FAMILIES if not any(name.startswith(family.name) for name in used)} == set()
