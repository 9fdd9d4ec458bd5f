"""What is reported in addition to conditions: the change log and Events."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, commands, foreign_host, uid
from support.change_log import changes
from support.local_operator import LocalOperator
from support.recorded_events import await_event, events, reasons
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow


def test_the_change_log_shows_which_resource_mapped_and_unmapped_a_volume_and_why(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("db", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "db")
    resource, system = stand.get(ATTACHMENTS, "db"), stand.status(ARRAYS, "array")["systemID"]
    stand.delete(ATTACHMENTS, "db")
    until("the host object to be removed", lambda: not simulator.control.state()["hosts"])

    changed = changes(operator, volumeUID=uid(simulator, "vol0"), uid=resource["metadata"]["uid"])
    mapped, unmapped = changed

    resource_ref = {"kind": "VolumeAttachment", "namespace": stand.namespace, "name": "db"}
    assert [each["resource"] for each in changed] == [resource_ref, resource_ref]
    assert [each["why"] for each in changed] == ["attach", "detach"]
    assert [each["result"] for each in changed] == ["done", "done"]
    assert all(each["array"] == {"namespace": stand.namespace, "name": "array", "system": system} for each in changed)
    assert f"{stand.namespace}/db is being deleted since 20" in unmapped["because"]
    assert mapped["time"] < unmapped["time"]
    assert mapped["generation"] == resource["metadata"]["generation"]


def test_the_change_log_has_a_line_for_each_write_verbatim_and_in_order(
    stand: Namespace, simulator: Simulator, operator: LocalOperator
) -> None:
    fault = simulator.control.fault("refuse", "mkvdiskhostmap", code="CMMVC9998E", text="Ni oui ni non", times=1)
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("db", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "db")
    simulator.control.forget(fault)
    stand.delete(ATTACHMENTS, "db")
    stand.delete(HOSTS, "worker-1")

    changed = [each for each in changes(operator) if each["array"]["namespace"] == stand.namespace]
    sent = [command for command in commands(simulator) if command["writes"]]

    assert [each["command"].split()[1:] for each in changed] == [command["words"] for command in sent]
    assert [each["why"] for each in changed] == ["host made", "attach", "attach", "detach", "host emptied"]
    assert [each["result"] for each in changed] == ["done", "refused", "done", "done", "done"]
    assert (changed[1]["code"], changed[1]["words"]) == ("CMMVC9998E", "CMMVC9998E Ni oui ni non")
    (warning,) = [
        line
        for line in operator.log.splitlines()
        if "an unknown code" in line and "CMMVC9998E" in line and f"{stand.namespace}/db" in line
    ]
    assert " WARNING " in warning


def test_the_lifecycle_of_an_attachment_is_reported_in_events_of_it_and_its_host(
    stand: Namespace, simulator: Simulator
) -> None:
    refusing = simulator.control.fault("refuse", "mkvdiskhostmap", code="CMMVC5879E", text="Non.", times=None)
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("db", "worker-1", "vol0"))
    refused = await_event(stand, "db", "RefusedByArray")
    assert "CMMVC5879E Non." in refused
    assert "taken by another volume" in refused
    simulator.control.forget(refusing)

    assert "vol0 is mapped to host worker-1-" in await_event(stand, "db", "VolumeMapped")
    assert "worker-1-" in await_event(stand, "worker-1", "HostObjectCreated")
    stand.apply(stand.attachment("second", "worker-1", "vol0"))
    assert "db" in await_event(stand, "second", "Duplicate")

    host = stand.status(HOSTS, "worker-1")["name"]
    stand.delete(ATTACHMENTS, "second", "db")
    assert f"vol0 is no longer mapped to host {host}" in await_event(stand, "db", "Detached")
    assert host in await_event(stand, "worker-1", "HostObjectRemoved")

    assert reasons(stand, "db") == ["RefusedByArray", "VolumeMapped", "Detached"]
    assert reasons(stand, "worker-1") == ["HostObjectCreated", "HostObjectRemoved"]
    assert reasons(stand, "second") == ["Duplicate"]
    kinds = {event["reason"]: event["type"] for event in events(stand, "db")}
    assert kinds == {"RefusedByArray": "Warning", "VolumeMapped": "Normal", "Detached": "Normal"}


def test_changes_by_an_administrator_and_their_corrections_are_reported_in_events(
    stand: Namespace, simulator: Simulator
) -> None:
    foreign_host(simulator, "admins", iqn("worker-1"), volumes=("vol0",))
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("found", "worker-1", "vol0"),
        stand.attachment("made", "worker-1", "vol1"),
    )
    assert "It was there before" in await_event(stand, "found", "VolumeMapped")
    assert "admins of the array administrator" in await_event(stand, "worker-1", "HostObjectAdopted")
    stand.ready(ATTACHMENTS, "made")

    admin(simulator, "rmvdiskhostmap -host admins vol1")
    assert "missing on the array" in await_event(stand, "made", "DriftCorrected")

    stand.delete(ATTACHMENTS, "found", "made")
    assert "stays mapped to host admins" in await_event(stand, "found", "LeftOnArray")
    await_event(stand, "made", "Detached")


def test_an_array_that_is_down_is_reported_once_on_the_array_and_on_none_of_its_objects(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    names = [f"a{number}" for number in range(4)]
    stand.apply(stand.host("worker-1"), *(stand.attachment(name, "worker-1", f"vol{name[1:]}") for name in names))
    stand.ready(ATTACHMENTS, *names)
    for name in names:
        await_event(stand, name, "VolumeMapped")

    port = simulator.port
    stand.patch(ARRAYS, "array", {"management": {"addresses": [simulator.host], "port": 1}})
    await_event(stand, "array", "Unreachable")
    stand.apply(stand.attachment("late", "worker-1", "vol4"))
    stand.await_reason(ATTACHMENTS, "late", "ArrayNotReady")
    stand.patch(ARRAYS, "array", {"management": {"addresses": [simulator.host], "port": port}})
    assert "answers again" in await_event(stand, "array", "Reachable")
    stand.ready(ATTACHMENTS, "late")
    await_event(stand, "late", "VolumeMapped")

    assert reasons(stand, "array") == ["ArrayReady", "Unreachable", "Reachable"]
    assert [reasons(stand, name) for name in [*names, "late"]] == [["VolumeMapped"]] * 5
