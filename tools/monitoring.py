"""Generate the PrometheusRule from alerts.yaml, and the table of metrics in docs/monitoring.md from the code.

`make reference` writes both; tests check that they are up to date.
"""

from pathlib import Path

from flashsystem_operator.controller.metrics.families import FAMILIES, Family

ROOT = Path(__file__).parents[1]
COMPONENT = ROOT / "manifests" / "components" / "monitoring"
ALERTS = COMPONENT / "alerts.yaml"
RULE = COMPONENT / "prometheus-rule.yaml"
PAGE = ROOT / "docs" / "monitoring.md"

_HEAD = """\
# Made of alerts.yaml by `make reference`: change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: flashsystem-operator
  namespace: flashsystem-system
  labels: {app.kubernetes.io/name: flashsystem-operator, app.kubernetes.io/part-of: flashsystem}
spec:
"""
_BEGIN = "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n"


def rule() -> str:
    """The manifest: the groups of alerts.yaml, unchanged."""
    written = ALERTS.read_text(encoding="utf-8")
    groups = written[written.index("groups:") :]
    return _HEAD + "".join(f"  {line}\n" if line else "\n" for line in groups.splitlines())


def table() -> str:
    return "".join(_row(family) for family in FAMILIES)


def page() -> str:
    """docs/monitoring.md with the table of the current code."""
    before, begin, after = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, rest = after.partition("\n\n")
    return f"{before}{begin}{table().rstrip()}{end}{rest}"


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.text} |\n"


if __name__ == "__main__":
    RULE.write_text(rule(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
