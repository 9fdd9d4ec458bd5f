"""What a node is made of, by version. Anything here that changes gives its image another name."""

import hashlib
from pathlib import Path

from cluster.recipe import CONTROL_PLANE, Recipe

HERE = Path(__file__).parent

PROGRAMS = Recipe(
    HERE / "programs",
    {
        "kubelet": "k8s.io/kubernetes/cmd/kubelet",
        "kubeadm": "k8s.io/kubernetes/cmd/kubeadm",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
        "kind": "sigs.k8s.io/kind",
        "coredns": "./coredns",
        "pause": "./pause",
    },
)
"""Beside those of a bare control plane, which every node needs too. A module of its own, so that a change here does not
build the others again; of the same versions, so that both share what the compiler keeps."""

# The versions by which kubeadm v1.36 asks for these images.
COMPONENTS = {"ETCD": "3.6.8-0", "COREDNS": "v1.14.2", "PAUSE": "3.10.2"}

NODE_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "containerd", "runc", "containernetworking-plugins", "conntrack", "iptables"),
    *("nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod", "socat", "jq", "procps", "ca-certificates"),
    "curl",
)
PYTHON_PACKAGES = ("python3",)
BUILD_PACKAGES = ("python3", "python3-venv")


def key(release: str) -> str:
    """A name for all that is made of this on a Debian of this release. When it was made is not in it."""
    recipe = hashlib.sha256()
    for file in sorted((HERE / "node").iterdir()):
        recipe.update(file.name.encode() + file.read_bytes())
    words = (release, CONTROL_PLANE.key(), PROGRAMS.key(), COMPONENTS, NODE_PACKAGES, PYTHON_PACKAGES, BUILD_PACKAGES)
    recipe.update(repr(words).encode())
    return recipe.hexdigest()[:12]
