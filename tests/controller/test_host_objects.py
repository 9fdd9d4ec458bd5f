"""Host objects on a simulated array over their life: where they may log in, their CHAP secrets, who shares them.

The cases of each decision are in tests/unit/planner; here the array's own rules answer.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from flashsystem_operator.array.commands import SetChap
from flashsystem_operator.simulator.state.model import Host
from flashsystem_operator.values import ChapSecret
from support.builders import attachment, host, iqn, own_name
from support.in_process import InProcess
from support.passes import AnyResource, Passes, passes

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
    """An array, and the passes over it."""

    def __init__(self, array: InProcess, running: Passes) -> None:
        self.array = array
        self.running = running

    async def apply(self, *resources: AnyResource) -> None:
        self.running.apply(*resources)
        await self.running.settle_all()

    async def edit(self, resource: AnyResource, **spec: Any) -> None:
        """Change parts of the spec, by the names that the manifest has."""
        self.running.api.edit(resource.ref, spec)
        self.running.see(resource.ref)
        await self.running.settle_all()

    async def delete(self, resource: AnyResource) -> None:
        self.running.delete(resource.ref)
        await self.running.settle_all()

    def log_in(self, logins: int) -> None:
        self.host().ports[0].logins = logins

    def host(self, name: str = OWN) -> Host:
        return self.array.system.host_named[name]

    def sent(self, verb: str) -> list[str]:
        return [line for line in self.array.lines if f"svctask {verb} " in line]

    def status(self, resource: AnyResource) -> Any:
        return self.running.api.read(resource.ref)["status"]

    def portals(self, resource: AnyResource) -> list[str]:
        return [each["portal"] for each in self.status(resource)["connection"]["targets"]]

    def ready(self, resource: AnyResource) -> dict[str, Any]:
        return self.running.ready(resource.ref)


@pytest.fixture
async def wide() -> AsyncIterator[Setting]:
    """A modern array with two I/O groups and two portsets."""
    with InProcess(WIDE) as array:
        async with passes(array) as running:
            yield Setting(array, running)


@pytest.fixture(params=["legacy", "modern"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Setting]:
    """An array of either dialect whose volume `wide` is reached through two I/O groups."""
    pool = POOLS[request.param]
    volumes = [{"name": "wide", "pool": pool, "access_io_groups": [0, 1]}, {"name": "narrow", "pool": pool}]
    with InProcess({"dialect": request.param, "volumes": volumes}, lun_per_io_group=True) as array:
        async with passes(array) as running:
            yield Setting(array, running)


async def test_a_host_object_follows_the_spec_but_a_host_that_is_logged_in_loses_no_path(wide: Setting) -> None:
    machine = host("node", portset="portset0", io_groups=["io_grp0"], host_type="TPGS")
    volume = attachment("a", "node", "vol0")
    await wide.apply(machine, volume)
    made = wide.host()
    assert (made.portset, made.io_groups, made.type) == ("portset0", [0], "tpgs")
    assert wide.portals(volume) == ["10.0.0.1:3260", "10.0.0.2:3260"]

    wide.log_in(1)
    await wide.edit(machine, portset="fast", ioGroups=["0", "io_grp1"])
    assert wide.ready(machine)["reason"] == "HostLoggedIn"
    assert wide.host().io_groups == [0, 1]  # that takes nothing away
    assert wide.host().portset == "portset0"
    assert wide.ready(volume)["status"] == "True"
    assert len(wide.portals(volume)) == 4

    wide.log_in(0)
    await wide.edit(machine, ioGroups=["io_grp1", "0"])
    assert wide.ready(machine)["status"] == "True"
    assert wide.portals(volume)[0] == "10.0.1.1:3260"


async def test_an_io_group_that_a_volume_needs_is_kept_until_that_is_detached_and_the_others_are_removed(
    wide: Setting,
) -> None:
    machine, volume = host("node"), attachment("a", "node", "far")
    await wide.apply(machine, volume, attachment("b", "node", "vol0"))

    await wide.edit(machine, ioGroups=["io_grp0"])

    assert wide.host().io_groups == [0, 1]
    (removed,) = wide.sent("rmhostiogrp")
    assert "-iogrp 2:3 " in removed
    ready = wide.ready(machine)
    assert ready["reason"] == "IOGroupInUse"
    assert "volume far (VolumeAttachment storage/a) is reached through it." in ready["message"]
    assert wide.ready(volume)["status"] == "True"

    await wide.delete(volume)

    assert wide.host().io_groups == [0]
    assert wide.ready(machine)["status"] == "True"


async def test_through_how_many_io_groups_a_volume_is_reached_is_read_before_one_is_removed(wide: Setting) -> None:
    """A volume whose own I/O group stays may be reached through the other one as well: no listing shows it."""
    wide.array.system.volume_named["vol0"].access_io_groups = [0, 1]
    machine = host("node", io_groups=["0", "1"])
    await wide.apply(machine, attachment("a", "node", "vol0"))

    await wide.edit(machine, ioGroups=["io_grp0"])

    assert wide.sent("rmhostiogrp") == []
    assert wide.ready(machine)["reason"] == "IOGroupInUse"


async def test_portals_of_an_adopted_host_object_are_those_of_its_io_groups(wide: Setting) -> None:
    wide.array.admin(f"svctask mkhost -name admins -iscsiname {iqn('node')} -iogrp 1 -portset fast")
    volume = attachment("a", "node", "far")

    await wide.apply(host("node"), volume)

    assert wide.portals(volume) == ["10.0.1.3:3260", "10.0.1.4:3260"]


async def test_the_chap_secret_is_set_before_the_first_volume_is_mapped_and_follows_the_spec(wide: Setting) -> None:
    machine = host("node", chap={"secretRef": {"name": "node-chap"}})
    volume = attachment("a", "node", "vol0")
    wide.running.chap[machine.ref] = SECRET
    await wide.apply(machine, volume)
    order = [line.split()[1] for line in wide.array.lines if line.startswith("svctask")]
    assert order == ["mkhost", "chhost", "mkvdiskhostmap"]
    assert wide.host().chap_secret == SECRET.text

    wide.running.chap[machine.ref] = NEXT
    await wide.running.settle_all()
    assert wide.host().chap_secret == NEXT.text
    before = len(wide.sent("chhost"))
    await wide.running.settle_all()
    assert len(wide.sent("chhost")) == before

    wide.array.admin(f"svctask chhost -nochapsecret {OWN}")  # what another hand took away comes back
    await wide.running.settle_all()
    assert wide.host().chap_secret == NEXT.text

    wide.running.chap.clear()
    await wide.edit(machine, chap=None)
    assert wide.host().chap_secret == ""
    assert "chap" not in wide.status(machine)
    asked = sum("lsiscsiauth" in line for line in wide.array.lines)
    await wide.running.settle_all()
    assert sum("lsiscsiauth" in line for line in wide.array.lines) == asked


async def test_a_volume_is_not_mapped_when_the_array_does_not_take_the_secret(wide: Setting) -> None:
    machine = host("node", chap={"secretRef": {"name": "node-chap"}})
    wide.running.chap[machine.ref] = SECRET
    wide.array.system.rules.longest_chap_secret = 8
    volume = attachment("a", "node", "vol0")
    wide.running.apply(machine, volume)
    for _ in range(3):
        await wide.running.survey()
    assert wide.sent("mkvdiskhostmap") == []
    assert len(wide.sent("mkhost")) == 1

    wide.array.system.rules.longest_chap_secret = 79
    await wide.running.settle_all()
    assert wide.ready(volume)["status"] == "True"


async def test_a_secret_is_never_set_on_a_host_object_that_we_did_not_make(wide: Setting) -> None:
    wide.array.admin(f"svctask mkhost -name admins -iscsiname {iqn('node')}")
    machine = host("node", chap={"secretRef": {"name": "node-chap"}})
    wide.running.chap[machine.ref] = SECRET

    await wide.apply(machine, attachment("a", "node", "vol0"))

    assert wide.ready(machine)["reason"] == "HostDiffers"
    assert [line for line in wide.array.lines if line.startswith("svctask")] == []
    assert not any(SECRET.text in line for line in wide.array.lines)


async def test_a_mapping_with_another_lun_in_each_io_group_is_reported_and_left_unchanged(either: Setting) -> None:
    machine, volume = host("node", lifecycle="Persistent"), attachment("a", "node", "wide")
    await either.apply(machine)
    for name in ("narrow", "wide"):
        either.array.admin(f"svctask mkvdiskhostmap -host {OWN} {name}")

    await either.apply(volume)

    assert either.ready(volume)["reason"] == "MismatchedLUNs"
    assert "LUNs 0, 1" in either.ready(volume)["message"]
    assert either.sent("mkvdiskhostmap") == []
    either.array.admin(f"svctask rmvdiskhostmap -host {OWN} wide")
    await either.running.settle_all()
    assert either.ready(volume)["status"] == "True"


async def test_a_mapping_through_a_host_cluster_is_never_removed_and_is_not_exclusive(wide: Setting) -> None:
    machine = host("node", lifecycle="Persistent")
    await wide.apply(machine)
    for line in (
        "mkhostcluster -name hc",
        f"addhostclustermember -host {OWN} hc",
        "mkvolumehostclustermap -hostcluster hc -scsi 1 vol0",
    ):
        wide.array.admin(f"svctask {line}")
    alone, other = attachment("alone", "node", "vol0"), attachment("other", "node", "far")

    await wide.apply(alone, other)
    assert wide.ready(alone)["reason"] == "MappedThroughHostCluster"
    assert wide.status(other)["lun"] == 2  # 1 is taken by what every member sees

    await wide.edit(alone, access="Shared")
    assert wide.ready(alone)["status"] == "True"
    for each in (alone, other, machine):
        await wide.delete(each)
    assert wide.running.resources == []
    assert [mapping.volume.name for mapping in wide.array.system.seen_by(wide.host())] == ["vol0"]
    assert len(wide.sent("rmvdiskhostmap")) == 1
    assert wide.sent("rmhost") == []


async def test_a_host_object_that_is_retained_is_used_again_by_a_resource_of_that_name(either: Setting) -> None:
    machine = host("node", lifecycle="Persistent", deletion_policy="Retain", status={"ownership": "Created"})
    await either.apply(machine)
    await either.delete(machine)
    assert either.running.resources == []
    assert either.host().name == OWN

    again = host("node", lifecycle="Persistent")
    await either.apply(again)
    assert len(either.sent("mkhost")) == 1
    await either.delete(again)
    assert OWN not in either.array.system.host_named


def test_a_step_that_is_shown_has_no_secret() -> None:
    assert SECRET.text not in f"{SetChap(own_name('node'), SECRET, '-chapsecret')}"


async def test_a_host_whose_io_group_a_volume_needs_is_reconciled_when_that_volume_is_detached() -> None:
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
