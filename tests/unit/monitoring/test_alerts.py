"""Alerts fire when they should, link to a runbook, and are the same wherever they are loaded."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.monitoring import ALERTS, PAGE, ROOT, RULE, page, rule

import promtool

HERE = Path(__file__).parent
ALERT_RULES = [each for group in yaml.safe_load(ALERTS.read_text())["groups"] for each in group["rules"]]
SECTIONS = {
    each.partition("\n")[0]: each.partition("\n")[2]
    for each in re.split("^## ", (ROOT / "docs" / "alerts.md").read_text(), flags=re.MULTILINE)[1:]
}

Rule = dict[str, Any]


def named(rule: Rule) -> str:
    return str(rule["alert"])


@pytest.mark.slow
def test_prometheus_accepts_the_rules() -> None:
    checked = promtool.run("check", "rules", "--lint=all", "--lint-fatal", str(ALERTS))

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_each_alert_fires_when_it_should_and_not_in_normal_operation() -> None:
    tested = promtool.run("test", "rules", "alerts.yaml", cwd=HERE)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("rule", ALERT_RULES, ids=named)
def test_each_alert_is_shown_to_fire_and_to_be_silent(rule: Rule) -> None:
    normal, *failures = yaml.safe_load((HERE / "alerts.yaml").read_text())["tests"]
    fired = [
        each
        for failure in failures
        for each in failure.get("alert_rule_test", ())
        if each["alertname"] == rule["alert"]
    ]

    assert rule["alert"] in {each["alertname"] for each in normal["alert_rule_test"] if "exp_alerts" not in each}
    assert [bool(each.get("exp_alerts")) for each in fired] == [False, True]


@pytest.mark.parametrize("rule", ALERT_RULES, ids=named)
def test_each_alert_links_to_a_section_with_its_meaning_what_to_check_and_what_to_do(rule: Rule) -> None:
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert path == "docs/alerts.md"
    assert anchor == rule["alert"].lower()
    section = SECTIONS[rule["alert"]]
    assert [section.count(f"**{part}**: ") for part in ("Means", "Look", "Do")] == [1, 1, 1]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}


def test_every_section_of_the_page_belongs_to_an_existing_alert() -> None:
    assert list(SECTIONS) == [rule["alert"] for rule in ALERT_RULES]


def test_the_manifest_is_generated_from_the_rules() -> None:
    assert RULE.read_text() == rule(), "`make reference` generates it"
    assert yaml.safe_load(rule())["spec"] == yaml.safe_load(ALERTS.read_text())


def test_the_page_lists_the_existing_metrics() -> None:
    assert PAGE.read_text() == page(), "`make reference` generates it"
