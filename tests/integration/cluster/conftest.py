from collections.abc import Callable
from pathlib import Path

import pytest

Tools = Callable[..., Path]


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    """Create folders with simulated programs, each given as a name and its shell script."""

    def create(folder: str, **scripts: str) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for name, script in scripts.items():
            program = place / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        return place

    return create
