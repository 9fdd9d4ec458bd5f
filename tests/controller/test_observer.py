"""What a pass reads. An object is gone if a command for that object shows it, never if a list merely lacks it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.array.commands import MapVolume
from support import scenarios
from support.builders import attachment, host, iqn, own_name
from support.passes import Passes, attachment_ref, passes
from support.scenarios import Forgetful

MODERN = {"dialect": "modern"}
TO_A, NEW = attachment_ref("to-a"), attachment_ref("new")


@pytest.fixture
def array() -> Iterator[Forgetful]:
    with Forgetful(MODERN) as running:
        yield running


@pytest.fixture
async def running(array: Forgetful) -> AsyncIterator[Passes]:
    """One volume is attached to each of two hosts."""
    async with passes(array) as started:
        started.apply(host("a"), host("b"), attachment("to-a", "a", "vol0"), attachment("to-b", "b", "vol1"))
        await started.settle_all()
        started.steps.clear()
        yield started


def reason(running: Passes, of: VolumeAttachment | None = None) -> str:
    """The reason of the condition Ready, by default of the attachment of vol0."""
    return str(running.ready(of.ref if of else TO_A)["reason"])


@pytest.mark.parametrize("survey", [True, False], ids=["survey", "targeted read"])
@pytest.mark.parametrize("lacking", ["vol0", own_name("a")])
async def test_a_volume_is_unmapped_although_a_list_lacks_its_mapping(lacking: str, *, survey: bool) -> None:
    await scenarios.a_volume_is_unmapped_although_a_list_lacks_its_mapping(lacking, survey=survey)


@pytest.mark.parametrize("survey", [True, False], ids=["survey", "targeted read"])
async def test_a_volume_is_unmapped_from_a_renamed_host_object_although_the_list_of_mappings_lacks_it(
    array: Forgetful, running: Passes, *, survey: bool
) -> None:
    array.admin(f"svctask chhost -name renamed {own_name('a')}")
    array.lacking = ("!vol0!",)
    running.delete(TO_A)

    await running.turn(*running.everything, survey=survey)

    assert "renamed" not in [each["host"] for each in array.state["mappings"]]


async def test_a_volume_that_a_list_lacks_is_not_reported_as_gone(array: Forgetful, running: Passes) -> None:
    array.lacking = ("vol0",)

    await running.survey()

    assert reason(running) != "VolumeGone"


async def test_a_renamed_volume_that_no_list_ever_showed_is_not_reported_as_gone(
    array: Forgetful, running: Passes
) -> None:
    """The operator was started again, and the volume is mapped to no host: only its recorded id is left."""
    array.admin("svctask rmhost -force " + own_name("a"))
    array.admin("svctask chvdisk -name renamed vol0")
    array.lacking, running.inventory = ("renamed",), None

    await running.survey()

    assert reason(running) != "VolumeGone"


async def test_a_volume_that_is_gone_is_reported_as_gone(array: Forgetful, running: Passes) -> None:
    array.admin("svctask rmvdisk -force vol0")

    await running.survey()

    assert reason(running) == "VolumeGone"


async def test_no_attachment_is_released_because_of_a_list_that_is_read_after_a_refused_mkhost(
    array: Forgetful, running: Passes
) -> None:
    """The array refuses the new host object, so all are listed again; that list lacks the mapping to be removed."""
    running.apply(host("c"), attachment("to-c", "c", "vol2"))
    running.delete(TO_A)

    def change_the_array() -> None:
        array.admin(f"svctask mkhost -iscsiname {iqn('c')} -name admins")
        array.system.volume_named["vol0"].recent_io = True
        array.lacking = ("!vol0!",)

    await running.survey(after_read=change_the_array)

    assert "deletionTimestamp" in running.api.read(TO_A)["metadata"]
    assert own_name("a") in [each["host"] for each in array.state["mappings"]]


async def test_a_pass_over_an_attached_volume_sends_few_queries(array: Forgetful, running: Passes) -> None:
    before = len(array.lines)

    await running.turn(TO_A)

    assert len(array.lines) - before <= 3


async def test_a_shared_volume_stays_known_on_a_host_object_that_lost_its_name_and_its_initiators(
    array: Forgetful, running: Passes
) -> None:
    shared = attachment("shared", "a", "vol3", access="Shared")
    running.apply(shared)
    await running.settle_all()
    running.steps.clear()
    array.admin(f"svctask chhost -name renamed {own_name('a')}")
    array.admin(f"svctask rmhostport -force -iscsiname {iqn('a')} renamed")

    await running.turn(shared.ref)

    assert reason(running, shared) == "VolumeMappedElsewhere"
    assert running.steps == []


@pytest.fixture
def in_a_cluster(array: Forgetful) -> None:
    """A host cluster without members has a volume: no host's list shows it, and the array maps it to no host."""
    array.admin(f"svctask mkhost -iscsiname {iqn('member')} -name member")
    array.admin("svctask mkhostcluster -name hc")
    array.admin("svctask addhostclustermember -host member hc")
    array.admin("svctask mkvolumehostclustermap -hostcluster hc vol3")
    array.admin("svctask rmhostclustermember -host member -removemappings -force hc")


