"""The CHAP secret of a host: set before its first volume is mapped, rotated with its Secret, and shown nowhere."""

import base64
import json

import pytest

from cluster.api import path_to
from flashsystem_operator.simulator import Simulator
from support.array_state import foreign_host, mark, writes
from support.local_operator import LocalCluster, LocalOperator
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

FIRST, SECOND = "canary-one-wh1stle", "canary-two-wh1stle"
KEY = "node.session.auth.password"


def chap_of(simulator: Simulator, name: str) -> str:
    """The secret with which the machine of that initiator has to log in to the array."""
    hosts = simulator.control.state()["hosts"]
    return next((str(each["chap_secret"]) for each in hosts if each["ports"][0]["name"] == iqn(name)), "")


def chap(secret: str = "node-chap", **more: bool) -> dict[str, object]:
    return {"secretRef": {"name": secret}, **more}


def readable_objects(stand: Namespace) -> str:
    """All that the operator wrote where users can read it, except for Secrets."""
    places = path_to("v1", "events"), path_to("coordination.k8s.io/v1", "leases")
    return json.dumps([stand.all(ARRAYS, HOSTS, ATTACHMENTS), *(stand.api.get(place) for place in places)])


def test_a_chap_secret_is_set_rotated_and_removed_and_shown_nowhere(
    stand: Namespace, cluster_here: LocalCluster, operator: LocalOperator
) -> None:
    with simulated(dialect="modern") as simulator:
        stand.array(simulator, resyncInterval="2s")
        stand.ready(ARRAYS, "array")
        start = mark(simulator)

        # The Secret is unusable at first, then the change is only planned, and then commands fail in several ways.
        stand.apply(stand.host("node", chap=chap()), stand.attachment("one", "node", "vol0"))
        stand.annotate(HOSTS, "node", plan="true")
        assert "node-chap" in stand.await_reason(HOSTS, "node", "ChapSecretNotFound", "Stalled")
        stand.secret("node-chap", password="too short")
        assert "12 to 79" in stand.await_reason(HOSTS, "node", "ChapSecretInvalid", "Stalled")
        stand.secret("node-chap", password=FIRST)
        plan = until("a plan", lambda: stand.status(ATTACHMENTS, "one").get("plan"))
        assert [line.split()[1] for line in plan] == ["mkhost", "chhost", "mkvdiskhostmap"]
        assert "***" in plan[1]
        assert writes(simulator, start) == []
        for text in (f"[{FIRST}] is not valid data.", f"-chapsecret {FIRST}"):
            simulator.control.fault("refuse", "chhost", code="CMMVC5711E", text=text)
        simulator.control.fault("cut", "chhost", when="after", skip=2)
        simulator.control.fault("garble", "lsiscsiauth", skip=1)
        stand.annotate(HOSTS, "node", plan=None)

        stand.ready(ATTACHMENTS, "one")
        order = writes(simulator, start)
        assert order.index("mkvdiskhostmap") > max(n for n, verb in enumerate(order) if verb == "chhost")
        assert chap_of(simulator, "node") == FIRST
        assert stand.status(HOSTS, "node")["chap"]["secretName"] == "node-chap"

        stand.secret("node-chap", password=SECOND)
        until("the new secret", lambda: chap_of(simulator, "node") == SECOND)
        stand.ready(HOSTS, "node")
        stand.patch(HOSTS, "node", {"chap": None})
        until("no secret", lambda: not chap_of(simulator, "node"))

        cluster_here.forbidden.add(writing := f"POST {path_to('v1', 'secrets', namespace=stand.namespace)}")
        stand.apply(stand.host("fresh", chap=chap("made", generate=True), lifecycle="Persistent"))
        role = "flashsystem-operator-connection-secrets"
        assert role in stand.await_reason(HOSTS, "fresh", "ChapSecretForbidden", "Stalled")
        cluster_here.forbidden.remove(writing)
        stand.ready(HOSTS, "fresh")
        created = stand.get_secret("made")
        generated = base64.b64decode(created["data"][KEY]).decode()
        assert chap_of(simulator, "fresh") == generated
        assert created["type"] == "kubernetes.io/iscsi-chap"
        assert [owner["name"] for owner in created["metadata"]["ownerReferences"]] == ["fresh"]

        objects, log = readable_objects(stand), operator.log
        assert log.count("***") >= 5  # each command is logged
        for secret in (FIRST, SECOND, generated):
            assert secret not in objects
            assert secret not in log


def test_a_chap_secret_is_not_set_where_the_array_cannot_or_the_operator_must_not(
    stand: Namespace, cluster_here: LocalCluster, simulator: Simulator
) -> None:
    foreign_host(simulator, "admins", iqn("adopted"))
    stand.secret("node-chap", password=FIRST)
    stand.array(simulator)
    stand.apply(
        stand.host("node", chap=chap()),
        stand.host("adopted", chap=chap()),
        stand.attachment("one", "node", "vol0"),
        stand.attachment("two", "adopted", "vol1"),
    )

    if simulator.dialect == "legacy":
        assert "Remove spec.chap" in stand.await_reason(HOSTS, "node", "NotSupported", "Stalled")
        assert "spec.chap" in stand.await_reason(HOSTS, "adopted", "HostDiffers", "Stalled")
        for volume in ("one", "two"):
            assert "spec.chap" in stand.await_reason(ATTACHMENTS, volume, "HostNotReady")
        assert writes(simulator) == []
    else:
        stand.ready(ATTACHMENTS, "one")
        assert "was not created by this operator" in stand.await_reason(HOSTS, "adopted", "HostDiffers", "Stalled")
        stand.await_reason(ATTACHMENTS, "two", "HostNotReady")
        assert writes(simulator) == ["mkhost", "chhost", "mkvdiskhostmap"]
        cluster_here.forbidden.add(f"GET {path_to('v1', 'secrets', 'any', stand.namespace)}")
        stand.apply(stand.host("closed", chap=chap("any", generate=True)))
        assert "flashsystem-operator-secrets" in stand.await_reason(HOSTS, "closed", "ChapSecretForbidden", "Stalled")
    assert chap_of(simulator, "adopted") == ""
