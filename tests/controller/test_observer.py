"""What a pass looks at. What is gone is believed from a command that was meant for it, never from a listing alone."""

from collections.abc import Callable, Iterator

import pytest

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.base import find
from flashsystem_operator.array.commands import MapVolume, Step, UnmapVolume
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from support.builders import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.keeping import Keeper

MODERN = {"dialect": "modern"}


class Forgetful(InProcess):
    """An array whose listings lack whatever has one of these words in its row; asked by itself it tells the truth."""

    lacking: tuple[str, ...] = ()
    unknown = "no verb"

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        if self.unknown in line:
            return Reply("", "CMMVC7205E The command failed because it is not supported.", 1)
        verb, *words = line.split("; ", maxsplit=1)[0].split()[1:]
        asked = [word for word in words if word not in ("-delim", "'!'", "-bytes", "-filtervalue")]
        if any("=" not in word for word in asked) or ";" in line or verb not in ("lshost", "lsvdisk", "lshostvdiskmap"):
            return reply
        kept = [row for row in reply.stdout.splitlines(keepends=True) if not any(word in row for word in self.lacking)]
        return Reply("".join(kept), reply.stderr, reply.status)


@pytest.fixture
def array() -> Iterator[Forgetful]:
    with Forgetful(MODERN) as running:
        yield running


@pytest.fixture
def typed() -> list[Step]:
    return []


@pytest.fixture
def keeper(array: Forgetful, typed: list[Step]) -> Iterator[Keeper]:
    """One volume of two hosts each is attached."""
    running = Keeper(array, typed.append)
    running.wish(host("a"), host("b"), attachment("to-a", "a", "vol0"), attachment("to-b", "b", "vol1"))
    running.settle()
    typed.clear()
    yield running
    running.close()


def of(keeper: Keeper, name: str) -> VolumeAttachment:
    (found,) = [each for ref, each in keeper.wishes.items() if ref.name == name]
    assert isinstance(found, VolumeAttachment)
    return found


@pytest.mark.parametrize("survey", [True, False], ids=["everything", "closely"])
@pytest.mark.parametrize("lacking", ["vol0", own_name("a")])
def test_a_detach_is_done_though_a_listing_lacks_what_is_to_be_undone(
    array: Forgetful, keeper: Keeper, typed: list[Step], lacking: str, *, survey: bool
) -> None:
    array.lacking = (lacking,)
    keeper.delete(of(keeper, "to-a").ref)

    keeper.turn(survey=survey)

    assert [type(step) for step in typed][:1] == [UnmapVolume]
    assert [each["host"] for each in array.state["mappings"]] == [own_name("b")]


@pytest.mark.parametrize("survey", [True, False], ids=["everything", "closely"])
def test_a_renamed_host_object_is_left_though_the_listing_of_mappings_lacks_it(
    array: Forgetful, keeper: Keeper, *, survey: bool
) -> None:
    array.admin(f"svctask chhost -name renamed {own_name('a')}")
    array.lacking = ("!vol0!",)
    keeper.delete(of(keeper, "to-a").ref)

    keeper.turn(survey=survey)

    assert "renamed" not in [each["host"] for each in array.state["mappings"]]


def test_a_volume_that_a_listing_lacks_is_not_said_to_be_gone(array: Forgetful, keeper: Keeper) -> None:
    array.lacking = ("vol0",)

    keeper.turn()

    ready = find(of(keeper, "to-a").status.conditions, "Ready")
    assert ready is not None
    assert ready.reason != "VolumeGone"


def test_a_renamed_volume_that_no_listing_ever_showed_is_not_said_to_be_gone(array: Forgetful, keeper: Keeper) -> None:
    """The operator was started again, the volume is mapped to nothing; what remains is the id that was recorded."""
    array.admin("svctask rmhost -force " + own_name("a"))
    array.admin("svctask chvdisk -name renamed vol0")
    array.lacking, keeper.inventory = ("renamed",), None

    keeper.turn()

    ready = find(of(keeper, "to-a").status.conditions, "Ready")
    assert ready is not None
    assert ready.reason != "VolumeGone"


def test_a_volume_that_is_gone_is_said_to_be_gone(array: Forgetful, keeper: Keeper) -> None:
    array.admin("svctask rmvdisk -force vol0")

    keeper.turn()

    ready = find(of(keeper, "to-a").status.conditions, "Ready")
    assert ready is not None
    assert ready.reason == "VolumeGone"


