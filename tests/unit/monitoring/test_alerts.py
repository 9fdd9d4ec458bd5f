"""Alerts fire when they should, lead to what to do, and are the same wherever they are loaded."""

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


def test_prometheus_takes_the_rules() -> None:
    checked = promtool.run("check", "rules", "--lint=all", "--lint-fatal", str(ALERTS))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_when_it_should_and_not_on_a_good_day() -> None:
    tested = promtool.run("test", "rules", "alerts.yaml", cwd=HERE)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("rule", ALERT_RULES, ids=named)
def test_each_alert_is_shown_to_fire_and_to_be_silent(rule: Rule) -> None:
    day, *troubles = yaml.safe_load((HERE / "alerts.yaml").read_text())["tests"]
    fired = [
        each
        for trouble in troubles
        for each in trouble.get("alert_rule_test", ())
        if each["alertname"] == rule["alert"]
    ]

    assert rule["alert"] in {each["alertname"] for each in day["alert_rule_test"] if "exp_alerts" not in each}
    assert [bool(each.get("exp_alerts")) for each in fired] == [False, True]


@pytest.mark.parametrize("rule", ALERT_RULES, ids=named)
def test_each_alert_leads_to_a_page_that_says_what_it_means_what_to_look_at_and_what_to_do(rule: Rule) -> None:
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert path == "docs/alerts.md"
    assert anchor == rule["alert"].lower()
    words = SECTIONS[rule["alert"]]
    assert [words.count(f"**{part}**: ") for part in ("Means", "Look", "Do")] == [1, 1, 1]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}


def test_no_page_is_about_an_alert_that_is_not_there() -> None:
    assert list(SECTIONS) == [rule["alert"] for rule in ALERT_RULES]


def test_the_manifest_is_made_of_the_rules() -> None:
    assert RULE.read_text() == rule(), "`make reference` writes it anew"
    assert yaml.safe_load(rule())["spec"] == yaml.safe_load(ALERTS.read_text())


def test_the_page_lists_the_metrics_that_are_there() -> None:
    assert PAGE.read_text() == page(), "`make reference` writes it anew"
