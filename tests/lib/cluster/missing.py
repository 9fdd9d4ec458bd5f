"""The messages about a missing program or service that a cluster needs."""


class Missing(Exception):
    """One way to a cluster is not available; the message has the reason."""


class NoCluster(Exception):
    """No way to a cluster is available; the message has what to install, or what to repair."""


REMEDY = """\
No Kubernetes API server can be had here. Any one of these is enough:
  - Go 1.21 or newer on PATH (https://go.dev/dl/): etcd, kube-apiserver, kube-controller-manager and kubectl are
    then built once, which takes about ten minutes, 5 GB of disk, and a way to a Go module proxy
  - etcd, kube-apiserver, kube-controller-manager and kubectl on PATH, or in the folder KUBEBUILDER_ASSETS
  - Docker running, kind on PATH, and its node image to hand (docker pull kindest/node:TAG), with kubectl
  - CLUSTER_KUBECONFIG set to the kubeconfig file of a cluster that may be used for tests, with kubectl
"""


def nothing_to_hand(reasons: list[str]) -> NoCluster:
    """The one message for a machine that has none of it."""
    return NoCluster(REMEDY + "What was looked for:\n" + "\n".join(f"  - {reason}" for reason in reasons))
