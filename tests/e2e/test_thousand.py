"""A thousand attachments at once, within the memory limit of the manifests. In one dialect only: it does not matter."""

import time

import pytest

from onkind.lab import OPERATOR, SYSTEM, Team, until

HOSTS, EACH = 10, 100
PATIENCE = 900.0  # seconds; a safety limit: next to all other tests on the same machine, a minute becomes five
PEAK = """
import pathlib
for name in ("memory.peak", "memory/memory.max_usage_in_bytes"):
    path = pathlib.Path("/sys/fs/cgroup") / name
    if path.exists():
        print(path.read_text())
        break
"""


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_a_thousand_attachments_by_one_apply_stay_within_the_memory_limit(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = [f"worker-{number}" for number in range(HOSTS)]
    desired = {f"v{number:03}": hosts[number % HOSTS] for number in range(HOSTS * EACH)}
    team.volumes(*desired)
    before = _container(team)
    began = time.monotonic()

    team.apply_at_once(*team.hosts(*hosts), *(team.attachment(name, host) for name, host in desired.items()))
    applied = time.monotonic()
    until(lambda: _ready(team) == len(desired), "all are Ready", seconds=PATIENCE)
    ready = time.monotonic()

    mapped = team.mapped(*desired)
    assert len(mapped) == len(desired)
    assert {volume for _, volume, _ in mapped} == {team.volume(name) for name in desired}
    # One request; `kubectl delete --all` sends a thousand, and throttles itself.
    team.cluster.kubectl("delete", f"--raw=/apis/flashsystem.io/v1alpha1/namespaces/{team.namespace}/volumeattachments")
    until(lambda: team.get("fsattach")["items"] == [], "all are detached", seconds=PATIENCE)
    gone = time.monotonic()
    assert team.mapped(*desired) == set()

    after = _container(team)
    assert after["restartCount"] == before["restartCount"], after["lastState"]
    assert after["containerID"] == before["containerID"]
    peak = int(team.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", "python", "-c", PEAK))
    limit = _limit(team)
    summary = (
        f"{len(desired)} attachments: applied in {applied - began:.0f} s, Ready {ready - applied:.0f} s later, "
        f"detached in {gone - ready:.0f} s; at most {peak / 2**20:.0f} of {limit / 2**20:.0f} MiB"
    )
    with capsys.disabled():
        print(f"\n{summary}")  # noqa: T201 - a figure to compare between runs
    assert peak < limit


def _ready(team: Team) -> int:
    """The number of Ready attachments. `kubectl wait --all` reads one after another, which takes minutes."""
    path = "{.items[*].status.conditions[?(@.type=='Ready')].status}"
    return team.kubectl("get", "fsattach", f"--output=jsonpath={path}").split().count("True")


def _container(team: Team) -> dict[str, object]:
    (pod,) = team.lab.operator_pods()
    (status,) = pod["status"]["containerStatuses"]
    return dict(status)


def _limit(team: Team) -> int:
    (pod,) = team.lab.operator_pods()
    text = str(pod["spec"]["containers"][0]["resources"]["limits"]["memory"])
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi")) << 20
