"""The leftovers of a killed run in the temporary folder are removed."""

import os
import time
from pathlib import Path

from cluster.scratch import PREFIX, YOUNG, Scratch

LONG_AGO = time.time() - 2 * YOUNG


def test_the_next_run_removes_what_a_dead_run_left(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "owner").touch()
    os.utime(left / "owner", (LONG_AGO, LONG_AGO))

    Scratch(tmp_path).remove()

    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_live_run_is_left_alone(tmp_path: Path) -> None:
    living = Scratch(tmp_path)
    os.utime(living.path / "owner", (LONG_AGO, LONG_AGO))

    Scratch(tmp_path).remove()

    assert living.path.exists()
    living.remove()


def test_folders_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}without-owner").mkdir()
    (tmp_path / "other").mkdir()

    Scratch(tmp_path).remove()

    assert len(list(tmp_path.iterdir())) == 2
