"""The operator does exactly what the command line announced, for a plan and for an import."""

import json
from pathlib import Path

import yaml

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host
from support.brownfield import SHARED, fill, unfit
from support.program import program
from support.simulated_arrays import simulated, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, VOLUMES, Stand, iqn


def test_an_applied_import_adopts_existing_objects_and_changes_nothing_on_the_array(
    stand: Stand, simulator: Simulator
) -> None:
    fill(simulator)
    skipped = unfit(simulator)
    stand.array(simulator)
    stand.ready(ARRAYS, "array")
    before = simulator.control.state()
    options = ("--array", "array", "-n", stand.namespace, "--kubeconfig", str(stand.cluster.kubeconfig))

    checked = program("check", *options, "-o", "json")
    assert {row["result"] for row in json.loads(checked.stdout)} == {"ok"}
    imported = program("import", *options)

    assert imported.returncode == 0, imported.stderr
    for item, why in skipped.items():
        assert any(item in line and why in line for line in imported.stderr.splitlines())
    documents = [each for each in yaml.safe_load_all(imported.stdout) if each]
    stand.apply(*documents)
    hosts = [each["metadata"]["name"] for each in documents if each["kind"] == "FlashSystemHost"]
    attachments = [each["metadata"]["name"] for each in documents if each["kind"] == "VolumeAttachment"]
    volumes = [each["metadata"]["name"] for each in documents if each["kind"] == "FlashSystemVolume"]
    assert set(attachments) == {"my-vol", f"{SHARED}-db-1", f"{SHARED}-backup"}
    assert set(volumes) == {"my-vol", SHARED}
    stand.ready(ATTACHMENTS, *attachments)
    stand.ready(VOLUMES, *volumes)
    stand.ready(HOSTS, *hosts)
    assert {stand.status(ATTACHMENTS, name)["origin"] for name in attachments} == {"Adopted"}
    assert {stand.status(HOSTS, name)["ownership"] for name in hosts} == {"Adopted"}
    assert {stand.status(VOLUMES, name)["origin"] for name in volumes} == {"Imported"}
    assert simulator.control.state() == before

    admin(simulator, "mkvdiskhostmap -host DB.1 -scsi 20 vol0")
    again = program("import", *options)
    volume, more = (each for each in yaml.safe_load_all(again.stdout) if each)
    assert volume["kind"] == "FlashSystemVolume"
    assert (more["spec"]["hostRef"]["name"], more["spec"]["lun"]) == ("db-1", 20)
    before = simulator.control.state()

    stand.delete(ATTACHMENTS, *attachments)
    stand.delete(VOLUMES, *volumes)
    stand.delete(HOSTS, *hosts)
    assert simulator.control.state() == before
    assert writes(simulator) == []


def test_the_commands_that_plan_prints_are_the_commands_that_are_sent(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    foreign_host(simulator, "Old_Box", iqn("old"))
    documents = [
        stand.host("worker-1", iqn("worker-1"), iqn("worker-1-second")),
        stand.host("old"),
        stand.attachment("one", "worker-1", "vol0"),
        stand.attachment("two", "worker-1", "vol1", lun=9),
        stand.attachment("old", "old", "vol2"),
    ]
    files = [
        stand.array_of(simulator),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "array", "namespace": stand.namespace},
            "stringData": {"username": simulator.user, "password": "passw0rd"},
        },
        *documents,
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(files))
    installation = stand.cluster.get("namespace", "kube-system")["metadata"]["uid"]

    planned = program("plan", "-f", str(tmp_path), "--installation-id", installation, "-o", "json")

    assert planned.returncode == 2, planned.stderr
    (plan,) = json.loads(planned.stdout)["arrays"]
    lines = [command["line"].removeprefix("svctask ") for each in plan["objects"] for command in each["commands"]]
    assert len(lines) == 4
    assert writes(simulator) == []
    stand.apply(*files)
    stand.ready(ATTACHMENTS, "one", "two", "old")
    assert sorted(writes(simulator)) == sorted(lines)
    again = program("plan", "-f", str(tmp_path), "--installation-id", installation)
    assert again.returncode == 0, again.stdout


def test_what_a_user_of_the_cluster_may_not_read_is_reported_with_the_remedy(
    installed: Cluster, namespace: str, tmp_path: Path
) -> None:
    """No operator runs: the command line only reads."""
    with simulated() as simulator:
        stand = Stand(installed, namespace)
        stand.array(simulator)
        account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "reader"}}
        installed.apply(account, namespace)
        options = (
            "--array",
            "array",
            "-n",
            namespace,
            "--kubeconfig",
            str(installed.kubeconfig_for("reader", namespace)),
        )

        refused = program("check", *options)
        assert refused.returncode == 1
        assert "You may not read FlashSystemArrays" in refused.stderr
        assert program("check", *_for_array(options, "nowhere", installed)).returncode == 1

        installed.apply(_may_read_arrays(), namespace)
        without = program("check", *options, "-o", "json")
        assert without.returncode == 1
        credentials, *others = json.loads(without.stdout)
        assert "You may not read Secret" in credentials["message"]
        assert {row["result"] for row in others} == {"not-checked"}
        password = tmp_path / "password"
        password.write_text("passw0rd")
        credentials_options = ("--user", simulator.user, "--password-file", str(password))
        assert program("check", *options, *credentials_options).returncode == 0

        imported = program("import", *options, *credentials_options)
        assert imported.returncode == 0
        for unseen in ("the UID of namespace kube-system", "the FlashSystemHosts", "the VolumeAttachments"):
            assert f"Not read from the cluster: {unseen}" in imported.stderr


def _for_array(options: tuple[str, ...], name: str, cluster: Cluster) -> tuple[str, ...]:
    """The same options for another array, with the rights of an administrator."""
    return (options[0], name, *options[2:5], str(cluster.kubeconfig))


def _may_read_arrays() -> list[dict[str, object]]:
    role: dict[str, object] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "arrays"},
        "rules": [{"apiGroups": ["flashsystem.io"], "resources": ["flashsystemarrays"], "verbs": ["get"]}],
    }
    binding: dict[str, object] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "arrays"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "arrays"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader"}],
    }
    return [role, binding]
