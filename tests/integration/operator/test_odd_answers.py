"""Unreadable output in the status of a real API server, which accepts less than the array may print.

All other unexpected replies: tests/controller/test_odd_answers.py.
"""

import pytest

from flashsystem_operator.simulator import Simulator
from support.garbled_listings import garble_the_listings
from support.stand import Stand


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_unreadable_output_changes_nothing_and_is_reported(stand: Stand, simulator: Simulator) -> None:
    garble_the_listings(stand, simulator, "binary")
