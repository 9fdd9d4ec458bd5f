"""What is applied again, as Git is every few minutes, changes nothing and differs in nothing, at any time of life."""

import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from flashsystem_operator.simulator import Simulator
from support.array_state import mappings
from support.operator_process import Operator
from support.simulated_arrays import simulated
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"
APART = ("Secret", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
"""Not applied: the stand has what it needs of these. A stringData is never found again in what the API server keeps."""

CLIENTS = ("FlashSystemArray", "FlashSystemHost")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """One dialect is enough: nothing of what is applied comes from the array's command line. It has db-data."""
    with simulated(dialect="modern") as running:
        running.control.change("volume", "vol0", name="db-data")
        yield running


class Manifest(NamedTuple):
    """A file, and how it is applied and compared."""

    file: Path
    how: tuple[str, ...] = ()


@pytest.fixture
def manifests(stand: Stand, simulator: Simulator, tmp_path: Path) -> list[Manifest]:
    """All examples, for the stand's namespace: those of arrays and hosts by the client, others by the API server.

    The way to fs-modern leads to the simulator.
    """
    built = yaml.safe_load_all(stand.kubectl("kustomize", str(EXAMPLES)))
    documents = [placed(each, stand, simulator) for each in built if each["kind"] not in APART]
    stand.secret("fs-modern-login", username=simulator.user, password="passw0rd")
    by_client = [each for each in documents if each["kind"] in CLIENTS]
    by_server = [each for each in documents if each["kind"] not in CLIENTS]
    found = [Manifest(tmp_path / "client.yaml"), Manifest(tmp_path / "server.yaml", ("--server-side",))]
    for manifest, own in zip(found, (by_client, by_server), strict=True):
        manifest.file.write_text(yaml.safe_dump_all(own), encoding="utf-8")
    return found


def placed(document: dict[str, Any], stand: Stand, simulator: Simulator) -> dict[str, Any]:
    document["metadata"]["namespace"] = stand.namespace
    if document["kind"] == "FlashSystemArray" and document["metadata"]["name"] == "fs-modern":
        document["spec"]["management"] = {"addresses": [simulator.host], "port": simulator.port}
        document["spec"]["hostKeys"] = [simulator.host_key]
        document["spec"]["resyncInterval"] = "2s"
    return document


def test_applying_again_is_no_difference_from_the_first_moment_to_the_last(
    stand: Stand, simulator: Simulator, operator: Operator, manifests: list[Manifest]
) -> None:
    operator.stop()
    for manifest in manifests:
        apply(stand, manifest)
    nothing_differs(stand, manifests)  # only the API server's defaults are there
    operator.start()
    stand.ready(ATTACHMENTS, "db-data")
    until("each to have been looked at", partial(all_seen, stand))
    nothing_differs(stand, manifests)  # status and finalizers, of some that are Ready and others that are Stalled
    manifests = [taken_over(stand, each) for each in manifests]

    for kind, name in ((ATTACHMENTS, "db-data"), (HOSTS, "node-1"), (ARRAYS, "fs-modern")):
        stand.annotate(kind, name, paused="true")
    stand.await_reason(ATTACHMENTS, "db-data", "Paused", "Paused")
    nothing_differs(stand, manifests)  # what somebody said by an annotation is not in Git, and stays

    simulator.control.change("host_port", iqn("node-1"), logins=1)
    stand.delete(ARRAYS, "fs-modern", wait=False)
    stand.delete(HOSTS, "node-1", wait=False)
    stand.delete(ATTACHMENTS, "db-data", wait=False)
    stand.await_reason(ATTACHMENTS, "db-data", "DetachBlocked")
    stand.await_reason(ARRAYS, "fs-modern", "InUse")
    nothing_differs(stand, manifests)  # what is being deleted is neither held back nor made anew by it
    assert [(volume, host[:7]) for host, volume, _ in mappings(simulator)] == [("db-data", "node-1-")]

    simulator.control.change("host_port", iqn("node-1"), logins=0)
    for kind, name in ((ATTACHMENTS, "db-data"), (HOSTS, "node-1"), (ARRAYS, "fs-modern")):
        stand.annotate(kind, name, paused=None)
    stand.delete(ATTACHMENTS, *names(stand, ATTACHMENTS))
    stand.delete(HOSTS, *names(stand, HOSTS))
    stand.gone(ARRAYS, "fs-modern")


def nothing_differs(stand: Stand, manifests: Sequence[Manifest]) -> None:
    """Not for `kubectl diff`, and not when it is applied again."""
    before = versions(stand)
    for manifest in manifests:
        assert difference(stand, manifest) == ""
        apply(stand, manifest)
    assert versions(stand) == before


def difference(stand: Stand, manifest: Manifest) -> str:
    """What `kubectl diff` shows, which ends with 1 then, or what it complains of."""
    command = stand.cluster.kubectl_command("diff", *manifest.how, "--filename", str(manifest.file))
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=stand.cluster.environment())
    return ended.stdout if ended.returncode in {0, 1} else ended.stderr


def apply(stand: Stand, manifest: Manifest) -> None:
    """A conflict would be a failure."""
    stand.kubectl("apply", *manifest.how, "--filename", str(manifest.file))


def taken_over(stand: Stand, manifest: Manifest) -> Manifest:
    """Whoever applied it by the client may go on by the API server: no field is disputed."""
    by_server = Manifest(manifest.file, ("--server-side",))
    apply(stand, by_server)
    return by_server


def versions(stand: Stand) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Of each object all that is not its status: its metadata, with who owns which fields of it, and its spec."""
    return {
        (each["kind"], each["metadata"]["name"]): (
            each["metadata"]["uid"],
            each["metadata"]["generation"],
            each["metadata"].get("annotations"),
            each["metadata"].get("finalizers"),
            [owner for owner in each["metadata"]["managedFields"] if owner.get("subresource") != "status"],
            each["spec"],
        )
        for each in stand.all(ARRAYS, HOSTS, ATTACHMENTS)
    }


def names(stand: Stand, kind: str) -> list[str]:
    return [each["metadata"]["name"] for each in stand.all(kind) if "deletionTimestamp" not in each["metadata"]]


def all_seen(stand: Stand) -> bool:
    found = stand.all(ARRAYS, HOSTS, ATTACHMENTS)
    return all(each["status"]["observedGeneration"] == each["metadata"]["generation"] for each in found)
