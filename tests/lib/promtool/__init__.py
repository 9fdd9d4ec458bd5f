"""promtool, for the tests of metrics and alerts: from PATH, else built once a machine and kept in the user's cache."""

import os
import shutil
import subprocess
from pathlib import Path

from cluster import build
from cluster.recipe import Recipe

# Cold it takes two minutes of a processor: the Kubernetes client comes with it, all other service discoveries are left
# out, and nothing is optimised. v0.313.5 is what Go calls Prometheus 3.13.5.
RECIPE = Recipe(
    Path(__file__).with_name("module"),
    {"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
    subject="Prometheus",
    source="github.com/prometheus/prometheus",
    flags=("-tags", "remove_all_sd", "-gcflags", "all=-N -l", "-ldflags", "-s -w"),
)


def program() -> Path:
    """Raises Missing if it can be neither found nor built."""
    found = shutil.which("promtool")
    return Path(found) if found else build.built(["promtool"], os.environ, RECIPE) / "promtool"


def run(*arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it, and return its output and exit code."""
    return subprocess.run(
        [program(), *arguments], input=stdin, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )
