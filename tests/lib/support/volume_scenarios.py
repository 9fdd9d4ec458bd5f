"""Scenarios of volumes, one for each promise that no data is lost and that no volume is created twice.

The tests of the promises run them, and so do the tests of these tests (`tests/controller/test_mutants.py`).
"""

from collections.abc import Callable

from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.array.commands import Step
from flashsystem_operator.array.volume_commands import CreateVolume
from flashsystem_operator.controller.executor import Operation
from support.builders import host
from support.in_process import InProcess
from support.interruption import Interruptible, Interruption
from support.passes import ARRAY, Passes, attachment_ref, volume_ref
from support.volume_world import GIB, config, own_volume, world

REF, NAME = volume_ref("data"), own_volume("data")


def right_before(running: Passes, kind: type[Step], act: Callable[[], object]) -> None:
    """Let others act once, when the next command of this kind is about to be sent."""

    def meanwhile(operation: Operation) -> None:
        if isinstance(operation.step, kind):
            running.meanwhile = lambda _: None
            act()

    running.meanwhile = meanwhile


async def what_is_created_is_recorded_before(dialect: str) -> None:
    """Finalizers, the name, the size and the pool of a volume are in the API server before the command."""
    with InProcess(config(dialect)) as array:
        async with world(array) as here:

            def check(step: Step) -> None:
                assert isinstance(step, CreateVolume)
                for ref in (ARRAY, REF):
                    assert FINALIZER in here.running.api.read(ref)["metadata"].get("finalizers", ())
                status = here.status(REF)
                intent = status.get("intent", {})
                assert (status.get("origin"), status.get("name")) == ("Created", step.volume)
                assert (intent.get("name"), intent.get("size"), intent.get("pool")) == (NAME, 2 * GIB, here.pool)

            here.running.watch = check
            here.declare()
            await here.running.survey()

            assert here.sent == ["CreateVolume"]


async def a_volume_whose_creation_lost_its_reply_is_the_only_one_and_ready(dialect: str) -> None:
    with Interruptible(config(dialect)) as array:
        array.interruption = Interruption(0, "late", ends=False)
        async with world(array) as here:
            here.declare()
            for _ in range(3):
                await here.running.survey()
            assert here.sent == ["CreateVolume"]
            assert here.reason(REF) == "OutcomeUnknown"
            array.catch_up()
            await here.running.settle_all()

            assert here.uids.keys() == {NAME}
            assert (here.reason(REF), here.status(REF)["origin"]) == ("Ready", "Created")


async def a_volume_whose_growth_lost_its_reply_grows_once(dialect: str) -> None:
    """Nothing is sent while the command may still be running, whatever size is wanted meanwhile."""
    with Interruptible(config(dialect)) as array:
        async with world(array) as here:
            await here.created()
            array.interruption = Interruption(0, "late", ends=False)
            here.running.edit(REF, size="3Gi")
            await here.running.survey()
            here.running.edit(REF, size="4Gi")
            await here.running.survey()
            await here.running.survey()
            assert here.volumes[NAME].capacity == 2 * GIB
            array.catch_up()
            await here.running.settle_all()

            assert here.volumes[NAME].capacity == 4 * GIB


async def a_volume_that_grew_right_before_it_is_expanded_does_not_grow_too_far(dialect: str) -> None:
    """An administrator grows it after the array was read, and before the command that was planned on that."""
    with InProcess(config(dialect)) as array:
        async with world(array) as here:
            await here.created()

            def grow() -> None:
                here.admin(f"expandvdisksize -size 1 -unit gb {NAME}")

            here.running.edit(REF, size="3Gi")
            await here.running.survey(after_read=grow)
            await here.running.settle_all()

            assert here.volumes[NAME].capacity == 3 * GIB
            assert here.reason(REF) == "Ready"


async def a_volume_that_an_administrator_mapped_is_not_deleted(dialect: str) -> None:
    """It is not even tried: the plan sees the mapping, and so does the read right before the command."""
    with InProcess(config(dialect)) as array:
        async with world(array) as here:
            await here.created()
            here.map(NAME)
            here.running.delete(REF)
            await here.running.survey()

            assert here.sent == []
            assert here.reason(REF) == "StillMapped"
            assert here.uids.keys() == {NAME}


async def a_volume_that_is_mapped_right_before_its_deletion_is_not_sent_for_deletion(dialect: str) -> None:
    with InProcess(config(dialect)) as array:
        async with world(array) as here:
            await here.created()
            here.running.delete(REF)
            await here.running.survey(after_read=lambda: here.map(NAME))

            assert here.sent == []
            assert here.uids.keys() == {NAME}


async def a_volume_that_is_attached_meanwhile_is_not_deleted(dialect: str) -> None:
    """The attachment is created after the plan, and no watch has shown it yet."""
    with InProcess(config(dialect)) as array:
        async with world(array) as here:
            await here.created()
            here.running.apply(host("node"))
            here.running.delete(REF)

            def attach() -> None:
                spec = {"hostRef": {"name": "node"}, "volume": {"ref": {"name": "data"}}}
                here.running.api.create(attachment_ref("late"), spec)

            await here.running.turn(REF, after_read=attach)

            assert here.sent == []
            assert here.uids.keys() == {NAME}


async def a_volume_of_others_with_the_uid_of_an_annotation_is_not_taken_over(dialect: str) -> None:
    with InProcess(config(dialect, "theirs")) as array:
        async with world(array) as here:
            before = here.uids
            annotations = {"annotations": {"flashsystem.io/volume-uid": before["theirs"]}}
            here.declare(deletionPolicy="Delete", metadata=annotations)
            await here.running.settle_all()
            assert "uid" not in here.status(REF)
            here.running.delete(REF)
            await here.running.settle_all()

            assert here.uids == before


async def a_volume_that_is_gone_is_not_created_again(dialect: str) -> None:
    with InProcess(config(dialect)) as array:
        async with world(array) as here:
            await here.created()
            here.admin(f"rmvdisk {NAME}")
            await here.running.settle_all()

            assert here.sent == []
            assert here.uids == {}


async def a_volume_that_the_array_refused_to_create_is_not_taken_over(dialect: str) -> None:
    """An administrator gives the name to a volume of the same size right before the command."""
    with InProcess(config(dialect)) as array:
        async with world(array) as here:
            right_before(here.running, CreateVolume, lambda: here.make(NAME))
            here.declare()
            await here.running.settle_all(most=8)

            assert here.reason(REF) == "NameTaken"
            here.running.delete(REF)
            await here.running.settle_all()
            assert here.uids.keys() == {NAME}
