"""The README's first volume: what it tells people to apply and to type does what it says."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.client import Cluster
from flashsystem_operator.simulator import Simulator
from support.operating import Operator

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(params=["legacy", "modern"])
def the_readers_array(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array with the user and the volume that the README speaks of."""
    user = {"name": "kubernetes", "password": "REPLACE ME", "role": "RestrictedAdmin"}
    with Simulator({"users": [user]}, dialect=request.param) as running:
        running.control.change("volume", "vol0", name="db-data")
        yield running


def test_the_readmes_first_volume_is_attached_and_detached(
    installed: Cluster, namespace: str, operator: Operator, the_readers_array: Simulator
) -> None:
    assert operator.running
    before = the_readers_array.control.state()

    for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        installed.apply(written(block, namespace, the_readers_array))
    answers = [installed.kubectl(*shlex.split(line)[1:]) for line in typed(namespace)]

    connection = json.loads(answers[-1])
    assert connection["targetLUN"] == 1
    assert len(connection["targetPortals"]) == 2
    (mapping,) = the_readers_array.control.state()["mappings"]
    assert (mapping["volume"], mapping["lun"]) == ("db-data", 1)

    kinds = "flashsystemarrays,flashsystemhosts,volumeattachments.flashsystem.io"
    installed.kubectl("delete", kinds, "--all", "--namespace", namespace, "--timeout=60s")
    assert the_readers_array.control.state() == before


def written(block: str, namespace: str, array: Simulator) -> list[Any]:
    """The documents, with what the README asks the reader to put in: address and host key, and nothing else."""
    documents = [*yaml.safe_load_all(block.replace("storage-team", namespace))]
    for document in documents:
        if document["kind"] == "FlashSystemArray":
            document["spec"]["management"] = {"addresses": [array.host], "port": array.port}
            document["spec"]["hostKeys"] = [array.host_key]
    return documents


def typed(namespace: str) -> list[str]:
    """The commands about the first volume."""
    lines = re.findall(r"^    (kubectl -n storage-team .*)$", README, re.MULTILINE)
    assert len(lines) == 2
    return [line.replace("storage-team", namespace) for line in lines]
