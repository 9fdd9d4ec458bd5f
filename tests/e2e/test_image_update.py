"""Another release of the image is rolled out, as docs/upgrade.md describes, while attachments are created."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from onkind.lab import MANIFESTS, Lab, Team

BEFORE, AFTER = 24, 8
PIN = Path("manifests/components/image/kustomization.yaml")


@pytest.fixture
def manifests(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """A copy of the manifests of a checkout; at the end the original manifests are applied again."""
    for name in ("manifests", "crds"):
        shutil.copytree(MANIFESTS.parent / name, tmp_path / name)
    yield tmp_path
    lab.install()


@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_an_image_rolled_out_while_attachments_are_created_loses_and_duplicates_nothing(
    team: Team, manifests: Path
) -> None:
    image = team.lab.load_as("0.1.0-next")
    pin = (manifests / PIN).read_text()
    (manifests / PIN).write_text(re.sub("newTag: .*", f"newTag: {image.partition(':')[2]}", pin))
    first, then = [[f"{part}{number:02}" for number in range(count)] for part, count in (("a", BEFORE), ("b", AFTER))]
    hosts = ["worker-1", "worker-2"]
    team.volumes(*first, *then)
    held = team.array.fault("hold", "mkvdiskhostmap", when="after", skip=BEFORE // 3)
    position = team.array.log_position()

    team.apply(*team.hosts(*hosts), *(team.attachment(name, hosts[at % 2]) for at, name in enumerate(first)))
    team.array.wait(held)
    team.cluster.kubectl("apply", "--kustomize", str(manifests / "manifests" / "base"))
    team.apply(*(team.attachment(name, hosts[at % 2]) for at, name in enumerate(then)))
    under_way = len(team.mapped(*first))
    team.array.release(held)
    team.lab.rolled_out()
    team.await_ready("fsattach --all")

    assert 0 < under_way < BEFORE, "the update came in the middle"
    (pod,) = team.lab.operator_pods()
    assert pod["spec"]["containers"][0]["image"] == image
    mapped = team.mapped(*first, *then)
    assert {volume for _, volume, _ in mapped} == {team.volume(name) for name in (*first, *then)}
    assert len(mapped) == BEFORE + AFTER
    assert len([each for each in team.array.commands("mkvdiskhostmap", position) if not each["code"]]) == BEFORE + AFTER
    assert team.array.commands("rmvdiskhostmap", position) == []
    assert len(team.array.hosts(*map(team.iqn, hosts))) == len(hosts)
