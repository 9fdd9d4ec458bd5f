"""Write docs/reference.md from the CRDs and the code: `make reference`. A test checks that the page is up to date."""

import ast
import inspect
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

Every field, condition, reason and Event of `{API_VERSION}`, and every code of the array that is known. What it is all
for is told in [resources.md](resources.md). This page is made from the CRDs and the code by `make reference`: change
it there.
"""
_CONDITIONS = """
## Conditions

| Condition | True when |
|---|---|
"""
_FURTHER = """
These are there only while there is something to say, and then True:

| Condition | There when |
|---|---|
"""
_REASONS = """
## Reasons

The message beside a reason is a whole sentence with the names, the array's own words where it spoke, and the way out.

| Reason | Condition | On | What it means | What to do |
|---|---|---|---|---|
"""
_EVENTS = """
## Events

`kubectl describe` and `kubectl events` show them, for an hour or as long as the API server keeps them. What happens
again is counted on one Event. While an array is down, one Event on the array says so, and none on what waits for it.
They are a courtesy: when too many come at once, some are given up, and the truth is in the conditions.

| Reason | What it tells |
|---|---|
"""
_FURTHER_EVENTS = """
Warnings have the reason of the condition that they are about: one for each reason with which an object becomes
`Stalled`, `RefusedByArray` and `UnreadableAnswer` whenever the array answers so, and for an array whatever keeps it
from being worked with. A further condition is told under its own name when it begins.
"""
_CODES = """
## Codes of the array

The array's own words come first in every message, then what they mean. `flashsystem-operator explain CODE` says the
same. What happened is never concluded from a code, only from looking again. A code that is not in this list passes in
the array's own words, with a warning in the log.

| Code | In answer to | What it means | What to do | Sorted as | Reason |
|---|---|---|---|---|---|
"""


def page() -> str:
    parts = [_TOP, *(_kind(kind) for kind in Kind), _annotations()]
    parts += [_CONDITIONS, _rows((f"`{name}`", text) for name, text in reasons.CONDITIONS.items())]
    parts += [_FURTHER, _rows((f"`{name}`", text) for name, text in reasons.FURTHER.items())]
    parts += [_REASONS, _rows(_reasons()), _EVENTS, _rows(_docs(EventReason)), _FURTHER_EVENTS, _CODES, _rows(_codes())]
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
    """The list in the docstring of api/metadata.py: a name, spaces, and what it requests."""
    lines = [line for line in (metadata.__doc__ or "").splitlines() if "/" in line.split(" ")[0]]
    rows = [(f"`{line.split()[0]}`", " ".join(line.split()[1:])) for line in lines]
    return f"\n## Annotations\n\n| Annotation | What it asks for |\n|---|---|\n{_rows(rows)}"


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


def _docs(enum: type[EventReason]) -> Iterator[tuple[str, ...]]:
    """The members of an enum, each with the sentence below it."""
    (definition,) = ast.parse(inspect.getsource(enum)).body
    assert isinstance(definition, ast.ClassDef)
    for member, text in zip(definition.body, definition.body[1:], strict=False):
        match member, text:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(ast.Constant(str(sentence))):
                yield f"`{enum[name]}`", sentence
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
