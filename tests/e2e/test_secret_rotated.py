"""The password of an array's user is changed while volumes are attached: no restart, and nothing is unmapped."""

from collections.abc import Callable, Iterator

import pytest

from onkind.lab import STORAGE, Team
from onkind.simulated_array import PASSWORD, USER

ONE_DIALECT = pytest.mark.parametrize("team", ["modern"], indirect=True)
ANOTHER = "another-Passw0rd"

WriteSecret = Callable[[str], None]


@pytest.fixture
def write_secret(team: Team) -> Iterator[WriteSecret]:
    """Write a password into a Secret for this array alone; the other array still uses the shared one."""

    def write(password: str) -> None:
        meta = {"name": "fs-rotated", "namespace": STORAGE}
        login = {"username": USER, "password": password}
        team.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": login})

    write(PASSWORD)
    _use_secret(team, "fs-rotated")
    yield write
    team.array.change("user", USER, password=PASSWORD)
    _use_secret(team, "fs-login")
    team.array.change("sessions")
    team.lab.await_ready(_array(team), STORAGE)
    team.cluster.kubectl("delete", "secret/fs-rotated", f"--namespace={STORAGE}")


@ONE_DIALECT
def test_a_rotated_secret_is_used_without_a_restart(team: Team, write_secret: WriteSecret) -> None:
    team.volumes("before", "after")
    team.apply(*team.hosts("worker-1"), team.attachment("before", "worker-1"))
    team.await_ready("fsattach/before")
    mapped = team.mapped("before")
    (pod,) = team.lab.operator_pods()
    position = team.array.log_position()

    team.array.change("user", USER, password=ANOTHER)
    write_secret(ANOTHER)
    team.array.change("sessions")  # so that it has to log in again
    team.apply(team.attachment("after", "worker-1"))
    team.await_ready("fsattach --all")

    assert team.mapped("before") == mapped
    assert len(team.mapped("after")) == 1
    assert team.array.commands("rmvdiskhostmap", position) == []
    (same,) = team.lab.operator_pods()
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    assert same["status"]["containerStatuses"][0]["restartCount"] == 0


@ONE_DIALECT
def test_a_wrong_secret_is_reported_as_login_failed_and_detaches_nothing(team: Team, write_secret: WriteSecret) -> None:
    team.volumes("data", "later")
    team.apply(*team.hosts("worker-1"), team.attachment("data", "worker-1"))
    team.await_ready("fsattach/data")
    mapped = team.mapped("data")

    write_secret("not the password")
    team.array.change("sessions")
    reason = "--for=jsonpath={.status.conditions[?(@.type=='Ready')].reason}=LoginFailed"
    team.cluster.kubectl("wait", reason, _array(team), f"--namespace={STORAGE}", "--timeout=300s")
    team.apply(team.attachment("later", "worker-1"))
    team.kubectl("wait", "--for=condition=Ready=False", "fsattach/later")

    shown = team.cluster.kubectl("get", _array(team), f"--namespace={STORAGE}", "--output=yaml")
    assert "not the password" not in shown
    assert team.mapped("data", "later") == mapped
    ready = {each["type"]: each for each in team.get("fsattach", "data")["status"]["conditions"]}["Ready"]
    assert ready["status"] == "True", "it was mapped when the array was last read"

    write_secret(PASSWORD)
    team.await_ready("fsattach --all")


def _array(team: Team) -> str:
    return f"fsarray/fs-{team.array.dialect}"


def _use_secret(team: Team, name: str) -> None:
    patch = f'{{"spec": {{"credentialsSecretRef": {{"name": "{name}"}}}}}}'
    team.cluster.kubectl("patch", _array(team), f"--namespace={STORAGE}", "--type=merge", f"--patch={patch}")
