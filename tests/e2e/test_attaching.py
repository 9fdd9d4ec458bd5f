"""The first steps of a user: attach, connect, detach. In both dialects, through DNS, Service and SSH between pods."""

import json

from onkind.lab import Team


def test_a_volume_is_attached_and_its_connection_is_reported(team: Team) -> None:
    team.volumes("data")

    team.apply(*team.hosts("worker-1"), team.attachment("data", "worker-1"))
    team.await_ready("fsattach/data")

    ((host, _, lun),) = team.mapped("data")
    assert team.array.hosts(team.iqn("worker-1")) == {host}
    status = team.get("fsattach", "data")["status"]
    assert status["lun"] == status["connection"]["lun"] == lun
    assert status["host"]["name"] == host
    array = team.array.state()
    portals = {each["address"] for each in (*array["ports"], *array["addresses"])}
    first, *_ = status["connection"]["targets"]
    assert first["portal"].rpartition(":")[0] in portals
    assert first["iqn"] in {node["iscsi_name"] for node in array["nodes"]}


def test_a_volume_is_detached_and_its_host_object_is_removed_with_the_last(team: Team) -> None:
    team.volumes("one", "two")
    team.apply(*team.hosts("worker-1"), team.attachment("one", "worker-1"), team.attachment("two", "worker-1"))
    team.await_ready("fsattach --all")
    before = team.array.hosts(team.iqn("worker-1"))

    team.delete("fsattach/one")
    assert team.mapped("one") == set()
    assert len(team.mapped("two")) == 1
    assert team.array.hosts(team.iqn("worker-1")) == before != set()

    team.delete("fsattach/two fshost/worker-1")
    assert team.mapped("two") == set()
    assert team.array.hosts(team.iqn("worker-1")) == set()


def test_a_missing_volume_is_reported_in_the_attachment_and_changes_nothing(team: Team) -> None:
    before = json.dumps(team.array.state()["mappings"])

    team.apply(*team.hosts("worker-1"), team.attachment("nowhere", "worker-1"))
    team.kubectl("wait", "--for=jsonpath={.status.conditions[?(@.type=='Ready')].status}=False", "fsattach/nowhere")

    conditions = {each["type"]: each for each in team.get("fsattach", "nowhere")["status"]["conditions"]}
    assert team.volume("nowhere") in conditions["Ready"]["message"]
    assert json.dumps(team.array.state()["mappings"]) == before
