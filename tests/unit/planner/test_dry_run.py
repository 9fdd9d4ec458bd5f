"""What is foretold of resources is what a row of passes would do, to the end."""

from flashsystem_operator.api.metadata import PAUSED, PLAN
from flashsystem_operator.array.commands import AddPorts, MakeHost, MapVolume, Step
from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.planner.desired import Desired
from flashsystem_operator.planner.dry_run import DryRunResult, dry_run_to_the_end
from support.builders import attachment, desired, host, host_object, inventory, mapped, own_name, volume

DATA, LOGS = volume("data", 1), volume("logs", 2)


def outlooks(wished: Desired, seen: Inventory) -> dict[str, DryRunResult]:
    return {outlook.ref.name: outlook for outlook in dry_run_to_the_end(wished, seen)}


def kinds(steps: tuple[Step, ...]) -> list[type[Step]]:
    return [type(step) for step in steps]


def test_the_first_volume_of_a_host_makes_it_and_the_second_does_not() -> None:
    wished = desired(host("node"), attachment("one", "node"), attachment("two", "node", "logs"))

    seen = outlooks(wished, inventory(DATA, LOGS))

    assert kinds(seen["one"].steps) == [MakeHost, MapVolume]
    assert kinds(seen["two"].steps) == [MapVolume]
    assert [outlook.blocked for outlook in seen.values()] == ["", "", ""]


def test_what_needs_two_passes_is_foretold_whole() -> None:
    """A port is added first; the volume waits for it, and is mapped in the next pass."""
    ours = host_object(own_name("node"), "a")
    wished = desired(host("node", "a", "b"), attachment("one", "node"), attachment("there", "node", "logs"))

    seen = outlooks(wished, inventory(ours, DATA, LOGS, mapped(ours, LOGS, 1)))

    assert kinds(seen["node"].steps) == [AddPorts]
    assert kinds(seen["one"].steps) == [MapVolume]
    assert [*seen] == ["node", "one", "there"]
    assert seen["there"].steps == ()


def test_nothing_is_foretold_of_what_is_as_wished() -> None:
    ours = host_object(own_name("node"), "node")

    seen = outlooks(desired(host("node"), attachment("one", "node")), inventory(ours, DATA, mapped(ours, DATA)))

    assert [(outlook.steps, outlook.blocked, outlook.held) for outlook in seen.values()] == [((), "", ""), ((), "", "")]


def test_what_cannot_be_is_told_and_what_is_held_back_is_no_mistake() -> None:
    wished = desired(
        host("node"),
        attachment("missing", "node", "nowhere"),
        attachment("planned", "node", "data", meta={"annotations": {PLAN: "true"}}),
        attachment("paused", "node", "logs", meta={"annotations": {PAUSED: "true"}}),
    )

    seen = outlooks(wished, inventory(DATA, LOGS))

    assert "no volume named nowhere" in seen["missing"].blocked
    assert all(outlook.steps == () for outlook in seen.values())
    for name in ("planned", "paused"):
        assert seen[name].blocked == ""
        assert "holds back" in seen[name].held or "Annotation" in seen[name].held


def test_the_view_that_it_stands_on_is_left_as_it_was() -> None:
    seen = inventory(DATA)
    dry_run_to_the_end(desired(host("node"), attachment("one", "node")), seen)

    assert seen == inventory(DATA)


def test_every_object_has_an_outlook() -> None:
    wished = desired(host("node"), attachment("one", "node"), attachment("lost", "nobody"))

    assert {outlook.ref for outlook in dry_run_to_the_end(wished, inventory(DATA))} == {
        *wished.hosts,
        *wished.attachments,
    }
