"""Two replicas, as in manifests/components/replicas: the active one is killed, and the other takes over."""

from collections.abc import Iterator

import pytest

from onkind.lab import MANIFESTS, OPERATOR, SYSTEM, Lab, Team, until

MANY = 24


@pytest.fixture
def replicated(lab: Lab) -> Iterator[None]:
    lab.cluster.kubectl("apply", "--kustomize", str(MANIFESTS / "examples" / "replicas"))
    lab.rolled_out()
    yield
    lab.cluster.kubectl("delete", "poddisruptionbudget/flashsystem-operator", f"--namespace={SYSTEM}")
    lab.install()
    until(lambda: len(lab.operator_pods()) == 1, "one replica is left")


@pytest.mark.usefixtures("replicated")
@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_after_the_active_replica_is_killed_the_other_takes_over(team: Team) -> None:
    names = [f"v{number:02}" for number in range(MANY)]
    team.volumes(*names)
    lease = f"lease/flashsystem-{team.array.state()['system']['id'].lower()}"
    until(lambda: _holder(team, lease) is not None, "one of the two holds the Lease of the array")
    holder = _holder(team, lease)
    held = team.array.fault("hold", "mkvdiskhostmap", when="after", skip=MANY // 3)
    position = team.array.log_position()

    team.apply(*team.hosts("worker-1"), *(team.attachment(name, "worker-1") for name in names))
    team.array.wait(held)
    assert holder is not None
    team.cluster.kubectl("delete", f"pod/{holder}", f"--namespace={SYSTEM}", "--force", "--grace-period=0")
    under_way = len(team.mapped(*names))
    team.array.release(held)
    team.await_ready("fsattach --all")

    assert 0 < under_way < MANY, "the kill came in the middle"
    mapped = team.mapped(*names)
    assert {volume for _, volume, _ in mapped} == {team.volume(name) for name in names}
    assert len(mapped) == MANY
    assert len([each for each in team.array.commands("mkvdiskhostmap", position) if not each["code"]]) == MANY
    assert team.array.commands("rmvdiskhostmap", position) == []
    # The killed pod may finish what it began within its last second, and release the Lease: then no pod holds it yet.
    until(lambda: _holder(team, lease) not in {holder, None}, "the other replica holds the Lease of the array")
    team.lab.rolled_out(OPERATOR)


def _holder(team: Team, lease: str) -> str | None:
    """The running pod that holds this Lease."""
    identity = team.cluster.get(lease, f"--namespace={SYSTEM}")["spec"].get("holderIdentity") or ""
    pods = [pod["metadata"]["name"] for pod in team.lab.operator_pods()]
    return next((name for name in pods if identity.startswith(name)), None)
