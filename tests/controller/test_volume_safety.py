"""What a pass guarantees about the data of volumes. The scenarios are in tests/lib/support/volume_scenarios.py."""

from collections.abc import Awaitable, Callable

import pytest

from support import volume_scenarios as scenarios

SCENARIOS = [
    scenarios.what_is_created_is_recorded_before,
    scenarios.a_volume_whose_creation_lost_its_reply_is_the_only_one_and_ready,
    scenarios.a_volume_whose_growth_lost_its_reply_grows_once,
    scenarios.a_volume_that_grew_right_before_it_is_expanded_does_not_grow_too_far,
    scenarios.a_volume_that_an_administrator_mapped_is_not_deleted,
    scenarios.a_volume_that_is_mapped_right_before_its_deletion_is_not_sent_for_deletion,
    scenarios.a_volume_that_is_attached_meanwhile_is_not_deleted,
    scenarios.a_volume_of_others_with_the_uid_of_an_annotation_is_not_taken_over,
    scenarios.a_volume_that_is_gone_is_not_created_again,
    scenarios.a_volume_that_the_array_refused_to_create_is_not_taken_over,
]


@pytest.mark.parametrize("dialect", ["legacy", "modern"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.__name__.replace("_", " ") for each in SCENARIOS])
async def test_volumes_are_safe(scenario: Callable[[str], Awaitable[None]], dialect: str) -> None:
    await scenario(dialect)
