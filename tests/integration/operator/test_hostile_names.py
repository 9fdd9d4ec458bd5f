"""An unquoted name is code for a shell: invalid names are refused by the API server, and again by the operator."""

import json
from collections.abc import Iterator

import pytest

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.array_state import admin
from support.operator_process import Operator, install, open_secrets
from support.recorded_events import await_event
from support.simulated_arrays import injections, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, KubectlFailed, Stand

HOSTILE = [
    "$(svctask rmvdisk vol1)",
    "`svctask rmvdisk vol1`",
    "vol0; svctask rmvdisk vol1",
    "vol0\nsvctask rmvdisk vol1",
    "vol0' ; svctask rmvdisk vol1 ; '",
    'vol0" ; svctask rmvdisk vol1 ; "',
    "vol0 && svctask rmvdisk vol1",
    "vol0|svctask rmvdisk vol1",
    "vol0!vol1",
    "vol0\x1b[2J",
    "vøl0",
    " vol0",
    "vol0 ",
]


def test_the_api_server_refuses_every_hostile_name(stand: Stand) -> None:
    for number, name in enumerate(HOSTILE):
        with pytest.raises(KubectlFailed) as refused:
            stand.apply(stand.attachment(f"a{number}", "worker-1", name))
        assert "this is not a volume name" in refused.value.stderr
        with pytest.raises(KubectlFailed):
            stand.apply(stand.host(f"h{number}", hostNamePrefix=name))
        with pytest.raises(KubectlFailed):
            stand.apply(stand.host(f"h{number}", f"iqn.2001-01.com.example:{name}"))


def test_a_name_that_looks_like_an_option_is_never_sent_as_one(stand: Stand, simulator: Simulator) -> None:
    with pytest.raises(KubectlFailed):
        stand.apply(stand.attachment("one", "worker-1", "-force"))
    stand.array(simulator)
    stand.apply(
        stand.host("worker-1", "iqn.2001-01.com.example:-force", hostNamePrefix="-force"),
        stand.attachment("one", "worker-1", "vol0"),
    )
    stand.ready(ATTACHMENTS, "one")

    (host,) = simulator.control.state()["hosts"]
    assert host["name"].startswith("h-force-")
    assert [port["name"] for port in host["ports"]] == ["iqn.2001-01.com.example:-force"]
    assert not any(argument == "-force" for line in writes(simulator) for argument in line.split())


@pytest.fixture(scope="module")
def unguarded(own_control_plane: Cluster) -> Cluster:
    """A cluster whose CRDs have no patterns and no validation rules."""
    install(own_control_plane)
    listed = own_control_plane.get("crd")["items"]
    for crd in listed:
        if crd["spec"]["group"] == "flashsystem.io":
            own_control_plane.apply(_relaxed(crd))
    return own_control_plane


def _relaxed(crd: dict[str, object]) -> dict[str, object]:
    def strip(node: object) -> object:
        if isinstance(node, list):
            return [strip(each) for each in node]
        if not isinstance(node, dict):
            return node
        remaining = {key: strip(value) for key, value in node.items() if key != "x-kubernetes-validations"}
        if isinstance(remaining.get("pattern"), str):
            del remaining["pattern"]
        return remaining

    meta = crd["metadata"]
    assert isinstance(meta, dict)
    return {
        "apiVersion": crd["apiVersion"],
        "kind": crd["kind"],
        "metadata": {"name": meta["name"]},
        "spec": strip(crd["spec"]),
    }


@pytest.fixture
def loose_operator(unguarded: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    running = Operator(unguarded, tmp_path_factory.mktemp("loose") / "log", ("--lease-duration", "15"))
    running.start()
    yield running
    running.stop()


def test_with_lax_crds_a_hostile_name_still_never_reaches_the_shell_of_the_array(
    unguarded: Cluster, loose_operator: Operator, simulator: Simulator
) -> None:
    with unguarded.namespace("lax") as namespace:
        open_secrets(unguarded, namespace)
        stand = Stand(unguarded, namespace)
        before = simulator.control.state()
        stand.array(simulator, resyncInterval="1s")
        stand.apply(stand.host("worker-1"))
        for number, name in enumerate(HOSTILE):
            stand.apply(
                stand.attachment(f"a{number}", "worker-1", name),
                stand.attachment(f"u{number}", "worker-1", {"uid": name}),
                stand.host(f"h{number}", hostNamePrefix=name),
                stand.host(f"i{number}", f"iqn.2001-01.com.example:{name}"),
                stand.attachment(f"b{number}", f"i{number}", "vol2"),
                stand.array_of(simulator, f"p{number}", pool=name),
            )
        stand.apply(stand.attachment("good", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "good")

        for number in range(len(HOSTILE)):
            assert "spec.volume.name cannot be read" in stand.await_reason(ATTACHMENTS, f"a{number}", "SpecUnreadable")
            assert "spec.volume.uid cannot be read" in stand.await_reason(ATTACHMENTS, f"u{number}", "SpecUnreadable")
            assert "spec.hostNamePrefix cannot be read" in stand.await_reason(HOSTS, f"h{number}", "SpecUnreadable")
            assert "spec.initiators.iscsi" in stand.await_reason(HOSTS, f"i{number}", "SpecUnreadable")
            assert "spec.pool cannot be read" in stand.await_reason(ARRAYS, f"p{number}", "SpecUnreadable")
            assert "spec.initiators.iscsi" in stand.await_reason(ATTACHMENTS, f"b{number}", "HostNotReady")
        assert "spec.volume.name cannot be read" in await_event(stand, "a0", "SpecUnreadable")
        assert injections(simulator) == []
        assert {line.split()[0] for line in writes(simulator)} == {"mkhost", "mkvdiskhostmap"}
        assert "Traceback" not in loose_operator.log

        names = [item["metadata"]["name"] for item in stand.all(ATTACHMENTS)]
        stand.delete(ATTACHMENTS, *names)
        stand.kubectl("delete", HOSTS, "--all", "--timeout=300s")
        assert simulator.control.state() == before
        stand.sweep()


def test_what_an_unreadable_attachment_leaves_on_the_array_is_recorded_as_released(
    unguarded: Cluster, loose_operator: Operator, simulator: Simulator
) -> None:
    with unguarded.namespace("unreadable") as namespace:
        open_secrets(unguarded, namespace)
        stand = Stand(unguarded, namespace)
        stand.array(simulator)
        stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
        stand.ready(ATTACHMENTS, "one")
        broken = json.dumps({"spec": {"volume": {"name": HOSTILE[0]}}})
        stand.kubectl("patch", ATTACHMENTS, "one", "--type=merge", "--patch", broken)
        stand.await_reason(ATTACHMENTS, "one", "SpecUnreadable")

        stand.delete(ATTACHMENTS, "one", wait=False)
        stand.annotate(ATTACHMENTS, "one", release=stand.get(ATTACHMENTS, "one")["metadata"]["uid"])
        stand.gone(ATTACHMENTS, "one")
        (left,) = stand.status(ARRAYS, "array")["audit"]["released"]["items"]
        assert left["volume"] == "vol0"
        assert "Traceback" not in loose_operator.log

        admin(simulator, f"rmvdiskhostmap -host {left['host']} vol0")
        stand.sweep()
