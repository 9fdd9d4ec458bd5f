"""The operator's settings, from its command line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod in which this process runs."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Times are in seconds.

    identity: the holder of Leases; differs between two starts of one pod.
    namespace: of the Leases.
    watched: the namespaces whose objects are reconciled; none: those of the whole cluster.
    installation: the id of this installation (None: the UID of the cluster's kube-system namespace). It is part of the
        names of host objects, which shows that they are ours.
    former_installations: previous ids; host objects named by these are ours too.
    pause_all: nothing is written to any array; all arrays are read and reported.
    lease_duration: after this time without a renewal another replica takes over an array.
    in_doubt: minimum time for which a command whose reply was lost may still be running.
    deletion_debounce: how long after a deletion further ones of the same request are expected, on
        a host with sessions.
    protected_retry: how long a command that volume protection refused is not sent again.
    relist: how often all objects are listed again, to find deletions that a watch missed.
    grace: the process ends within this time after a signal to stop: terminationGracePeriodSeconds of its pod.
    batch_window: how long a worker waits for more due objects before a pass.
    probe_port: where /livez, /readyz and /metrics are served; 0 takes a free port, None serves none.
    pod: on which a failed start is reported; None outside of a cluster.
    """

    identity: str
    namespace: str
    watched: tuple[str, ...] = ()
    installation: str | None = None
    former_installations: tuple[str, ...] = ()
    pause_all: bool = False
    lease_duration: float = 15.0
    in_doubt: float = 120.0
    deletion_debounce: float = 3.0
    protected_retry: float = 60.0
    relist: float = 900.0
    grace: float = 90.0
    batch_window: float = 0.05
    probe_port: int | None = None
    pod: Pod | None = None
