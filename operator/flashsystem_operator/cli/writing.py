"""Writes resources as YAML that every reader of it takes for the same."""

from collections.abc import Mapping
from typing import Any

import yaml

from flashsystem_operator.cli.reading import as_kubernetes


class _Dumper(yaml.SafeDumper):
    """Quotes what Kubernetes' reader takes for no text, and whatever begins with a digit: no reader mistakes that."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1].isdigit() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
as_kubernetes(_Dumper)


def document(resource: Mapping[str, Any]) -> str:
    return yaml.dump(dict(resource), Dumper=_Dumper, sort_keys=False, width=1000).rstrip()
