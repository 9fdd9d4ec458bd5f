"""The assumptions of the Dockerfile about the program are correct."""

import re

from support.rendering import ROOT


def test_the_used_parts_of_the_kubernetes_client_have_byte_code_in_the_image() -> None:
    """Others would be compiled at each start, on a read-only root: this takes seconds and more memory than the work."""
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "operator").rglob("*.py"))
    used = set(re.findall(r"\bclient\.(\w+Api)\(", code))
    (precompiled,) = re.findall(r"from kubernetes\.aio\.client import ([\w, ]+)", (ROOT / "Dockerfile").read_text())

    assert set(precompiled.split(", ")) == used
    assert "CoreV1Api" in used
