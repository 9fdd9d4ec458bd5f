"""The probes are accurate: an operator that hangs is restarted, one whose array is down is not."""

import json
import time

import pytest

from onkind.lab import STORAGE, SYSTEM, Team, until

ONE_DIALECT = pytest.mark.parametrize("team", ["modern"], indirect=True)
RECONCILE_NOW = "flashsystem.io/reconcile-requested-at"


@ONE_DIALECT
def test_an_array_that_is_down_makes_the_operator_fail_neither_readiness_nor_liveness(team: Team) -> None:
    """Ask as the kubelet does: while a command waits for a silent array, and once the array counts as down."""
    before = _state(team)
    array, where = f"fsarray/fs-{team.array.dialect}", f"--namespace={STORAGE}"

    try:
        team.array.change("availability", "silent")
        team.cluster.kubectl("annotate", "--overwrite", array, f"{RECONCILE_NOW}={time.time()}", where)
        _ask_as_the_kubelet(team)
        team.array.change("availability", "refused")
        team.cluster.kubectl("wait", "--for=condition=Ready=False", array, where, "--timeout=90s")
        _ask_as_the_kubelet(team)
        assert _state(team) == before
    finally:
        team.array.change("availability", "up")
    team.lab.await_ready(array, STORAGE)
    assert _state(team) == before, "not restarted, and ready all the time"


@ONE_DIALECT
@pytest.mark.timeout(1200)
def test_an_operator_that_hangs_is_restarted_and_continues(team: Team) -> None:
    team.volumes("before", "meanwhile")
    team.apply(*team.hosts("worker-1"), team.attachment("before", "worker-1"))
    team.await_ready("fsattach/before")
    mapped = team.mapped("before")
    position = team.array.log_position()
    (pod,) = team.lab.operator_pods()

    team.lab.node_shell("kill -STOP $(pgrep -f '[f]lashsystem-operator run')")
    team.apply(team.attachment("meanwhile", "worker-1"))
    until(lambda: _restarts(team) >= 1, "the kubelet has restarted it", seconds=480)
    team.lab.rolled_out()
    team.await_ready("fsattach --all")

    (same,) = team.lab.operator_pods()
    assert same["metadata"]["uid"] == pod["metadata"]["uid"], "the same pod: restarted by the kubelet"
    assert team.mapped("before") == mapped
    assert len(team.mapped("meanwhile")) == 1
    assert team.array.commands("rmvdiskhostmap", position) == []


def _ask_as_the_kubelet(team: Team) -> None:
    pod = team.lab.operator_pods()[0]["metadata"]["name"]
    for _ in range(5):
        for probe in ("livez", "readyz"):  # kubectl fails on any other code than 200
            team.cluster.kubectl("get", f"--raw=/api/v1/namespaces/{SYSTEM}/pods/{pod}:8080/proxy/{probe}")


def _restarts(team: Team) -> int:
    (pod,) = team.lab.operator_pods()
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def _state(team: Team) -> str:
    """Of the pod: its uid, since when it is ready, and how often it was restarted."""
    (pod,) = team.lab.operator_pods()
    ready = next(each for each in pod["status"]["conditions"] if each["type"] == "Ready")
    return json.dumps([pod["metadata"]["uid"], ready["status"], ready["lastTransitionTime"], _restarts(team)])
