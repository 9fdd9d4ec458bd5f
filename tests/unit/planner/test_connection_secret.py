"""The content of the Secret that publishes a connection, read by os-brick itself and not by our own code."""

import json
from typing import Any

import pytest

from flashsystem_operator.api.attachment import Connection, Target
from flashsystem_operator.planner.outputs import (
    Chap,
    cannot_be_changed,
    encoded,
    is_left_over,
    is_our_secret,
    login_in,
    secret_body,
    secret_entries,
)
from flashsystem_operator.values import Lun
from support.brick_connector import read_by_os_brick
from support.builders import NAMESPACE, attachment

CANARY = "n0body-must-see-this"
PATHS = [["10.0.1.11:3260", "iqn.1986-03.com.ibm:n1", 3], ["[fd00::12]:3260", "iqn.1986-03.com.ibm:n2", 3]]
CONNECTION = Connection(
    volume_uid="6005076810CA0166C000000000000012",
    lun=Lun(3),
    targets=(
        Target(portal="10.0.1.11:3260", iqn="iqn.1986-03.com.ibm:n1"),
        Target(portal="[fd00::12]:3260", iqn="iqn.1986-03.com.ibm:n2"),
    ),
)


def read(chap: Chap | None = None) -> Any:
    return read_by_os_brick(secret_entries(CONNECTION, chap)["connection_properties"])


@pytest.mark.slow
def test_os_brick_reads_each_path_with_and_without_multipath() -> None:
    read_back = read()

    assert read_back["paths"] == PATHS
    assert read_back["single"] == PATHS
    assert not [line for line in read_back["typed"] if "auth" in line]


@pytest.mark.slow
def test_os_brick_logs_in_with_the_chap_login() -> None:
    typed = read(Chap("iqn.1994-05.com.redhat:node-1", "s3cr3ts3cr3t"))["typed"]

    for portal, iqn, _ in PATHS:
        update = f"iscsiadm -m node -T {iqn} -p {portal} --op update -n node.session.auth."
        assert f"{update}authmethod -v CHAP" in typed
        assert f"{update}username -v iqn.1994-05.com.redhat:node-1" in typed
        assert f"{update}password -v s3cr3ts3cr3t" in typed


def test_each_property_has_an_entry_of_its_own_and_lists_are_json() -> None:
    found = secret_entries(CONNECTION, Chap("me", CANARY))

    assert json.loads(found["target_portals"]) == [path[0] for path in PATHS]
    assert (found["target_portal"], found["target_lun"], found["target_discovered"]) == (PATHS[0][0], "3", "false")
    assert (found["auth_username"], found["node.session.auth.password"]) == ("me", CANARY)
    assert (found["type"], found["provider"]) == ("iscsi", "flashsystem.io")


def test_without_chap_there_is_no_entry_for_it() -> None:
    assert not [key for key in secret_entries(CONNECTION, None) if "auth" in key]


def test_a_login_does_not_show_its_password() -> None:
    assert CANARY not in repr(Chap("me", CANARY))


def test_a_secret_is_ours_only_if_it_was_created_for_this_same_attachment() -> None:
    resource, namesake = attachment("one", "a"), attachment("one", "a")
    created = secret_body(resource, "way", {"a": "b"})

    assert is_our_secret(resource, created)
    assert not is_our_secret(namesake, created)
    assert is_left_over(namesake, created)
    assert not is_left_over(attachment("two", "a"), created)
    assert created["metadata"]["namespace"] == NAMESPACE


def test_the_login_of_a_secret_is_read_back_as_it_was_written() -> None:
    resource, login = attachment("one", "a"), Chap("me", CANARY)

    assert login_in(secret_body(resource, "way", secret_entries(CONNECTION, login))) == login
    assert login_in(secret_body(resource, "way", secret_entries(CONNECTION, None))) is None
    assert login_in({"data": {"auth_username": "bWU=", "auth_password": "?"}}) is None
    assert login_in({}) is None


def test_a_secret_with_an_owner_that_is_not_its_controller_is_not_ours() -> None:
    resource = attachment("one", "a")
    created = secret_body(resource, "way", {})
    del created["metadata"]["ownerReferences"][0]["controller"]

    assert not is_our_secret(resource, created)
    assert not is_our_secret(resource, {"metadata": {}})


@pytest.mark.parametrize("change", [{"kind": "ConfigMap"}, {"apiVersion": "v1"}, {"apiVersion": "other.io/v1"}])
def test_an_owner_of_another_kind_is_no_attachment_whatever_its_uid_and_name(change: dict[str, str]) -> None:
    resource = attachment("one", "a")
    created = secret_body(resource, "way", {})
    created["metadata"]["ownerReferences"][0] |= change

    assert not is_our_secret(resource, created)
    assert not is_left_over(resource, created)


@pytest.mark.parametrize(
    ("change", "recreated"), [({}, False), ({"type": "Opaque"}, True), ({"immutable": True}, True)]
)
def test_a_secret_that_cannot_be_changed_is_created_again(change: dict[str, Any], recreated: bool) -> None:
    assert cannot_be_changed(secret_body(attachment("one", "a"), "way", {}) | change) == recreated


def test_entries_are_encoded_as_kubernetes_encodes_them() -> None:
    assert encoded({"a": "é"}) == {"a": "w6k="}
