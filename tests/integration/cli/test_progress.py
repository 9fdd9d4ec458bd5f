"""The progress of a command is shown on a terminal, as a count of the total, and nowhere else."""

from pathlib import Path

import pytest
import yaml

from flashsystem_operator.simulator import Simulator
from support.brownfield import fill
from support.manifest_files import array, secret
from support.program import program
from support.terminal import at_a_terminal

from .test_check import CHECKS


@pytest.fixture
def files(simulator: Simulator, tmp_path: Path) -> str:
    """A folder with the array, which has four host objects, and its login."""
    fill(simulator)
    (tmp_path / "array.yaml").write_text(yaml.safe_dump_all([array(simulator), secret(simulator)]))
    return str(tmp_path)


WORK = {"check": f"check {len(CHECKS)} of {len(CHECKS)}", "plan": "lshost 4 of 4", "import": "lshost 4 of 4"}


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
@pytest.mark.parametrize("command", WORK)
def test_progress_is_counted_on_a_terminal_and_only_there(command: str, files: str) -> None:
    code, shown = at_a_terminal(command, "-f", files)
    piped = program(command, "-f", files)

    assert (code, piped.returncode) == (0, 0)
    assert WORK[command] in shown
    assert WORK[command] not in piped.stdout + piped.stderr
