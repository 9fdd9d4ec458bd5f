"""The cost of a plan grows linearly with the number of due objects: the largest host has two thousand volumes."""

import cProfile
import pstats

from flashsystem_operator.array.model import Inventory
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import MAX_LUN
from support.builders import attachment, bound, desired, inventory, mapped, volume
from support.detach_fixtures import NODE, OURS


def calls(desired_state: Desired, observed: Inventory) -> int:
    """Count the function calls of planning everything: the same number for the same plan on every machine."""
    profile = cProfile.Profile()
    profile.runcall(batch.plan, desired_state, observed, desired_state.attachments)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined] # typeshed does not have it


def calls_to_detach(number: int) -> int:
    """Count the function calls of planning to detach this many volumes from one host."""
    volumes = [volume(f"v{each}", each) for each in range(1, number + 1)]
    rows = [mapped(OURS, each, int(each.id)) for each in volumes]
    attachments = [
        attachment(each.name, "node", each.uid, status=bound(OURS, each), meta={"deleting": True}) for each in volumes
    ]
    return calls(desired(NODE, *attachments), inventory(OURS, *volumes, *rows))


def test_detaching_twice_as_many_volumes_from_a_host_takes_about_twice_the_effort() -> None:
    assert calls_to_detach(200) < 2.5 * calls_to_detach(100)


def test_choosing_a_lun_does_not_check_every_number() -> None:
    resource, data = attachment("a", "node", "data"), volume("data", 1)

    assert calls(desired(NODE, resource), inventory(OURS, data)) < MAX_LUN