@pytest.mark.usefixtures("in_a_cluster")
async def test_a_volume_of_a_host_cluster_without_members_is_refused_once_and_never_tried_again(
    array: Forgetful, running: Passes
) -> None:
    running.apply(attachment("new", "a", "vol3"))
    for survey in (True, False, True):
        await running.turn(*running.everything, survey=survey)
        ready = running.ready(NEW)
        assert ready["reason"] == "MappedThroughHostCluster"
        assert "host cluster hc, which has no hosts" in ready["message"]
    assert [type(step) for step in running.steps] == [MapVolume]

    array.admin("svctask rmvolumehostclustermap -hostcluster hc vol3")
    await running.settle_all()
    assert [each["volume"] for each in array.state["mappings"] if each["host"] == own_name("a")] == ["vol0", "vol3"]


@pytest.mark.usefixtures("in_a_cluster")
async def test_a_shared_attachment_of_a_volume_of_a_host_cluster_without_members_is_mapped_alongside(
    running: Passes,
) -> None:
    running.apply(attachment("new", "a", "vol3", access="Shared"))
    await running.settle_all()

    assert [step.alongside_others for step in running.steps if isinstance(step, MapVolume)] == [False, True]
    assert running.ready(NEW)["status"] == "True"


async def test_host_clusters_are_not_read_if_nothing_was_refused(array: Forgetful, running: Passes) -> None:
    await running.survey()

    assert not [line for line in array.lines if "lshostclustervolumemap" in line]


@pytest.mark.usefixtures("in_a_cluster")
async def test_an_array_that_does_not_list_the_volumes_of_host_clusters_is_reconciled(
    array: Forgetful, running: Passes, caplog: pytest.LogCaptureFixture
) -> None:
    array.unknown = "lshostclustervolumemap"
    running.apply(attachment("new", "a", "vol3"), attachment("other", "b", "vol4"))

    await running.survey()

    assert "cannot read which volumes are mapped to host clusters" in caplog.text
    assert "vol4" in [each["volume"] for each in array.state["mappings"]]


async def test_the_preferred_node_of_a_volume_is_known_when_a_survey_attaches_it(
    array: Forgetful, running: Passes
) -> None:
    array.system.volume_named["vol2"].preferred_node = 2
    running.apply(attachment("third", "a", "vol2"))

    await running.survey()

    status = running.api.read(attachment_ref("third"))["status"]
    assert status["volume"]["preferredNode"] == "2"
    assert running.inventory is not None
    assert status["connection"]["targets"][0]["iqn"] == running.inventory.body.nodes[1].iqn


# -- volumes ----------------------------------------------------------------------------------------------------------


async def test_the_pools_are_read_for_new_volumes_also_if_so_many_are_due_that_all_volumes_are_listed(
    running: Passes,
) -> None:
    many = [running.volume(f"new-{number}", "1Gi", pool="Pool0") for number in range(12)]
    running.see(*many)

    await running.turn(*many)

    assert {running.ready(ref)["status"] for ref in many} == {"True"}


async def test_a_renamed_volume_of_a_resource_that_no_list_ever_showed_is_not_gone(
    array: Forgetful, running: Passes
) -> None:
    """The operator was started again: only the recorded id is left. A resource that is being deleted stays, too."""
    imported: dict[str, Any] = {"import": {"name": "vol2"}}
    ref = running.volume("managed", None, **imported)
    await running.settle(ref)
    array.admin("svctask chvdisk -name renamed vol2")
    array.lacking, running.inventory = ("renamed",), None

    await running.survey()

    assert running.ready(ref)["status"] == "True"
