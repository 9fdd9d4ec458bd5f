"""Which cluster is chosen, and the message when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import NoCluster, a_cluster
from cluster.choice import Local, Named, OnKind, sources
from cluster.standing import PYTHONPATH

from .conftest import Tools

SERVERS = {"etcd": "", "kube_apiserver": "", "kube_controller_manager": ""}
DOCKER = 'case "$1" in info) echo 29.0;; images) echo "kindest/node:v1.36.3 sha256:1";; esac'


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is installed."""
    return {"PATH": "", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_a_cluster_named_by_the_caller_takes_precedence_over_all_others(environ: dict[str, str], tools: Tools) -> None:
    kubeconfig = tools("mine") / "kubeconfig"
    kubeconfig.touch()
    path = str(tools("bin", kubectl="", docker=DOCKER, kind="", **SERVERS))

    chosen = list(sources({**environ, "PATH": path, "CLUSTER_KUBECONFIG": str(kubeconfig)}))

    assert chosen == [Named(kubeconfig, Path(path) / "kubectl")]


def test_the_current_context_is_never_used(environ: dict[str, str], tools: Tools) -> None:
    touched = tools("home") / "touched"
    (touched.parent / "config").write_text("current-context: production")
    path = str(tools("bin", kubectl=f"touch {touched}"))
    environ |= {"PATH": path, "HOME": str(touched.parent), "KUBECONFIG": str(touched.parent / "config")}

    with pytest.raises(NoCluster), a_cluster(environ=environ):
        pass

    assert not touched.exists()


def test_a_named_file_that_does_not_exist_is_an_error_and_no_reason_to_take_another_cluster(
    environ: dict[str, str], tools: Tools
) -> None:
    path = str(tools("bin", kubectl="", **SERVERS))

    with pytest.raises(NoCluster, match=r"CLUSTER_KUBECONFIG names .*/nowhere, and there is no such file"):
        list(sources({**environ, "PATH": path, "CLUSTER_KUBECONFIG": "/nowhere"}))


def test_a_named_cluster_that_does_not_answer_is_an_error_with_the_message_of_kubectl(
    environ: dict[str, str], tools: Tools
) -> None:
    kubeconfig = tools("mine") / "kubeconfig"
    kubeconfig.touch()
    path = str(tools("bin", kubectl="echo connection refused >&2; exit 1"))

    with (
        pytest.raises(NoCluster, match=r"does not answer.*connection refused"),
        a_cluster(environ={**environ, "PATH": path, "CLUSTER_KUBECONFIG": str(kubeconfig)}),
    ):
        pass


def test_kind_takes_precedence_over_a_local_control_plane(environ: dict[str, str], tools: Tools) -> None:
    path = str(tools("bin", kubectl="", docker=DOCKER, kind="", **SERVERS))

    first, second = sources({**environ, "PATH": path})

    assert isinstance(first, OnKind)
    assert first.kind.image == "kindest/node:v1.36.3"
    assert isinstance(second, Local)


def test_an_image_without_a_tag_is_named_by_its_id(environ: dict[str, str], tools: Tools) -> None:
    untagged = DOCKER.replace(":v1.36.3", ":<none>")
    path = str(tools("bin", kubectl="", docker=untagged, kind=""))

    first = next(sources({**environ, "PATH": path}))

    assert isinstance(first, OnKind)
    assert first.kind.image == "sha256:1"


@pytest.mark.parametrize(
    ("docker", "reason"),
    [
        ("echo is the docker daemon running >&2; exit 1", "Docker does not answer: is the docker daemon running"),
        ('[ "$1" = info ] || exit 0', "Docker has no image kindest/node"),
    ],
    ids=["the Docker engine does not run", "the node image would have to be pulled"],
)
def test_kind_is_skipped_and_the_reason_printed_when(
    docker: str, reason: str, environ: dict[str, str], tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tools("bin", kubectl="", docker=docker, kind="", **SERVERS))

    (only,) = sources({**environ, "PATH": path})

    assert isinstance(only, Local)
    assert f"not on kind: {reason}" in capsys.readouterr().err


def test_programs_of_kubebuilder_take_precedence_over_those_on_the_path(environ: dict[str, str], tools: Tools) -> None:
    path, assets = tools("bin", kubectl="", **SERVERS), tools("assets", kubectl="", **SERVERS)

    (local,) = sources({**environ, "PATH": str(path), "KUBEBUILDER_ASSETS": str(assets)})

    assert isinstance(local, Local)
    assert local.programs.apiserver == assets / "kube-apiserver"
    assert local.programs.kubectl == assets / "kubectl"


def test_servers_of_two_folders_are_not_mixed(
    environ: dict[str, str], tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    assets = tools("assets", etcd="", kube_apiserver="", kubectl="")  # what envtest ships
    path = tools("bin", kubectl="", **SERVERS)

    (local,) = sources({**environ, "PATH": str(path), "KUBEBUILDER_ASSETS": str(assets)})

    assert isinstance(local, Local)
    assert local.programs.apiserver == path / "kube-apiserver"
    assert f"KUBEBUILDER_ASSETS={assets} lacks kube-controller-manager" in capsys.readouterr().err


def test_where_nothing_is_installed_one_message_lists_what_to_install(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cluster", "up"],
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for remedy in ("Go 1.21", "KUBEBUILDER_ASSETS", "kindest/node", "CLUSTER_KUBECONFIG"):
        assert remedy in ended.stderr
    assert ended.stderr.count("No Kubernetes API server can be had here") == 1


def test_a_kind_cluster_is_deleted_when_the_run_is_killed(environ: dict[str, str], tools: Tools) -> None:
    calls = tools("calls") / "kind"
    path = tools("bin", kubectl="", docker=DOCKER, kind=f'echo "$1" >> {calls}')
    program = "from cluster import a_cluster\nwith a_cluster():\n print(flush=True)\n input()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**environ, "PATH": f"{path}:{os.defpath}", "PYTHONPATH": PYTHONPATH},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        assert calls.read_text().split() == ["create"]
        run.kill()

    assert _soon_contains(calls, ["create", "delete"])


def test_after_a_kind_cluster_that_cannot_be_created_the_next_source_is_tried(
    environ: dict[str, str], tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tools("bin", kubectl="", docker=DOCKER, kind='[ "$1" = delete ] || { echo no cgroups >&2; exit 1; }')

    with pytest.raises(NoCluster), a_cluster(environ={**environ, "PATH": str(path)}):
        pass

    output = capsys.readouterr().err
    assert "not on kind: kind create cluster failed: no cgroups" in output
    assert "PATH lacks etcd" in output


def _soon_contains(file: Path, lines: list[str]) -> bool:
    waited = subprocess.run(
        ["sh", "-c", f"for i in $(seq 100); do [ $(wc -w < {file}) = {len(lines)} ] && exit; sleep 0.05; done"],
        check=False,
    )
    return waited.returncode == 0 and file.read_text().split() == lines
