"""What a plan costs grows with what is due, and not with its square: the worst host has two thousand volumes."""

import cProfile
import pstats

from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner import batch
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.values import MAX_LUN
from support.builders import attachment, bound, desired, inventory, mapped, volume
from support.detach_fixtures import NODE, OURS


def calls(wished: Desired, seen: Inventory) -> int:
    """How many functions were called to plan all of it: of one plan always as many, on whatever machine."""
    profile = cProfile.Profile()
    profile.runcall(batch.plan, wished, seen, wished.attachments)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined] # typeshed does not have it


def leaves(number: int) -> int:
    """So many volumes of one host are to go."""
    volumes = [volume(f"v{each}", each) for each in range(1, number + 1)]
    rows = [mapped(OURS, each, int(each.id)) for each in volumes]
    going = [
        attachment(each.name, "node", each.uid, status=bound(OURS, each), meta={"deleting": True}) for each in volumes
    ]
    return calls(desired(NODE, *going), inventory(OURS, *volumes, *rows))


def test_to_detach_twice_as_many_volumes_from_a_host_takes_twice_the_effort() -> None:
    assert leaves(200) < 2.5 * leaves(100)


def test_to_choose_a_lun_not_every_number_is_asked_about() -> None:
    wished, data = attachment("a", "node", "data"), volume("data", 1)

    assert calls(desired(NODE, wished), inventory(OURS, data)) < MAX_LUN
