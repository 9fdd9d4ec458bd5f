"""What the Dockerfile says of the program holds of it."""

import re

from support.rendering import ROOT


def test_the_parts_of_the_kubernetes_client_that_are_used_have_byte_code_in_the_image() -> None:
    """Others would be compiled at each start, on a read-only root: seconds, and more memory than the work takes."""
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "operator").rglob("*.py"))
    used = set(re.findall(r"\bclient\.(\w+Api)\(", code))
    (made,) = re.findall(r"from kubernetes\.aio\.client import ([\w, ]+)", (ROOT / "Dockerfile").read_text())

    assert set(made.split(", ")) == used
    assert "CoreV1Api" in used
