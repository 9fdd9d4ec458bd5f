"""The operator's pod is killed while it works: nothing is lost, nothing is done twice.

In one dialect: what is new here is the pod. tests/integration/operator/test_crashes.py kills at each command of both.
"""

from collections import Counter

import pytest

from onkind.lab import OPERATOR, SYSTEM, Team, until

HOSTS, EACH = 4, 16


@pytest.mark.parametrize("team", ["legacy"], indirect=True)
def test_a_pod_killed_in_the_middle_of_64_attachments_loses_and_doubles_nothing(team: Team) -> None:
    hosts = [f"worker-{number}" for number in range(HOSTS)]
    wished = {f"v{number:02}": hosts[number % HOSTS] for number in range(HOSTS * EACH)}
    team.volumes(*wished)
    held = team.array.fault("hold", "mkvdiskhostmap", when="after", skip=20)
    heard = team.array.heard()
    (before,) = team.lab.operator_pods()

    team.apply(*team.hosts(*hosts), *(team.attachment(name, host) for name, host in wished.items()))
    team.array.wait(held)
    name = before["metadata"]["name"]
    team.cluster.kubectl("delete", "pod", name, f"--namespace={SYSTEM}", "--force", "--grace-period=0")
    team.array.release(held)
    under_way = len(team.mapped(*wished))
    until(lambda: [pod["metadata"]["name"] for pod in team.lab.operator_pods()] != [name], "there is another pod")
    team.lab.rolled_out(OPERATOR)
    team.await_ready("fsattach --all", seconds=240)

    assert 0 < under_way < len(wished), "it was killed in the middle"
    mapped = team.mapped(*wished)
    assert {volume for _, volume, _ in mapped} == {team.volume(name) for name in wished}
    assert len(mapped) == len(wished)
    assert Counter(host for host, _, _ in mapped) == dict.fromkeys({host for host, _, _ in mapped}, EACH)
    assert len(team.array.hosts(*map(team.iqn, hosts))) == HOSTS
    assert len({(host, lun) for host, _, lun in mapped}) == len(wished), "each LUN once"
    made = [command for command in team.array.commands("mkvdiskhostmap", heard) if not command["code"]]
    assert len(made) == len(wished), "each mapping was made once"

    team.delete("fsattach --all", seconds=240)
    assert team.mapped(*wished) == set()
