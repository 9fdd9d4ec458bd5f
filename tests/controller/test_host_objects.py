"""Host objects on a simulated array over their life: where they may log in, their CHAP secrets, who shares them.

The cases of each decision are in tests/unit/planner; here the array's own rules answer.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from flashsystem_operator.api.attachment import Access
from flashsystem_operator.api.base import Condition, StatusModel
from flashsystem_operator.array.commands import SetChap
from flashsystem_operator.simulator.state.model import Host
from flashsystem_operator.values import ChapSecret
from support.builders import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.keeping import ImportRequest, Keeper
from support.passes import passes

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
NODES = [
    {
        "id": n,
        "name": f"node{n}",
        "io_group": (n - 1) // 2,
        "config_node": "yes" if n == 1 else "no",
        "iscsi_name": f"iqn.n{n}",
    }
    for n, config in enumerate(("yes", "no", "no", "no"), 1)
]
ADDRESSES = [
    {"node": f"node{n}", "port_id": 5, "portset": portset, "address": f"10.0.{net}.{n}"}
    for n in range(1, 5)
    for net, portset in enumerate(("portset0", "fast"))
]
WIDE = {
    "dialect": "modern",
    "nodes": NODES,
    "portsets": [{"name": "portset0", "is_default": "yes"}, {"name": "fast"}],
    "addresses": ADDRESSES,
    "volumes": [{"name": "vol0", "pool": "Pool0"}, {"name": "far", "pool": "Pool0", "io_group": 1}],
}
OWN = own_name("node")
SECRET, NEXT = ChapSecret("correct-horse-battery"), ChapSecret("another-horse-battery")


class Setting:
    """An array and its keeper."""

    def __init__(self, config: dict[str, Any], **rules: Any) -> None:
        self.array = InProcess(config, **rules)
        self.keeper = Keeper(self.array)

    def wish(self, *wishes: ImportRequest) -> None:
        self.keeper.wish(*wishes)
        self.keeper.settle()

    def edit(self, wished: ImportRequest, **spec: Any) -> None:
        """What a user changes in the spec; the status stays."""
        now = self.keeper.wishes[wished.ref]
        before = now.model_dump(by_alias=False, exclude_defaults=True)
        self.wish(type(now).model_validate({**before, "spec": {**before["spec"], **spec}}))

    def log_in(self, logins: int) -> None:
        self.host().ports[0].logins = logins

    def host(self, name: str = OWN) -> Host:
        return self.array.system.host_named[name]

    def typed(self, verb: str) -> list[str]:
        return [line for line in self.array.lines if f"svctask {verb} " in line]

    def status(self, wished: ImportRequest) -> Any:
        status: StatusModel = self.keeper.wishes[wished.ref].status
        return status

    def ready(self, wished: ImportRequest) -> Condition:
        conditions: tuple[Condition, ...] = self.status(wished).conditions
        return next(each for each in conditions if each.type == "Ready")


@pytest.fixture
def wide() -> Iterator[Setting]:
    """A modern array with two I/O groups and two portsets."""
    with (setting := Setting(WIDE)).array:
        yield setting
        setting.keeper.close()


@pytest.fixture(params=["legacy", "modern"])
def either(request: pytest.FixtureRequest) -> Iterator[Setting]:
    """An array of either dialect whose volume `wide` is reached through two I/O groups."""
    pool = POOLS[request.param]
    volumes = [{"name": "wide", "pool": pool, "access_io_groups": [0, 1]}, {"name": "narrow", "pool": pool}]
    with (setting := Setting({"dialect": request.param, "volumes": volumes}, lun_per_io_group=True)).array:
        yield setting
        setting.keeper.close()


def test_a_host_object_follows_the_spec_but_takes_no_path_from_a_machine_that_is_logged_in(wide: Setting) -> None:
    machine = host("node", portset="portset0", io_groups=["io_grp0"], host_type="TPGS")
    volume = attachment("a", "node", "vol0")
    wide.wish(machine, volume)
    made = wide.host()
    assert (made.portset, made.io_groups, made.type) == ("portset0", [0], "tpgs")
    assert [each.portal for each in wide.status(volume).connection.targets] == ["10.0.0.1:3260", "10.0.0.2:3260"]

    wide.log_in(1)
    wide.edit(machine, portset="fast", io_groups=["0", "io_grp1"])
    assert wide.ready(machine).reason == "HostLoggedIn"
    assert wide.host().io_groups == [0, 1]  # that takes nothing away
    assert wide.host().portset == "portset0"
    assert wide.ready(volume).status == "True"
    assert len(wide.status(volume).connection.targets) == 4

    wide.log_in(0)
    wide.edit(machine, io_groups=["io_grp1", "0"])
    assert wide.ready(machine).status == "True"
    assert wide.status(volume).connection.targets[0].portal == "10.0.1.1:3260"


def test_an_io_group_that_a_volume_needs_is_kept_until_that_is_detached_and_the_others_go(wide: Setting) -> None:
    machine, volume = host("node"), attachment("a", "node", "far")
    wide.wish(machine, volume, attachment("b", "node", "vol0"))

    wide.edit(machine, io_groups=["io_grp0"])

    assert wide.host().io_groups == [0, 1]
    (typed,) = wide.typed("rmhostiogrp")
    assert "-iogrp 2:3 " in typed
    said = wide.ready(machine)
    assert said.reason == "IOGroupInUse"
    assert "volume far (VolumeAttachment storage/a) is reached through it." in said.message
    assert wide.ready(volume).status == "True"

    wide.keeper.delete(volume.ref)
    wide.keeper.settle()

    assert wide.host().io_groups == [0]
    assert wide.ready(machine).status == "True"


def test_through_how_many_io_groups_a_volume_is_reached_is_read_before_one_is_removed(wide: Setting) -> None:
    """A volume whose own I/O group stays may be reached through the other one as well: no listing tells."""
    wide.array.system.volume_named["vol0"].access_io_groups = [0, 1]
    machine = host("node", io_groups=["0", "1"])
    wide.wish(machine, attachment("a", "node", "vol0"))

    wide.edit(machine, io_groups=["io_grp0"])

    assert wide.typed("rmhostiogrp") == []
    assert wide.ready(machine).reason == "IOGroupInUse"


def test_portals_of_an_adopted_host_object_are_those_of_its_io_groups(wide: Setting) -> None:
    wide.array.admin(f"svctask mkhost -name admins -iscsiname {iqn('node')} -iogrp 1 -portset fast")
    volume = attachment("a", "node", "far")

    wide.wish(host("node"), volume)

    assert [each.portal for each in wide.status(volume).connection.targets] == ["10.0.1.3:3260", "10.0.1.4:3260"]


def test_the_secret_is_there_before_the_first_volume_and_follows_the_wish(wide: Setting) -> None:
    machine = host("node", chap={"secretRef": {"name": "node-chap"}})
    volume = attachment("a", "node", "vol0")
    wide.keeper.chap[machine.ref] = SECRET
    wide.wish(machine, volume)
    order = [line.split()[1] for line in wide.array.lines if line.startswith("svctask")]
    assert order == ["mkhost", "chhost", "mkvdiskhostmap"]
    assert wide.host().chap_secret == SECRET.text

    wide.keeper.chap[machine.ref] = NEXT
    wide.keeper.settle()
    assert wide.host().chap_secret == NEXT.text
    before = len(wide.typed("chhost"))
    wide.keeper.settle()
    assert len(wide.typed("chhost")) == before

    wide.array.admin(f"svctask chhost -nochapsecret {OWN}")  # what another hand took away comes back
    wide.keeper.settle()
    assert wide.host().chap_secret == NEXT.text

    wide.keeper.chap.clear()
    wide.edit(machine, chap=None)
    assert wide.host().chap_secret == ""
    assert wide.status(machine).chap is None
    asked = sum("lsiscsiauth" in line for line in wide.array.lines)
    wide.keeper.settle()
    assert sum("lsiscsiauth" in line for line in wide.array.lines) == asked


def test_a_volume_is_not_mapped_when_the_array_does_not_take_the_secret(wide: Setting) -> None:
    machine = host("node", chap={"secretRef": {"name": "node-chap"}})
    wide.keeper.chap[machine.ref] = SECRET
    wide.array.system.rules.longest_chap_secret = 8
    volume = attachment("a", "node", "vol0")
    wide.keeper.wish(machine, volume)
    for _ in range(3):
        wide.keeper.turn()
    assert wide.typed("mkvdiskhostmap") == []
    assert len(wide.typed("mkhost")) == 1

    wide.array.system.rules.longest_chap_secret = 79
    wide.keeper.settle()
    assert wide.ready(volume).status == "True"


def test_a_secret_is_never_set_on_a_host_object_that_we_did_not_make(wide: Setting) -> None:
    wide.array.admin(f"svctask mkhost -name admins -iscsiname {iqn('node')}")
    machine = host("node", chap={"secretRef": {"name": "node-chap"}})
    wide.keeper.chap[machine.ref] = SECRET

    wide.wish(machine, attachment("a", "node", "vol0"))

    assert wide.ready(machine).reason == "HostDiffers"
    assert [line for line in wide.array.lines if line.startswith("svctask")] == []
    assert not any(SECRET.text in line for line in wide.array.lines)


def test_a_mapping_with_another_lun_in_each_io_group_is_said_and_left(either: Setting) -> None:
    machine, volume = host("node", lifecycle="Persistent"), attachment("a", "node", "wide")
    either.wish(machine)
    for name in ("narrow", "wide"):
        either.array.admin(f"svctask mkvdiskhostmap -host {OWN} {name}")

    either.wish(volume)

    assert either.ready(volume).reason == "MismatchedLUNs"
    assert "LUNs 0, 1" in either.ready(volume).message
    assert either.typed("mkvdiskhostmap") == []
    either.array.admin(f"svctask rmvdiskhostmap -host {OWN} wide")
    either.keeper.settle()
    assert either.ready(volume).status == "True"


def test_what_comes_through_a_host_cluster_is_neither_ours_to_take_nor_exclusive(wide: Setting) -> None:
    machine = host("node", lifecycle="Persistent")
    wide.wish(machine)
    for line in (
        "mkhostcluster -name hc",
        f"addhostclustermember -host {OWN} hc",
        "mkvolumehostclustermap -hostcluster hc -scsi 1 vol0",
    ):
        wide.array.admin(f"svctask {line}")
    alone, other = attachment("alone", "node", "vol0"), attachment("other", "node", "far")

    wide.wish(alone, other)
    assert wide.ready(alone).reason == "MappedThroughHostCluster"
    assert wide.status(other).lun == 2  # 1 is taken by what every member sees

    wide.edit(alone, access=Access.SHARED)
    assert wide.ready(alone).status == "True"
    for each in (alone, other, machine):
        wide.keeper.delete(each.ref)
        wide.keeper.settle()
    assert wide.keeper.wishes == {}
    assert [mapping.volume.name for mapping in wide.array.system.seen_by(wide.host())] == ["vol0"]
    assert len(wide.typed("rmvdiskhostmap")) == 1
    assert wide.typed("rmhost") == []


def test_a_host_object_that_is_retained_is_taken_up_again_by_a_resource_of_that_name(either: Setting) -> None:
    machine = host("node", lifecycle="Persistent", deletion_policy="Retain", status={"ownership": "Created"})
    either.wish(machine)
    either.keeper.delete(machine.ref)
    either.keeper.settle()
    assert either.keeper.wishes == {}
    assert either.host().name == OWN

    again = host("node", lifecycle="Persistent")
    either.wish(again)
    assert len(either.typed("mkhost")) == 1
    either.keeper.delete(again.ref)
    either.keeper.settle()
    assert OWN not in either.array.system.host_named


def test_a_step_that_is_shown_has_no_secret() -> None:
    assert SECRET.text not in f"{SetChap(own_name('node'), SECRET, '-chapsecret')}"


async def test_a_host_whose_io_group_a_volume_needs_has_its_turn_when_that_is_detached() -> None:
    with InProcess(WIDE) as array:
        async with passes(array) as running:
            node, data = running.host("node"), running.attachment("a", "node", "far")
            await running.settle(node, data)
            running.api.edit(node, {"ioGroups": ["io_grp0"], "lifecycle": "Persistent"})
            running.see(node)
            await running.turn(node)

            waits = await running.turn(node)
            assert running.ready(node)["reason"] == "IOGroupInUse"
            assert (waits.obstructed, waits.again) == ({node}, {})

            running.api.delete(data)
            running.see(data)
            assert (await running.turn(data)).freed
            await running.settle(node)
            assert array.system.host_named[OWN].io_groups == [0]
