"""End-to-end tests: a real cluster created by kind, the operator's image as pods, kubectl, and none of our code.

`make e2e` creates a new cluster, builds and loads the image, and runs all of these tests. The cluster then stays for
inspection (`eval "$(make -s e2e-env)"`) until `make e2e-down` or the next `make e2e`. For a single test, `make e2e-up`
creates the cluster alone; while it stays, `.venv/bin/pytest tests/e2e -k attached` runs against it and installs what is
missing. Its image is the one of the last `make e2e-up` or `make e2e`.

To add a test: a file `test_*.py` here, with these fixtures:

- `team`: a namespace of the test and the array that it uses, once for each dialect (`team.array.dialect`). It creates
  hosts and volumes (`team.volumes("a")`, `team.apply(*team.hosts("h"), team.attachment("a", "h"))`), waits as a user
  does (`team.await_ready("fsattach/a")`), and reads the array (`team.mapped("a")`, `team.array.admin("lshost")`).
  At its end everything in the namespace is deleted, and that must succeed.
- `lab`: the cluster (`lab.cluster.kubectl`), the operator (`lab.operator_pods()`, `lab.operator_log()`), the node
  (`lab.node_shell`), another tag of the image (`lab.load_as`), and `lab.install()` after a test that uninstalled it.

All tests share one cluster, one operator and the two arrays, one after another. So a test touches only objects of its
own team, and a test that disturbs the operator, an array or the node restores it: `lab` waits for that before each
test, and at the end of each test checks that the operator logged no error. Tests run in the order of their file names:
a test that removes the operator belongs at the end of the alphabet. Only the tutorial, which starts with an empty
cluster, runs before all of them.
"""

import os
from collections.abc import Iterator

import pytest

from cluster.client import KubectlFailed
from onkind.lab import DIALECTS, Lab, Team, opened
from onkind.standing import standing


@pytest.fixture(scope="session")
def bare_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The cluster that `make e2e` created, as it is."""
    left = standing()
    if left is None:
        pytest.exit(
            "no kind cluster is up: `make e2e-up` creates one, and `make e2e` creates one and runs these tests",
            returncode=2,
        )
    return opened(left, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def prepared_lab(bare_lab: Lab) -> Lab:
    """The cluster with the operator and both arrays in it."""
    bare_lab.install()
    bare_lab.connect_arrays()
    return bare_lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tutorial first: it starts and ends with an empty cluster."""
    items.sort(key=lambda item: item.path.stem != "test_tutorial")


@pytest.fixture
def lab(prepared_lab: Lab) -> Iterator[Lab]:
    """The cluster with a ready operator at the start of the test; at the end the operator must have logged no error."""
    prepared_lab.rolled_out()
    yield prepared_lab
    try:
        log = prepared_lab.operator_log(since="15m")
    except KubectlFailed:  # the test removed the operator
        return
    for line in log[-40:]:
        text = line.get("message") or line["change"]["command"]
        print(line["time"], line["level"], text)  # noqa: T201 - pytest shows it when the test fails
    assert [line for line in log if line["level"] in {"ERROR", "CRITICAL"}] == []


@pytest.fixture(params=DIALECTS)
def team(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Team]:
    """A namespace for one test, on the array of one dialect. At the end it deletes as a user does, and waits."""
    name = f"{request.node.originalname.removeprefix('test_')[:24]}-{request.param}".replace("_", "-")
    with lab.cluster.namespace(name) as namespace:
        team = Team(lab, lab.arrays[request.param], namespace)
        yield team
        if os.environ.get("E2E_KEEP"):
            return
        team.delete("fsattach,fshost --all")
