"""What the operator is told at its start. The command line reads it, nobody else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod in which this process runs."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are in seconds.

    identity: of this replica, as Leases name their holder; differs between two starts of one pod.
    namespace: where the Leases are kept.
    watched: the namespaces whose objects are looked after; none: those of the whole cluster.
    installation: the id of this installation (None: the UID of the cluster's kube-system namespace). It is a part of
        the names of host objects, and so the proof that they are ours.
    former_installations: ids that it had before; host objects named by these are ours too.
    pause_all: nothing is written to any array; everything is looked at and reported.
    lease_duration: after this long without a renewal another replica takes an array over.
    unsettled: at least this long a command whose answer was lost counts as perhaps still running.
    settle_detaches: how long after a deletion another one is expected that was meant with it, on a host with sessions.
    retry_protected: how long the array is not asked again for what volume protection kept.
    relist: how often all objects are listed again, to drop what a watch lost.
    grace: within this long after a signal to stop the process has ended: terminationGracePeriodSeconds of its pod.
    batch_window: how long a worker waits for more work before it looks at the array.
    probe_port: where /livez, /readyz and /metrics are served; 0 takes a free port, None serves none.
    pod: on which it says why it cannot start; None outside of a cluster.
    """

    identity: str
    namespace: str
    watched: tuple[str, ...] = ()
    installation: str | None = None
    former_installations: tuple[str, ...] = ()
    pause_all: bool = False
    lease_duration: float = 15.0
    in_doubt: float = 120.0
    settle_detaches: float = 3.0
    retry_protected: float = 60.0
    relist: float = 900.0
    grace: float = 90.0
    batch_window: float = 0.05
    probe_port: int | None = None
    pod: Pod | None = None
