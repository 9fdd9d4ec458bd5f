"""The CHAP secret of a host: set before its first volume, rotated with its Secret, and written nowhere."""

import base64
import json

from flashsystem_operator.simulator import Simulator
from support.array_state import foreign_host, mark, writes
from support.operator_process import Operator, open_secrets
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until

FIRST, SECOND = "canary-one-wh1stle", "canary-two-wh1stle"
KEY = "node.session.auth.password"


def chap_of(simulator: Simulator, name: str) -> str:
    """The secret that the array asks the machine of that initiator for."""
    hosts = simulator.control.state()["hosts"]
    return next((str(each["chap_secret"]) for each in hosts if each["ports"][0]["name"] == iqn(name)), "")


def chap(secret: str = "node-chap", **more: bool) -> dict[str, object]:
    return {"secretRef": {"name": secret}, **more}


def seen_in_the_cluster(stand: Stand) -> str:
    """All that the operator wrote where somebody could read it, but for Secrets."""
    kinds = (ARRAYS, HOSTS, ATTACHMENTS, "events", "leases.coordination.k8s.io")
    return json.dumps([stand.cluster.get(kind, "--all-namespaces") for kind in kinds])


def annotate(stand: Stand, kind: str, name: str, *words: str) -> None:
    stand.kubectl("annotate", kind, name, *words)


def test_a_chap_secret_is_set_rotated_and_taken_away_and_nobody_reads_it(stand: Stand, operator: Operator) -> None:
    with simulated(dialect="modern") as simulator:
        stand.array(simulator, resyncInterval="2s")
        stand.ready(ARRAYS, "array")
        start = mark(simulator)

        # What is wished cannot be had at first, then it is only planned, and then it goes wrong in every way.
        stand.apply(stand.host("node", chap=chap()), stand.attachment("one", "node", "vol0"))
        annotate(stand, HOSTS, "node", "flashsystem.io/plan=true")
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
        annotate(stand, HOSTS, "node", "flashsystem.io/plan-")

        stand.ready(ATTACHMENTS, "one")
        order = writes(simulator, start)
        assert order.index("mkvdiskhostmap") > max(n for n, verb in enumerate(order) if verb == "chhost")
        assert chap_of(simulator, "node") == FIRST
        assert stand.status(HOSTS, "node")["chap"]["secretName"] == "node-chap"

        stand.secret("node-chap", password=SECOND)
        until("the new secret", lambda: chap_of(simulator, "node") == SECOND)
        stand.ready(HOSTS, "node")
        stand.kubectl("patch", HOSTS, "node", "--type=json", '--patch=[{"op": "remove", "path": "/spec/chap"}]')
        until("no secret", lambda: not chap_of(simulator, "node"))

        stand.apply(stand.host("fresh", chap=chap("made", generate=True), lifecycle="Persistent"))
        role = "flashsystem-operator-connection-secrets"
        assert role in stand.await_reason(HOSTS, "fresh", "ChapSecretForbidden", "Stalled")
        open_secrets(stand.cluster, stand.namespace, role)
        stand.ready(HOSTS, "fresh")
        made = stand.cluster.get("secret", "made", "--namespace", stand.namespace)
        generated = base64.b64decode(made["data"][KEY]).decode()
        assert chap_of(simulator, "fresh") == generated
        assert made["type"] == "kubernetes.io/iscsi-chap"
        assert [owner["name"] for owner in made["metadata"]["ownerReferences"]] == ["fresh"]

        said, log = seen_in_the_cluster(stand), operator.log
        assert log.count("***") >= 5  # each command is there
        for secret in (FIRST, SECOND, generated):
            assert secret not in said
            assert secret not in log


def test_a_secret_is_not_set_where_it_cannot_be_or_must_not(stand: Stand, simulator: Simulator) -> None:
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
        stand.kubectl("delete", "rolebinding", "flashsystem-operator-secrets")
        stand.apply(stand.host("closed", chap=chap("any", generate=True)))
        assert "flashsystem-operator-secrets" in stand.await_reason(HOSTS, "closed", "ChapSecretForbidden", "Stalled")
    assert chap_of(simulator, "adopted") == ""
