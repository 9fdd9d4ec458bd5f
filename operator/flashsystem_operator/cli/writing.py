"""Writes resources as YAML that every reader of it takes for the same."""

from collections.abc import Mapping
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Quotes what begins with a digit: Kubernetes' reader takes 60050768E1 for a number, where Python's does not."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1].isdigit() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def document(resource: Mapping[str, Any]) -> str:
    return yaml.dump(dict(resource), Dumper=_Dumper, sort_keys=False, width=1000).rstrip()
