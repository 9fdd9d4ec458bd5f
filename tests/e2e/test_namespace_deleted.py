"""A namespace is deleted with what is attached in it: it ends, and nothing of it is left on the array."""

import pytest

from onkind.lab import Team


@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_a_namespace_deleted_with_its_attachments_ends_and_leaves_the_array_clean(team: Team) -> None:
    names = [f"v{number}" for number in range(8)]
    hosts = ["worker-1", "worker-2"]
    team.volumes(*names)
    team.apply(*team.hosts(*hosts), *(team.attachment(name, hosts[at % 2]) for at, name in enumerate(names)))
    team.await_ready("fsattach --all")
    assert len(team.mapped(*names)) == len(names)

    team.cluster.kubectl("delete", f"namespace/{team.namespace}", "--timeout=300s")

    assert team.mapped(*names) == set()
    assert team.array.hosts(*map(team.iqn, hosts)) == set()
