"""An administrator changes the array while the operator is scaled to zero: when it is back, it reports the drift.

docs/drift.md describes which drift is corrected.
"""

from collections.abc import Iterator

import pytest

from onkind.lab import OPERATOR, SYSTEM, Team

FOREIGN = "foreign-host"


@pytest.fixture
def drifting_team(team: Team) -> Iterator[Team]:
    """A team whose volumes `removed`, `shared` and `renamed` are attached; at the end the changes are undone."""
    team.volumes("removed", "shared", "renamed")
    team.apply(
        *team.hosts("worker-1"), *(team.attachment(each, "worker-1") for each in ("removed", "shared", "renamed"))
    )
    team.await_ready("fsattach --all")
    yield team
    scale(team, 1)
    team.array.admin(f"svctask rmvdiskhostmap -host {FOREIGN} {team.volume('shared')}")
    team.array.admin(f"svctask rmhost {FOREIGN}")


@pytest.mark.parametrize("team", ["legacy"], indirect=True)
def test_drift_that_arose_while_the_operator_was_away_is_reported_and_corrected_if_ours(drifting_team: Team) -> None:
    team = drifting_team
    before = team.mapped("removed", "shared", "renamed")
    ((host, _, _),) = team.mapped("removed")

    scale(team, 0)
    team.array.admin(f"svctask rmvdiskhostmap -host {host} {team.volume('removed')}")
    team.array.admin(f"svctask mkhost -name {FOREIGN} -iscsiname iqn.1994-05.com.redhat:{FOREIGN}")
    team.array.admin(f"svctask mkvdiskhostmap -force -host {FOREIGN} {team.volume('shared')}")
    team.array.admin(f"svctask chvdisk -name {team.volume('another-name')} {team.volume('renamed')}")
    position = team.array.log_position()
    scale(team, 1)

    team.kubectl("wait", "--for=condition=Drifted", "fsattach/shared", "--timeout=300s")
    team.await_ready("fsattach --all")
    assert _reason(team, "shared", "Drifted") == "SharedBeyondSpec"
    assert team.mapped("removed") == {row for row in before if row[1] == team.volume("removed")}, "at the same LUN"
    ours = {(host, team.volume("shared")), (FOREIGN, team.volume("shared"))}
    assert {(each, volume) for each, volume, _ in team.mapped("shared")} == ours
    assert {each for each, *_ in team.mapped("another-name")} == {host}
    assert team.array.commands("rmvdiskhostmap", position) == []
    assert len(team.array.commands("mkvdiskhostmap", position)) == 1

    reasons = {event["reason"] for event in team.get("events")["items"]}
    assert {"VolumeRenamed", "Drifted", "DriftCorrected"} <= reasons


def scale(team: Team, replicas: int) -> None:
    team.cluster.kubectl("scale", OPERATOR, f"--namespace={SYSTEM}", f"--replicas={replicas}")
    if replicas == 0:
        pods = "--selector=app.kubernetes.io/name=flashsystem-operator"
        team.cluster.kubectl("wait", "--for=delete", "pod", pods, f"--namespace={SYSTEM}", "--timeout=90s")
    team.lab.rolled_out()


def _reason(team: Team, name: str, type_: str) -> str:
    conditions = team.get("fsattach", name)["status"]["conditions"]
    return str({each["type"]: each for each in conditions}[type_]["reason"])
