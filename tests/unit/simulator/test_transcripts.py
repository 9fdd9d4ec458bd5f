"""The simulator prints the recorded exchanges verbatim."""

import pytest

from support.plain_ssh import Open, Printed, Start
from support.transcripts import Transcript, transcripts


@pytest.mark.parametrize("transcript", transcripts(), ids=lambda transcript: transcript.name)
def test_a_recorded_exchange_is_printed_verbatim(transcript: Transcript, start: Start, log_in: Open) -> None:
    simulator = start(transcript.config)
    for fault in transcript.faults:
        simulator.control.fault(**fault)

    reply = log_in(simulator)(transcript.command)

    assert reply == Printed(transcript.stdout, transcript.stderr, transcript.exit)
