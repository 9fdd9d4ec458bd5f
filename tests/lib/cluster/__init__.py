"""A real Kubernetes API server for tests and the demo: `with a_cluster() as cluster: ...`."""

from cluster.audit import AuditRecord
from cluster.client import Cluster, KubectlFailed, NoAudit
from cluster.control_plane import ControlPlane
from cluster.missing import NoCluster
from cluster.running import a_cluster, a_control_plane

__all__ = [
    "AuditRecord",
    "Cluster",
    "ControlPlane",
    "KubectlFailed",
    "NoAudit",
    "NoCluster",
    "a_cluster",
    "a_control_plane",
]
