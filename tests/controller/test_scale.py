"""Many attachments at once: how many commands they need."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, mark, writes
from support.outcomes import layout
from support.scale import NODES, array_with_200_volumes, attach, has_no_conflicts
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace

pytestmark = [pytest.mark.slow, pytest.mark.long]

MAX_COMMANDS = 306
"""Commands from the first contact until all is Ready.

80 of them create the 16 host objects and the 64 mappings. Of the reads, two come right before each mapping, and one
right after it, which checks that it is the intended one.
"""


@pytest.fixture
def settings() -> dict[str, Any]:
    """The operator keeps its Leases on a slow machine, too: after a lost one it reads all again."""
    return {"lease_duration": 300.0}


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with 200 volumes, v0 to v199."""
    with array_with_200_volumes(request.param) as running:
        yield running


def test_64_attachments_of_16_new_hosts_take_at_most_306_commands(stand: Namespace, simulator: Simulator) -> None:
    simulator.control.change("availability", "refused")
    stand.array(simulator, resyncInterval="10m")
    stand.apply(*map(stand.host, NODES))
    names = attach(stand, 0)
    stand.await_reason(ARRAYS, "array", "Unreachable")
    stand.await_reason(ATTACHMENTS, names[-1], "ArrayNotReady")
    assert commands(simulator) == []

    simulator.control.change("availability", "up")
    stand.ready(ATTACHMENTS, *names)
    stand.ready(HOSTS, *NODES)

    assert Counter(writes(simulator)) == {"mkhost": 16, "mkvdiskhostmap": 64}
    assert len(commands(simulator)) <= MAX_COMMANDS, Counter(each["verb"] for each in commands(simulator))
    assert len(layout(simulator)["hosts"]) == 16
    assert has_no_conflicts(simulator)


@pytest.mark.parametrize("access", ["Exclusive", "Shared"])
def test_one_more_attachment_of_a_known_host_takes_seven_commands_and_a_shared_one_twelve(
    stand: Namespace, simulator: Simulator, access: str
) -> None:
    """For a second mapping of a Shared volume its other host, and the attachment there, are read too.

    Two or three of these are the read right before the command, in one line where the shell allows chains, and one is
    the read right after it.
    """
    stand.array(simulator, resyncInterval="10m")
    stand.apply(stand.host("worker-1"), stand.host("worker-2"))
    stand.apply(*(stand.attachment(f"at-{host}", host, "v0", access="Shared") for host in ("worker-1", "worker-2")))
    stand.ready(ATTACHMENTS, "at-worker-1", "at-worker-2")
    stand.ready(HOSTS, "worker-1", "worker-2")
    if access == "Shared":
        stand.apply(stand.attachment("first", "worker-2", "v1", access="Shared"))
        stand.ready(ATTACHMENTS, "first")
    start = mark(simulator)

    stand.apply(stand.attachment("more", "worker-1", "v1", access=access))
    stand.ready(ATTACHMENTS, "more")

    sent = [each["verb"] for each in commands(simulator, start)]
    assert sent.count("mkvdiskhostmap") == 1
    assert len(sent) <= (7 if access == "Exclusive" else 12), sent
