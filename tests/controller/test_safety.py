"""What a whole pass guarantees, whatever fails in it. The scenarios are in tests/lib/support/scenarios.py."""

from collections.abc import Awaitable, Callable

import pytest

from flashsystem_operator.api.metadata import Kind
from support import scenarios

EACH_DIALECT = pytest.mark.parametrize("dialect", ["legacy", "modern"])


@EACH_DIALECT
async def test_finalizers_and_the_intent_are_recorded_before_each_command(dialect: str) -> None:
    await scenarios.intent_is_recorded_before_each_command(dialect)


@EACH_DIALECT
async def test_an_operator_that_ends_after_a_command_leaks_no_mapping(dialect: str) -> None:
    await scenarios.an_operator_that_ends_after_a_command_leaks_no_mapping(dialect)


@EACH_DIALECT
async def test_an_attachment_is_ready_at_the_end_of_the_pass_that_maps_it(dialect: str) -> None:
    await scenarios.an_attachment_is_ready_at_the_end_of_the_pass_that_maps_it(dialect)


@EACH_DIALECT
async def test_a_mapping_that_is_removed_right_after_its_command_is_not_reported_as_ready(dialect: str) -> None:
    await scenarios.a_mapping_that_is_removed_right_after_its_command_is_not_reported_as_ready(dialect)


@EACH_DIALECT
async def test_the_finalizer_stays_while_the_mapping_exists_although_the_array_confirmed_its_removal(
    dialect: str,
) -> None:
    await scenarios.the_finalizer_stays_while_the_mapping_exists_although_the_array_confirmed_its_removal(dialect)


@EACH_DIALECT
@pytest.mark.parametrize(
    "scenario",
    [scenarios.no_command_is_sent_without_the_lease, scenarios.no_command_is_sent_while_all_arrays_are_paused],
    ids=["the Lease is lost", "all arrays are paused"],
)
async def test_no_command_is_sent_if_this_happens_after_the_plan_was_recorded(
    scenario: Callable[[str], Awaitable[None]], dialect: str
) -> None:
    await scenario(dialect)


@EACH_DIALECT
@pytest.mark.parametrize("kind", [Kind.ARRAY, Kind.HOST, Kind.ATTACHMENT])
async def test_no_command_is_sent_if_an_object_is_paused_after_the_plan_was_recorded(kind: Kind, dialect: str) -> None:
    await scenarios.no_command_is_sent_while_an_object_is_paused(dialect, kind)


async def test_no_command_is_sent_with_an_expired_lease_although_its_loss_was_not_noticed_yet() -> None:
    await scenarios.no_command_is_sent_with_an_expired_lease()


@EACH_DIALECT
async def test_no_conflicting_command_is_sent_while_a_reply_is_lost(dialect: str) -> None:
    await scenarios.no_conflicting_command_is_sent_while_a_reply_is_lost(dialect)


@EACH_DIALECT
async def test_an_attachment_is_not_released_while_its_mapping_may_still_appear(dialect: str) -> None:
    await scenarios.an_attachment_is_not_released_while_its_mapping_may_still_appear(dialect)
