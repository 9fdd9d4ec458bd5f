"""A namespace is deleted together with its attachments: it terminates, and the array is left clean."""

import pytest

from onkind.lab import Team


@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_a_namespace_deleted_with_its_attachments_terminates_and_leaves_the_array_clean(team: Team) -> None:
    names = [f"v{number}" for number in range(8)]
    hosts = ["worker-1", "worker-2"]
    team.volumes(*names)
    team.apply(*team.hosts(*hosts), *(team.attachment(name, hosts[at % 2]) for at, name in enumerate(names)))
    team.await_ready("fsattach --all")
    assert len(team.mapped(*names)) == len(names)

    team.cluster.kubectl("delete", f"namespace/{team.namespace}", "--timeout=300s")

    assert team.mapped(*names) == set()
    assert team.array.hosts(*map(team.iqn, hosts)) == set()
