"""The Secret with the connection: kept correct, read by os-brick itself; Secrets of other owners stay untouched."""

import json
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import mark, target_portals, writes
from support.brick_connector import read_by_os_brick
from support.operator_process import Operator, keeping_volumes, open_secrets
from support.outputs import secret, secret_path, version, volume
from support.recorded_events import await_event
from support.stand import ATTACHMENTS, HOSTS, Stand, iqn, until

BLOCKED = "ConnectionSecretBlocked"
FIRST, SECOND = "canary-one-cl1cket", "canary-two-cl1cket"


@pytest.fixture
def opened(stand: Stand) -> Stand:
    """A namespace in which the operator may write connection Secrets."""
    open_secrets(stand.cluster, stand.namespace, "flashsystem-operator-connection-secrets")
    return stand


def attached(stand: Stand, simulator: Simulator, secret_name: str = "way", **array: Any) -> None:
    stand.array(simulator, **{"resyncInterval": "2s", **array})
    stand.apply(
        stand.host("worker-1"),
        stand.attachment("one", "worker-1", "vol0", connectionSecret={"name": secret_name}),
    )
    stand.ready(ATTACHMENTS, "one")


def bound(stand: Stand) -> str | None:
    name: str | None = stand.status(ATTACHMENTS, "one").get("binding", {}).get("name")
    return name


def content(stand: Stand, name: str = "way") -> dict[str, str]:
    entries: dict[str, str] = until(f"Secret {name}", lambda: secret(stand, name))
    return entries


def test_os_brick_logs_in_to_every_portal_with_the_unchanged_secret(opened: Stand, simulator: Simulator) -> None:
    attached(opened, simulator)

    entries = content(opened)
    read = read_by_os_brick(entries["connection_properties"])

    connection = opened.status(ATTACHMENTS, "one")["connection"]
    paths = [[each["portal"], each["iqn"], connection["lun"]] for each in connection["targets"]]
    assert len(paths) == 2
    assert read["paths"] == paths
    assert read["single"] == paths
    assert read["sessions"] == ["1", "2"]
    logins = [line for line in read["typed"] if line.endswith("--login")]
    assert logins == [f"iscsiadm -m node -T {iqn} -p {portal} --login" for portal, iqn, _ in paths]
    assert json.loads(entries["target_portals"]) == target_portals(connection)
    assert (entries["target_lun"], entries["target_portal"]) == (str(connection["lun"]), target_portals(connection)[0])
    assert (entries["type"], entries["provider"]) == ("iscsi", "flashsystem.io")
    assert opened.cluster.api.get(secret_path(opened, "way"))["type"] == "servicebinding.io/iscsi"
    until("the binding", lambda: bound(opened) == "way")


def test_a_secret_follows_the_portals_and_is_not_written_when_nothing_changed(
    opened: Stand, simulator: Simulator
) -> None:
    attached(opened, simulator)
    before, first = content(opened), version(opened, "way")
    start = mark(simulator)

    simulator.control.change("node", "node2", status="offline")
    until("one portal", lambda: len(json.loads(content(opened)["target_portals"])) == 1)
    simulator.control.change("node", "node2", status="online")
    until("both portals", lambda: content(opened) == before)

    last = version(opened, "way")
    assert last != first
    seen = mark(simulator)
    until("two more full reads", lambda: mark(simulator) > seen + 20)
    assert version(opened, "way") == last
    assert writes(simulator, start) == []


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_a_secret_edited_by_hand_is_corrected_and_a_removed_one_is_created_again(
    opened: Stand, simulator: Simulator
) -> None:
    attached(opened, simulator)
    before = content(opened)

    opened.cluster.api.patch(secret_path(opened, "way"), {"data": {"target_iqn": "Zm9v", "mine": "Zm9v"}})
    until("the correct content", lambda: content(opened) == before)

    opened.cluster.api.delete(secret_path(opened, "way"))
    until("the Secret", lambda: secret(opened, "way") == before)


@pytest.mark.parametrize("simulator", ["legacy"], indirect=True)
def test_a_secret_is_deleted_with_its_attachment_and_not_created_again_meanwhile(
    opened: Stand, simulator: Simulator
) -> None:
    attached(opened, simulator)
    content(opened)
    hold = '--patch={"metadata":{"finalizers":["flashsystem.io/cleanup","example.com/hold"]}}'
    opened.kubectl("patch", ATTACHMENTS, "one", "--type=merge", hold)
    opened.delete(ATTACHMENTS, "one", wait=False)
    opened.await_reason(ATTACHMENTS, "one", "WaitingForFinalizers", "Reconciling")

    opened.cluster.api.delete(secret_path(opened, "way"))
    start = mark(simulator)
    until("two more full reads", lambda: mark(simulator) > start + 20)
    assert secret(opened, "way") is None

    opened.apply(opened.attachment("two", "worker-1", "vol1", connectionSecret={"name": "other"}))
    opened.ready(ATTACHMENTS, "two")
    content(opened, "other")
    opened.delete(ATTACHMENTS, "two")
    until("its deletion", lambda: secret(opened, "other") is None)


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_another_name_moves_the_secret_and_no_name_removes_it(opened: Stand, simulator: Simulator) -> None:
    attached(opened, simulator)
    before = content(opened)

    opened.patch(ATTACHMENTS, "one", {"connectionSecret": {"name": "new-way"}})
    until("the new name", lambda: bound(opened) == "new-way")
    assert content(opened, "new-way") == before
    until("the deletion of the old one", lambda: secret(opened, "way") is None)

    opened.patch(ATTACHMENTS, "one", {"connectionSecret": None})
    until("no binding", lambda: bound(opened) is None)
    assert secret(opened, "new-way") is None


