"""What a shell needs to use a cluster that is up: its kubeconfig, and a kubectl where there is none."""

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path


def pointing(kubeconfig: Path, kubectl: Path, environ: Mapping[str, str]) -> str:
    """Lines for `eval`. kubectl: one to use; it comes last on PATH, and only where no other is on it."""
    lines = [f"export KUBECONFIG={shlex.quote(str(kubeconfig))}"]
    if shutil.which("kubectl", path=environ.get("PATH", "")) is None:
        lines.append(f'export PATH="$PATH":{shlex.quote(str(kubectl.parent))}')
    return "\n".join(lines) + "\n"
