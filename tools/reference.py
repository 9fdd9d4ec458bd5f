"""Write docs/reference.md from the CRDs and the code: `make reference`. A test checks that the page is up to date."""

import ast
import inspect
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from flashsystem_operator.api import metadata
from flashsystem_operator.api.metadata import API_VERSION, Kind
from flashsystem_operator.planner import codes, reasons
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.events import EventReason
from tools.given import given_by_the_code

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"

_TOP = f"""\
# Reference

Every field, condition, reason and Event of `{API_VERSION}`, and every known code of the array. For an introduction, see
[resources.md](resources.md). This page is generated from the CRDs and the code by `make reference`: change it there.
"""
_CONDITIONS = """
## Conditions

| Condition | True when |
|---|---|
"""
_FURTHER = """
Further conditions are present only while they apply, and are then True:

| Condition | Present when |
|---|---|
"""
_REASONS = """
## Reasons

The message of a condition names the objects, quotes the array where it answered, and gives the remedy.

| Reason | Condition | On | What it means | What to do |
|---|---|---|---|---|
"""
_EVENTS = """
## Events

`kubectl describe` and `kubectl events` show them, for an hour or as long as the API server keeps them. A repeated Event
is counted on the first one. While an array is down, one Event on the array reports it, and none on the objects that
wait for it. Events are additional: if there are too many at once, some are dropped. Conditions are authoritative.

| Reason | Meaning |
|---|---|
"""
_FURTHER_EVENTS = """
Warnings have the reason of the condition that they are about: each reason with which an object becomes `Stalled`;
`RefusedByArray` and `UnreadableAnswer` whenever the array answers so; and, for an array, each reason for which it
cannot be managed. A further condition is reported under its own name when it begins.
"""
_CODES = """
## Codes of the array

Every message quotes the array's answer first, then explains it. `flashsystem-operator explain CODE` prints the same.
The operator never concludes from a code what happened: it reads the array again. A code that is not in this list is
reported as the array printed it, with a warning in the log.

| Code | In answer to | What it means | What to do | Severity | Reason |
|---|---|---|---|---|---|
"""


def page() -> str:
    parts = [_TOP, *(_kind(kind) for kind in Kind), _annotations()]
    parts += [_CONDITIONS, _rows((f"`{name}`", text) for name, text in reasons.CONDITIONS.items())]
    parts += [_FURTHER, _rows((f"`{name}`", text) for name, text in reasons.FURTHER.items())]
    parts += [_REASONS, _rows(_reasons()), _EVENTS, _rows(_event_reasons()), _FURTHER_EVENTS, _CODES, _rows(_codes())]
    return "".join(parts)


# -- resources -------------------------------------------------------------------------------------------------------


def _kind(kind: Kind) -> str:
    crd = yaml.safe_load((ROOT / "crds" / f"{kind.plural}.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    names = crd["spec"]["names"]
    head = f"\n## {kind}\n\nShort name `{names['shortNames'][0]}`. {schema['description']}\n"
    refused = list(dict.fromkeys(_refusals(schema, "")))
    return "".join(
        (
            head,
            f"\n### {kind} spec\n\n| Field | Type | Limits | What it is |\n|---|---|---|---|\n",
            _rows(_fields(schema["properties"]["spec"], "spec")),
            "\nRefused with a message:\n\n" if refused else "",
            "".join(f"- {line}\n" for line in refused),
            f"\n### {kind} status\n\n| Field | Type | Limits | What it is |\n|---|---|---|---|\n",
            _rows(_fields(schema["properties"]["status"], "status")),
        )
    )


def _fields(schema: Any, path: str) -> Iterator[tuple[str, ...]]:
    """A row for each field below, depth first. The fields of list items have `[]` in their path."""
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        where, inner = f"{path}.{name}", field.get("items", field)
        yield f"`{where}`", _type(field), _limits(field, required=name in required), field.get("description", "")
        yield from _fields(inner, where + ("[]" if inner is not field else ""))


def _type(field: Any) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("format", "string") if field.get("format") == "date-time" else field.get("type", "any"))


def _limits(field: Any, *, required: bool) -> str:
    limits = ["required"] if required else []
    if "default" in field:
        limits.append(f"default `{_yaml_scalar(field['default'])}`")
    if "enum" in field:
        limits.append(" or ".join(f"`{_yaml_scalar(each)}`" for each in field["enum"]))
    if "minimum" in field or "maximum" in field:
        limits.append(f"{field.get('minimum', '')} to {field.get('maximum', '')}")
    if "minItems" in field or "maxItems" in field:
        limits.append(f"{field.get('minItems', 0)} to {field.get('maxItems', '')} items")
    if "maxLength" in field:
        limits.append(f"at most {field['maxLength']} characters")
    return "; ".join(limits)


def _yaml_scalar(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).replace("\n...", "").strip()


def _refusals(schema: Any, path: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", []):
        yield f"`{(path + rule.get('fieldPath', '')).strip('.') or 'spec'}`: {' '.join(rule['message'].split())}"
    for name, field in schema.get("properties", {}).items():
        if (path, name) != ("", "status"):
            yield from _refusals(field, f"{path}.{name}")
    if "items" in schema:
        yield from _refusals(schema["items"], f"{path}[]")


def _annotations() -> str:
    rows = ((f"`{getattr(metadata, name)}`", text) for name, text in _documented(inspect.getsource(metadata)))
    known = [row for row in rows if row[0].strip("`") in metadata.KNOWN]
    return f"\n## Annotations\n\n| Annotation | Value and effect |\n|---|---|\n{_rows(known)}"


# -- texts -----------------------------------------------------------------------------------------------------------


def _reasons() -> Iterator[tuple[str, ...]]:
    given = given_by_the_code()
    for reason in Reason:
        entry = reasons.REASONS[reason]
        yield f"`{reason}`", " or ".join(sorted(given[reason])), entry.kinds, entry.means, entry.remedy


def _codes() -> Iterator[tuple[str, ...]]:
    for each in codes.TABLE:
        verb = f"`{each.verb}`" if each.verb else ""
        yield f"`{each.code}`", verb, each.means, each.remedy, each.severity.value, f"`{each.reason}`"


def _event_reasons() -> Iterator[tuple[str, ...]]:
    return ((f"`{EventReason[name]}`", text) for name, text in _documented(inspect.getsource(EventReason)))


def _documented(source: str) -> Iterator[tuple[str, str]]:
    """The names that are assigned in a class or a module, each with the sentence below it."""
    found: list[ast.stmt] = ast.parse(source).body
    if isinstance(found[0], ast.ClassDef):
        found = found[0].body
    for assigned, text in itertools.pairwise(found):
        match assigned, text:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(sentence))):
                yield name, sentence
            case _:
                pass


def _rows(rows: Iterable[Iterable[str]]) -> str:
    """The lines of a table."""
    return "".join(f"| {' | '.join(_cell(cell) for cell in row)} |\n" for row in rows)


def _cell(text: str) -> str:
    # An unescaped bar would end the cell.
    return " ".join(str(text).split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
