"""The real os-brick, and what it reads in connection properties. It has an environment of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PYTHON = Path(sys.prefix) / "os-brick" / "bin" / "python"


def read_by_os_brick(properties: str) -> Any:
    """The output of `os_brick_reader` for the text of connection_properties."""
    assert PYTHON.exists(), f"{PYTHON} is not there: `make environment` makes it"
    answer = subprocess.run(
        [PYTHON, Path(__file__).with_name("os_brick_reader.py")],
        input=properties,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