@pytest.mark.parametrize("simulator", ["legacy"], indirect=True)
def test_a_secret_that_the_operator_did_not_create_is_left_unchanged_and_reported(
    opened: Stand, simulator: Simulator
) -> None:
    opened.secret("way", password="mine")
    attached(opened, simulator)

    assert "another name" in opened.await_reason(ATTACHMENTS, "one", "SecretConflict", BLOCKED)
    assert "another name" in await_event(opened, "one", BLOCKED)
    assert bound(opened) is None
    assert secret(opened, "way") == {"password": "mine"}

    opened.patch(ATTACHMENTS, "one", {"connectionSecret": {"name": "own"}})
    until("the binding", lambda: bound(opened) == "own")
    until("the conflict to be over", lambda: not opened.condition(ATTACHMENTS, "one", BLOCKED))
    opened.delete(ATTACHMENTS, "one")
    assert secret(opened, "way") == {"password": "mine"}


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_an_operator_that_may_not_write_secrets_reports_which_right_it_needs(
    stand: Stand, simulator: Simulator, operator: Operator
) -> None:
    attached(stand, simulator)

    message = stand.await_reason(ATTACHMENTS, "one", "SecretForbidden", BLOCKED)
    assert "flashsystem-operator-connection-secrets" in message
    assert bound(stand) is None

    open_secrets(stand.cluster, stand.namespace, "flashsystem-operator-connection-secrets")
    until("the binding", lambda: bound(stand) == "way")
    assert stand.condition(ATTACHMENTS, "one", BLOCKED) == {}
    assert operator.running


@pytest.mark.parametrize("simulator", ["modern"], indirect=True)
def test_the_chap_login_is_passed_on_in_secrets_only_and_follows_its_rotation(
    opened: Stand, simulator: Simulator, operator: Operator
) -> None:
    """A PersistentVolume refers to that Secret and has to wait for it."""
    with keeping_volumes(opened.cluster):
        check_chap_login(opened, simulator, operator)


def check_chap_login(opened: Stand, simulator: Simulator, operator: Operator) -> None:
    opened.array(simulator, resyncInterval="2s", persistentVolumes="Allowed")
    opened.secret("login", password=FIRST)
    spec = {"persistentVolume": {"claimRef": {"name": "data"}}}
    opened.apply(
        opened.host("worker-1", chap={"secretRef": {"name": "login"}}),
        opened.attachment("one", "worker-1", "vol0", **spec),
    )
    opened.await_reason(ATTACHMENTS, "one", "PersistentVolumeNeedsSecret", "PersistentVolumeBlocked")

    opened.patch(ATTACHMENTS, "one", {"connectionSecret": {"name": "way"}})
    typed = read_by_os_brick(content(opened)["connection_properties"])["typed"]
    assert [line.split()[-1] for line in typed if "auth.username" in line] == [iqn("worker-1")] * 2
    assert [line.split()[-1] for line in typed if "auth.password" in line] == [FIRST] * 2
    source = until("the PersistentVolume", lambda: volume(opened))["spec"]["iscsi"]
    assert source["chapAuthSession"] is True
    assert source["secretRef"] == {"name": "way", "namespace": opened.namespace}

    opened.secret("login", password=SECOND)
    until("the new login", lambda: content(opened)["node.session.auth.password"] == SECOND)
    assert simulator.control.state()["hosts"][0]["chap_secret"] == SECOND

    check_without_source_secret(opened, simulator)

    readable = json.dumps(opened.all(ATTACHMENTS, HOSTS)) + json.dumps(volume(opened))
    assert not [canary for canary in (FIRST, SECOND) if canary in readable + operator.log]
    opened.delete(ATTACHMENTS, "one")


def check_without_source_secret(opened: Stand, simulator: Simulator) -> None:
    """Without its source a connection Secret follows the portals and keeps the login, which the array still accepts.

    A connection Secret that is missing is not created without the source.
    """
    opened.kubectl("delete", "secret", "login")
    opened.await_reason(HOSTS, "worker-1", "ChapSecretNotFound")
    simulator.control.change("node", "node2", status="offline")
    until("one portal", lambda: len(json.loads(content(opened)["target_portals"])) == 1)
    assert content(opened)["auth_password"] == SECOND
    assert opened.condition(ATTACHMENTS, "one", BLOCKED) == {}

    opened.kubectl("delete", "secret", "way")
    assert "worker-1" in opened.await_reason(ATTACHMENTS, "one", "HostNotReady", BLOCKED)
    assert bound(opened) is None
    opened.secret("login", password=SECOND)
    assert content(opened)["auth_password"] == SECOND
