"""How the operator logs in: with the current content of the Secret, once, and without showing it anywhere else."""

import json

import asyncssh
import pytest

from cluster.api import path_to
from flashsystem_operator.simulator import Simulator
from support.ages import be_younger_than
from support.local_operator import LocalOperator
from support.recorded_events import all_events
from support.simulated_arrays import last, simulated, writes
from support.sshd import USER, Sshd
from support.stand import API, ARRAYS, ATTACHMENTS, HOSTS, Namespace, until

pytestmark = pytest.mark.slow

CANARY = "canary-swordfish-9431"


def private(key: asyncssh.SSHKey, passphrase: str | None = None) -> str:
    return key.export_private_key(passphrase=passphrase).decode()


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"])
def test_every_common_key_type_logs_in_and_takes_precedence_over_a_password(stand: Namespace, kind: str) -> None:
    key = asyncssh.generate_private_key(kind)
    users = [{"name": "operator", "password": "passw0rd", "keys": [public(key)]}]
    with simulated({"users": users}) as simulator:
        stand.secret("array", username="operator", ssh_privatekey=private(key), password="a wrong one")
        stand.secret("stranger", username="operator", ssh_privatekey=private(_other(kind)), password="passw0rd")
        stand.apply(
            stand.array_of(simulator),
            stand.array_of(simulator, "stranger", credentialsSecretRef={"name": "stranger"}),
        )

        stand.ready(ARRAYS, "array")
        assert "with this key" in stand.await_reason(ARRAYS, "stranger", "LoginFailed")


def _version(stand: Namespace) -> str:
    return str(stand.get_secret("array")["metadata"]["resourceVersion"])


def _other(kind: str) -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def test_a_refused_login_is_not_tried_again_until_the_secret_changes(stand: Namespace) -> None:
    with Sshd(password="another") as sshd, simulated() as simulator:
        stand.secret("array", username=USER, password="wrong")
        array = stand.array_of(
            simulator,
            management={"addresses": ["127.0.0.1"], "port": sshd.port},
            hostKeys=list(sshd.lines),
            resyncInterval="1s",
        )
        stand.apply(array)
        message = stand.await_reason(ARRAYS, "array", "LoginFailed")
        assert f"refused '{USER}' with this password" in message
        assert "Correct the Secret" in message

        # Arrays lock users out. Nothing below is a reason to believe that the password is correct now.
        stand.apply(stand.host("worker-1"))
        for number in range(3):
            stand.apply(stand.attachment(f"a{number}", "worker-1", f"vol{number}"))
            stand.await_reason(ATTACHMENTS, f"a{number}", "ArrayNotReady")
        touched = {"metadata": {"annotations": {"example.com/touched": "yes"}}}
        stand.api.patch(path_to(API, "flashsystemarrays", "array", stand.namespace), touched)
        stand.patch(ARRAYS, "array", {"resyncInterval": "2s"})
        stand.await_reason(ARRAYS, "array", "LoginFailed")
        assert sshd.logins == ["password"]

        stand.secret("array", username=USER, password="wrong too")
        until("the new Secret to be tried", lambda: len(sshd.logins) > 1)
        version = _version(stand)
        until(
            "the new version in the status",
            lambda: stand.status(ARRAYS, "array")["credentials"].get("lastTried") == version,
        )
        assert sshd.logins == ["password", "password"]


def test_a_refused_login_is_retried_only_on_request_on_the_array_and_each_request_is_echoed(
    stand: Namespace,
) -> None:
    with Sshd(password="another") as sshd, simulated() as simulator:
        stand.secret("array", username=USER, password="wrong")
        management = {"addresses": ["127.0.0.1"], "port": sshd.port}
        stand.apply(
            stand.array_of(simulator, management=management, hostKeys=list(sshd.lines), resyncInterval="24h"),
            stand.host("worker-1"),
            stand.attachment("one", "worker-1", "vol0"),
        )
        stand.await_reason(ARRAYS, "array", "LoginFailed")
        stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")

        for kind, name, attempts in ((ATTACHMENTS, "one", 0), (HOSTS, "worker-1", 0), (ARRAYS, "array", 1)):
            before = len(sshd.logins)
            stand.annotate(kind, name, reconcile_requested_at="now")
            _echoed(stand, kind, name)
            assert len(sshd.logins) == before + attempts
        assert "on the FlashSystemArray" in stand.await_reason(ATTACHMENTS, "one", "ArrayNotReady")


def _echoed(stand: Namespace, kind: str, name: str) -> None:
    until(f"the echo of {name}", lambda: stand.status(kind, name).get("lastHandledReconcileAt") == "now")


def test_a_corrected_secret_is_used_within_a_minute_without_a_restart(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator, password="wrong", resyncInterval="24h")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.await_reason(ARRAYS, "array", "LoginFailed")
    assert simulator.control.log() == []

    stand.secret("array", username=simulator.user, password="passw0rd")
    stand.ready(ATTACHMENTS, "one")


