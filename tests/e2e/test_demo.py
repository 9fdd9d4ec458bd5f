"""`make demo` on the running kind cluster, with the operator as a pod. tests/integration/demo covers both dialects."""

import os
import re
import subprocess
import sys

from cluster.standing import PYTHONPATH
from onkind.lab import Lab


def test_the_demo_runs_on_the_kind_cluster_and_keeps_its_claims(lab: Lab) -> None:
    environ = {**os.environ, "PYTHONPATH": PYTHONPATH}
    environ.pop("CLUSTER_KUBECONFIG", None)

    command = [sys.executable, "-m", "demo", "--dialect", "modern"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=280)

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert f"using kind cluster {lab.standing.name}" in ended.stderr
    assert len(set(re.findall(r"^ *(\d+)\. ", ended.stdout, re.MULTILINE))) > 3
    assert "namespace/demo-" not in lab.cluster.kubectl("get", "namespaces", "--output=name")