def test_no_attachment_leaves_by_the_listing_after_a_host_object_was_refused(array: Forgetful, keeper: Keeper) -> None:
    """The array refuses the new host object, so that all are listed again; that listing lacks what is being undone."""
    keeper.wish(host("c"), attachment("to-c", "c", "vol2"))
    keeper.delete(of(keeper, "to-a").ref)

    def another_hand() -> None:
        array.admin(f"svctask mkhost -iscsiname {iqn('c')} -name admins")
        array.system.volume_named["vol0"].recent_io = True
        array.lacking = ("!vol0!",)

    keeper.turn(meanwhile=another_hand)

    assert of(keeper, "to-a").metadata.deleting
    assert own_name("a") in [each["host"] for each in array.state["mappings"]]


def test_a_pass_over_an_attached_volume_asks_for_little(array: Forgetful, keeper: Keeper) -> None:
    before = len(array.lines)

    keeper.turn([of(keeper, "to-a").ref], survey=False)

    assert len(array.lines) - before <= 3


def test_a_shared_volume_stays_known_on_a_host_object_that_lost_its_name_and_its_initiators(
    array: Forgetful, keeper: Keeper, typed: list[Step]
) -> None:
    keeper.wish(attachment("shared", "a", "vol3", access="Shared"))
    keeper.settle()
    typed.clear()
    array.admin(f"svctask chhost -name renamed {own_name('a')}")
    array.admin(f"svctask rmhostport -force -iscsiname {iqn('a')} renamed")

    keeper.turn([of(keeper, "shared").ref], survey=False)

    ready = find(of(keeper, "shared").status.conditions, "Ready")
    assert ready is not None
    assert ready.reason == "VolumeMappedElsewhere"
    assert typed == []


@pytest.fixture
def in_a_cluster(array: Forgetful) -> None:
    """A host cluster without members has a volume: no view of hosts shows it, and the array lets no host have it."""
    array.admin(f"svctask mkhost -iscsiname {iqn('member')} -name member")
    array.admin("svctask mkhostcluster -name hc")
    array.admin("svctask addhostclustermember -host member hc")
    array.admin("svctask mkvolumehostclustermap -hostcluster hc vol3")
    array.admin("svctask rmhostclustermember -host member -removemappings -force hc")


@pytest.mark.usefixtures("in_a_cluster")
def test_a_volume_of_a_host_cluster_without_members_is_refused_once_and_never_tried_again(
    array: Forgetful, keeper: Keeper, typed: list[Step]
) -> None:
    keeper.wish(attachment("new", "a", "vol3"))
    for survey in (True, False, True):
        keeper.turn(survey=survey)
        ready = find(of(keeper, "new").status.conditions, "Ready")
        assert ready is not None
        assert ready.reason == "MappedThroughHostCluster"
        assert "host cluster hc, which has no hosts" in ready.message
    assert [type(step) for step in typed] == [MapVolume]

    array.admin("svctask rmvolumehostclustermap -hostcluster hc vol3")
    keeper.settle()
    assert [each["volume"] for each in array.state["mappings"] if each["host"] == own_name("a")] == ["vol0", "vol3"]


@pytest.mark.usefixtures("in_a_cluster")
def test_a_shared_attachment_of_a_volume_of_a_host_cluster_without_members_is_mapped_alongside(
    keeper: Keeper, typed: list[Step]
) -> None:
    keeper.wish(attachment("new", "a", "vol3", access="Shared"))
    keeper.settle()

    assert [step.alongside_others for step in typed if isinstance(step, MapVolume)] == [False, True]
    assert find(of(keeper, "new").status.conditions, "Ready") is not None


def test_host_clusters_are_not_asked_for_where_nothing_was_refused(array: Forgetful, keeper: Keeper) -> None:
    keeper.turn()

    assert not [line for line in array.lines if "lshostclustervolumemap" in line]


@pytest.mark.usefixtures("in_a_cluster")
def test_an_array_that_does_not_tell_what_host_clusters_have_is_worked_on(
    array: Forgetful, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    array.unknown = "lshostclustervolumemap"
    keeper.wish(attachment("new", "a", "vol3"), attachment("other", "b", "vol4"))

    keeper.turn()

    assert "cannot read which volumes are mapped to host clusters" in caplog.text
    assert "vol4" in [each["volume"] for each in array.state["mappings"]]


def test_the_preferred_node_of_a_volume_is_known_when_it_is_attached_by_a_survey(
    array: Forgetful, keeper: Keeper
) -> None:
    array.system.volume_named["vol2"].preferred_node = 2
    keeper.wish(attachment("third", "a", "vol2"))

    keeper.turn(survey=True)

    said = of(keeper, "third").status
    assert said.volume is not None
    assert said.connection is not None
    assert said.volume.preferred_node == "2"
    assert keeper.inventory is not None
    assert said.connection.targets[0].iqn == keeper.inventory.body.nodes[1].iqn
