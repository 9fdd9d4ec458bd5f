"""The operator's pod is killed while it works: no work is lost, and none is done twice.

In one dialect only, because the new thing here is the pod: tests/controller/test_crashes.py kills the operator at each
command of both dialects, and tests/integration/operator/test_crashes.py its process.
"""

from collections import Counter

import pytest

from onkind.lab import OPERATOR, SYSTEM, Team, until

HOSTS, EACH = 4, 16


@pytest.mark.parametrize("team", ["legacy"], indirect=True)
def test_a_pod_killed_in_the_middle_of_64_attachments_loses_and_duplicates_nothing(team: Team) -> None:
    hosts = [f"worker-{number}" for number in range(HOSTS)]
    desired = {f"v{number:02}": hosts[number % HOSTS] for number in range(HOSTS * EACH)}
    team.volumes(*desired)
    held = team.array.fault("hold", "mkvdiskhostmap", when="after", skip=20)
    position = team.array.log_position()
    (before,) = team.lab.operator_pods()

    team.apply(*team.hosts(*hosts), *(team.attachment(name, host) for name, host in desired.items()))
    team.array.wait(held)
    name = before["metadata"]["name"]
    team.cluster.kubectl("delete", "pod", name, f"--namespace={SYSTEM}", "--force", "--grace-period=0")
    team.array.release(held)
    under_way = len(team.mapped(*desired))
    until(lambda: [pod["metadata"]["name"] for pod in team.lab.operator_pods()] != [name], "there is another pod")
    team.lab.rolled_out(OPERATOR)
    team.await_ready("fsattach --all", seconds=240)

    assert 0 < under_way < len(desired), "the kill came in the middle"
    mapped = team.mapped(*desired)
    assert {volume for _, volume, _ in mapped} == {team.volume(name) for name in desired}
    assert len(mapped) == len(desired)
    assert Counter(host for host, _, _ in mapped) == dict.fromkeys({host for host, _, _ in mapped}, EACH)
    assert len(team.array.hosts(*map(team.iqn, hosts))) == HOSTS
    assert len({(host, lun) for host, _, lun in mapped}) == len(desired), "each LUN once"
    created = [command for command in team.array.commands("mkvdiskhostmap", position) if not command["code"]]
    assert len(created) == len(desired), "each mapping was created once"

    team.delete("fsattach --all", seconds=240)
    assert team.mapped(*desired) == set()
