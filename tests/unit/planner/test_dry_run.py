"""The dry run of resources predicts what a series of passes would do, to the end."""

from flashsystem_operator.api.metadata import PAUSED, PLAN
from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, Step
from flashsystem_operator.array.model import Inventory
from flashsystem_operator.array.volume_commands import CreateVolume, ExpandVolume, RenameVolume
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.dry_run import DryRunResult, dry_run_to_the_end
from support.builders import (
    attachment,
    desired,
    host,
    host_object,
    inventory,
    managed_volume,
    mapped,
    of_volume,
    own_name,
    own_volume_name,
    uid,
    volume,
)

DATA, LOGS = volume("data", 1), volume("logs", 2)


def dry_run(desired_state: Desired, observed: Inventory) -> dict[str, DryRunResult]:
    """Return the results by the names of their objects."""
    return {result.ref.name: result for result in dry_run_to_the_end(desired_state, observed)}


def kinds(steps: tuple[Step, ...]) -> list[type[Step]]:
    return [type(step) for step in steps]


def test_the_first_volume_of_a_host_creates_its_host_object_and_the_second_does_not() -> None:
    desired_state = desired(host("node"), attachment("one", "node"), attachment("two", "node", "logs"))

    results = dry_run(desired_state, inventory(DATA, LOGS))

    assert kinds(results["one"].steps) == [MakeHost, MapVolume]
    assert kinds(results["two"].steps) == [MapVolume]
    assert [result.blocked for result in results.values()] == ["", "", ""]


def test_a_change_that_needs_two_passes_is_predicted_completely() -> None:
    """A port is added first; the volume waits for it, and is mapped in the next pass."""
    ours = host_object(own_name("node"), "a")
    desired_state = desired(host("node", "a", "b"), attachment("one", "node"), attachment("there", "node", "logs"))

    results = dry_run(desired_state, inventory(ours, DATA, LOGS, mapped(ours, LOGS, 1)))

    assert kinds(results["node"].steps) == [AddPorts]
    assert kinds(results["one"].steps) == [MapVolume]
    assert [*results] == ["node", "one", "there"]
    assert results["there"].steps == ()


def test_nothing_is_predicted_for_resources_that_are_in_sync() -> None:
    ours = host_object(own_name("node"), "node")

    results = dry_run(desired(host("node"), attachment("one", "node")), inventory(ours, DATA, mapped(ours, DATA)))

    assert [(result.steps, result.blocked, result.held) for result in results.values()] == [((), "", ""), ((), "", "")]


def test_a_blocked_resource_is_reported_and_a_held_one_is_not_reported_as_blocked() -> None:
    desired_state = desired(
        host("node"),
        attachment("missing", "node", "nowhere"),
        attachment("planned", "node", "data", meta={"annotations": {PLAN: "true"}}),
        attachment("paused", "node", "logs", meta={"annotations": {PAUSED: "true"}}),
    )

    results = dry_run(desired_state, inventory(DATA, LOGS))

    assert "no volume named nowhere" in results["missing"].blocked
    assert all(result.steps == () for result in results.values())
    for name in ("planned", "paused"):
        assert results[name].blocked == ""
        assert "holds back" in results[name].held or "Annotation" in results[name].held


def test_a_dry_run_does_not_change_the_inventory() -> None:
    observed = inventory(DATA)
    dry_run_to_the_end(desired(host("node"), attachment("one", "node")), observed)

    assert observed == inventory(DATA)


def test_every_object_has_a_dry_run_result() -> None:
    desired_state = desired(host("node"), attachment("one", "node"), attachment("lost", "missing"))

    assert {result.ref for result in dry_run_to_the_end(desired_state, inventory(DATA))} == {
        *desired_state.hosts,
        *desired_state.attachments,
    }


# -- volumes ----------------------------------------------------------------------------------------------------------

BY_REF = {"ref": {"name": "data"}}


def test_a_new_volume_and_the_attachment_that_refers_to_it_are_predicted_together() -> None:
    results = dry_run(
        desired(host("node"), managed_volume(pool="Pool0"), attachment("one", "node", BY_REF)), inventory()
    )

    assert kinds(results["data"].steps) == [CreateVolume]
    assert kinds(results["one"].steps) == [MakeHost, MapVolume]
    assert [*results] == ["data", "one", "node"]
    assert [result.blocked for result in results.values()] == ["", "", ""]


def test_what_is_changed_on_a_volume_is_predicted_once() -> None:
    named = volume("mine", 1, pool="Pool0")
    recorded = of_volume(volume(own_volume_name("data"), 1))

    results = dry_run(desired(managed_volume(size="2Gi", status=recorded)), inventory(named))

    assert kinds(results["data"].steps) == [RenameVolume, ExpandVolume]
    assert results["data"].blocked == ""


def test_a_volume_that_cannot_be_created_blocks_the_attachment_that_refers_to_it() -> None:
    results = dry_run(
        desired(host("node"), managed_volume(pool="Pool9"), attachment("one", "node", BY_REF)), inventory()
    )

    assert "no pool Pool9" in results["data"].blocked
    assert "FlashSystemVolume storage/data is not ready" in results["one"].blocked


def test_no_volume_is_predicted_in_place_of_one_that_is_gone() -> None:
    results = dry_run(desired(managed_volume(pool="Pool0", status=of_volume(volume("data", 9)))), inventory())

    assert results["data"].steps == ()
    assert uid(9) in results["data"].blocked
