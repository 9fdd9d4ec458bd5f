"""When a cluster knows our kinds: established is not yet known to kubectl, which reads lists that are made later."""

from functools import partial

from cluster.client import Cluster, KubectlFailed
from flashsystem_operator.api.metadata import Kind
from support.stand import until


def await_kinds(cluster: Cluster) -> None:
    """Wait until our kinds can be used, by their short names and in every command."""
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=300s", *(f"crd/{kind.crd}" for kind in Kind))
    for kind in Kind:
        until(f"kubectl to know {kind}", partial(_is_known, cluster, kind.short_name))


def _is_known(cluster: Cluster, name: str) -> bool:
    try:
        cluster.kubectl("get", name, "--namespace=default")
        cluster.kubectl("explain", name)
    except KubectlFailed:
        return False
    return True