def test_a_missing_or_unusable_secret_is_reported_with_the_remedy(stand: Namespace, simulator: Simulator) -> None:
    locked = private(asyncssh.generate_private_key("ssh-ed25519"), passphrase="open sesame")
    damaged = private(asyncssh.generate_private_key("ssh-ed25519"))[:120]
    bad: dict[str, tuple[dict[str, str], str]] = {
        "nameless": ({"password": CANARY}, "the user name is missing"),
        "nothing": ({"username": "superuser"}, "neither a password nor a private key"),
        "damaged": ({"username": "superuser", "ssh_privatekey": damaged}, "the private key cannot be read"),
        "locked": ({"username": "superuser", "ssh_privatekey": locked}, "ssh-keygen -p"),
    }
    for name, (data, _) in bad.items():
        stand.secret(name, **data)
    binary = {"username": "c3VwZXJ1c2Vy", "password": "/////w=="}
    stand.apply(_secret(stand, "binary", binary))
    stand.apply(*(stand.array_of(simulator, name, resyncInterval="24h") for name in (*bad, "binary", "missing")))

    for name, (_, why) in bad.items():
        message = stand.await_reason(ARRAYS, name, "CredentialsInvalid")
        assert f"Secret {stand.namespace}/{name} cannot be used" in message
        assert why in message
    assert "its password is not text" in stand.await_reason(ARRAYS, "binary", "CredentialsInvalid")
    assert f"There is no Secret {stand.namespace}/missing" in stand.await_reason(
        ARRAYS, "missing", "CredentialsNotFound"
    )
    assert simulator.control.log() == []

    stand.secret("missing", username=simulator.user, password="passw0rd")
    stand.ready(ARRAYS, "missing")


def _secret(stand: Namespace, name: str, data: dict[str, str]) -> dict[str, object]:
    meta = {"name": name, "namespace": stand.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


def test_the_last_working_credentials_stay_in_use_when_the_secret_is_deleted(
    stand: Namespace, simulator: Simulator
) -> None:
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    stand.delete_secret("array")
    _await_reads(simulator)
    simulator.control.change("sessions")
    stand.apply(stand.attachment("two", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "two")
    _await_reads(simulator)
    stand.delete(ATTACHMENTS, "one", "two")
    stand.delete(HOSTS, "worker-1")
    assert simulator.control.state()["hosts"] == []


def _await_reads(simulator: Simulator) -> None:
    """Wait until two resyncs have started from now on: the first may have started before."""
    seen = last(simulator)
    until(
        "two more full reads",
        lambda: sum("lssystem" in entry["line"] for entry in simulator.control.log(seen)) > 1,
    )


def test_a_rotated_secret_is_used_while_the_array_is_ready(stand: Namespace) -> None:
    users = [{"name": "old", "password": "first"}, {"name": "new", "password": "second"}]
    with simulated({"users": users}) as simulator:
        stand.secret("array", username="old", password="first")
        stand.apply(stand.array_of(simulator, resyncInterval="1s"))
        stand.ready(ARRAYS, "array")

        stand.secret("array", username="new", password="second")
        seen = last(simulator)
        until(
            "a command of the new user",
            lambda: any(entry["user"] == "new" for entry in simulator.control.log(seen)),
        )
        stand.await_reason(ARRAYS, "array", "Ready")
        version = _version(stand)
        until(
            "the new version in the status",
            lambda: stand.status(ARRAYS, "array")["credentials"] == {"lastWorked": version, "lastTried": version},
        )


def test_an_array_without_a_free_session_is_retried_automatically(stand: Namespace, simulator: Simulator) -> None:
    fault = simulator.control.fault("login_failed_on_stdout", times=None)
    stand.array(simulator, resyncInterval="1s")

    assert "lower spec.limits.sessions" in stand.await_reason(ARRAYS, "array", "Unreachable")

    simulator.control.forget(fault)
    stand.await_reason(ARRAYS, "array", "Ready")


def test_a_read_only_user_is_reported_with_the_error_text_of_the_array(stand: Namespace, simulator: Simulator) -> None:
    stand.secret("array", username="monitor", password="passw0rd")
    stand.apply(stand.array_of(simulator))
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    assert "CMMVC9027E" in stand.await_reason(ATTACHMENTS, "one", "RefusedByArray")
    stand.ready(ARRAYS, "array")
    assert simulator.control.state()["hosts"] == []


def test_no_secret_is_ever_visible_outside_its_secret(stand: Namespace, operator: LocalOperator) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    body = "".join(private(key).splitlines()[1:-1])
    users = [{"name": "one", "password": CANARY}, {"name": "two", "keys": [public(key)]}]
    with simulated({"users": users}) as simulator:
        stand.secret("good", username="one", password=CANARY)
        stand.secret("key", username="two", ssh_privatekey=private(key))
        stand.secret("refused", username="two", password=CANARY)
        stand.secret("damaged", username="two", ssh_privatekey=private(key).replace("OPENSSH PRIVATE", "RSA PRIVATE"))
        stand.secret("swapped", username=CANARY, ssh_privatekey=CANARY)
        stand.apply(stand.array_of(simulator, "good"))
        stand.ready(ARRAYS, "good")
        be_younger_than(stand, ARRAYS, "good")
        stand.apply(*(stand.array_of(simulator, name) for name in ("key", "refused", "damaged", "swapped")))
        stand.apply(stand.host("worker-1", array="good"), stand.attachment("a", "worker-1", "vol0"))
        stand.await_reason(ARRAYS, "refused", "LoginFailed")
        stand.await_reason(ARRAYS, "damaged", "CredentialsInvalid")
        stand.await_reason(ARRAYS, "swapped", "CredentialsInvalid")
        stand.ready(ATTACHMENTS, "a")
        assert writes(simulator)
        stand.await_reason(ARRAYS, "key", "DuplicateArray")

    objects = json.dumps([stand.all(ARRAYS, HOSTS, ATTACHMENTS), all_events(stand)])
    leases = json.dumps(stand.api.get(path_to("coordination.k8s.io/v1", "leases")))
    for where in (objects, leases, operator.log):
        assert CANARY not in where
        assert body[20:60] not in where.replace("\\n", "").replace("\n", "")
