"""Manifests that are applied again, as GitOps tools do every few minutes, show no difference and change nothing."""

import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from flashsystem_operator.simulator import Simulator
from support.array_state import looks, mappings, mark
from support.operator_process import Operator
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, VOLUMES, Stand, iqn, until

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"
EXCLUDED = ("Secret", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
"""Not applied: the stand provides these. The API server does not return stringData, so it would always differ."""

CLIENTS = ("FlashSystemArray", "FlashSystemHost")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """One dialect is enough: no manifest depends on the dialect. The array has volume db-data."""
    with simulated(dialect="modern") as running:
        running.control.change("volume", "vol0", name="db-data")
        yield running


class Manifest(NamedTuple):
    """A file, and the options with which it is applied and compared."""

    file: Path
    options: tuple[str, ...] = ()


@pytest.fixture
def manifests(stand: Stand, simulator: Simulator, tmp_path: Path) -> list[Manifest]:
    """All examples, in the stand's namespace: arrays and hosts for client-side apply, others for server-side apply.

    The management address of fs-modern is that of the simulator.
    """
    built = yaml.safe_load_all(stand.kubectl("kustomize", str(EXAMPLES)))
    documents = [adapt_to_stand(each, stand, simulator) for each in built if each["kind"] not in EXCLUDED]
    stand.secret("fs-modern-login", username=simulator.user, password="passw0rd")
    by_client = [each for each in documents if each["kind"] in CLIENTS]
    by_server = [each for each in documents if each["kind"] not in CLIENTS]
    found = [Manifest(tmp_path / "client.yaml"), Manifest(tmp_path / "server.yaml", ("--server-side",))]
    for manifest, own in zip(found, (by_client, by_server), strict=True):
        manifest.file.write_text(yaml.safe_dump_all(own), encoding="utf-8")
    return found


def adapt_to_stand(document: dict[str, Any], stand: Stand, simulator: Simulator) -> dict[str, Any]:
    document["metadata"]["namespace"] = stand.namespace
    if document["kind"] == "FlashSystemArray" and document["metadata"]["name"] == "fs-modern":
        document["spec"]["management"] = {"addresses": [simulator.host], "port": simulator.port}
        document["spec"]["hostKeys"] = [simulator.host_key]
        document["spec"]["resyncInterval"] = "2s"
    return document


def test_applying_the_manifests_again_shows_no_difference_from_creation_to_deletion(
    stand: Stand, simulator: Simulator, operator: Operator, manifests: list[Manifest]
) -> None:
    operator.stop()
    for manifest in manifests:
        apply(stand, manifest)
    assert_no_difference(stand, manifests)  # only the API server has added its defaults
    operator.start()
    stand.ready(ATTACHMENTS, "db-data")
    until("every object to be observed", partial(all_observed, stand))
    until("reads of the array that change no status", partial(is_at_rest, stand, simulator))
    assert_no_difference(stand, manifests)  # with status and finalizers: some are Ready, others Stalled
    manifests = [switched_to_server_side(stand, each) for each in manifests]

    for kind, name in ((ATTACHMENTS, "db-data"), (HOSTS, "node-1"), (ARRAYS, "fs-modern")):
        stand.annotate(kind, name, paused="true")
    stand.await_reason(ATTACHMENTS, "db-data", "Paused", "Paused")
    assert_no_difference(stand, manifests)  # annotations that a user added are not in Git, and stay

    simulator.control.change("host_port", iqn("node-1"), logins=1)
    stand.delete(ARRAYS, "fs-modern", wait=False)
    stand.delete(HOSTS, "node-1", wait=False)
    stand.delete(ATTACHMENTS, "db-data", wait=False)
    stand.await_reason(ATTACHMENTS, "db-data", "DetachBlocked")
    stand.await_reason(ARRAYS, "fs-modern", "InUse")
    assert_no_difference(stand, manifests)  # objects that are being deleted are neither kept nor created again
    assert [(volume, host[:7]) for host, volume, _ in mappings(simulator)] == [("db-data", "node-1-")]

    simulator.control.change("host_port", iqn("node-1"), logins=0)
    for kind, name in ((ATTACHMENTS, "db-data"), (HOSTS, "node-1"), (ARRAYS, "fs-modern")):
        stand.annotate(kind, name, paused=None)
    stand.delete(ATTACHMENTS, *names(stand, ATTACHMENTS))
    stand.delete(HOSTS, *names(stand, HOSTS))
    stand.delete(VOLUMES, *names(stand, VOLUMES))
    stand.gone(ARRAYS, "fs-modern")


def assert_no_difference(stand: Stand, manifests: Sequence[Manifest]) -> None:
    """Neither `kubectl diff` nor a further apply finds a difference."""
    before = versions(stand)
    for manifest in manifests:
        assert difference(stand, manifest) == ""
        apply(stand, manifest)
    assert versions(stand) == before


def difference(stand: Stand, manifest: Manifest) -> str:
    """Return the output of `kubectl diff`, which exits with 1 if there is a difference, or its error message."""
    command = stand.cluster.kubectl_command("diff", *manifest.options, "--filename", str(manifest.file))
    completed = subprocess.run(command, check=False, capture_output=True, text=True, env=stand.cluster.environment())
    return completed.stdout if completed.returncode in {0, 1} else completed.stderr


def apply(stand: Stand, manifest: Manifest) -> None:
    """A field conflict raises."""
    stand.kubectl("apply", *manifest.options, "--filename", str(manifest.file))


def switched_to_server_side(stand: Stand, manifest: Manifest) -> Manifest:
    """A user may switch from client-side to server-side apply: no field conflicts."""
    by_server = Manifest(manifest.file, ("--server-side",))
    apply(stand, by_server)
    return by_server


def versions(stand: Stand) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Everything of each object but its status: its metadata with the field managers, and its spec."""
    return {
        (each["kind"], each["metadata"]["name"]): (
            each["metadata"]["uid"],
            each["metadata"]["generation"],
            each["metadata"].get("annotations"),
            each["metadata"].get("finalizers"),
            [owner for owner in each["metadata"]["managedFields"] if owner.get("subresource") != "status"],
            each["spec"],
        )
        for each in stand.all(ARRAYS, HOSTS, VOLUMES, ATTACHMENTS)
    }


def names(stand: Stand, kind: str) -> list[str]:
    return [each["metadata"]["name"] for each in stand.all(kind) if "deletionTimestamp" not in each["metadata"]]


def is_at_rest(stand: Stand, simulator: Simulator) -> bool:
    """Whether two further reads of the array change no object: pools and counts follow what was created."""

    def written() -> list[str]:
        return [each["metadata"]["resourceVersion"] for each in stand.all(ARRAYS, HOSTS, VOLUMES, ATTACHMENTS)]

    before, since = written(), mark(simulator)
    until("two reads of the array", lambda: looks(simulator, since) > 2)
    return written() == before


def all_observed(stand: Stand) -> bool:
    found = stand.all(ARRAYS, HOSTS, VOLUMES, ATTACHMENTS)
    return all(each["status"]["observedGeneration"] == each["metadata"]["generation"] for each in found)
