"""End-to-end tests: a real cluster made by kind, the operator's image as pods, kubectl, and nothing of our code.

`make e2e` makes a new cluster, builds and loads the image, and runs all of these; the cluster then stays for a look
(`eval "$(make -s e2e-env)"`) until `make e2e-down`, or until the next `make e2e`. For a single test `make e2e-up` makes
the cluster alone; while it stays, `.venv/bin/pytest tests/e2e -k promise` runs against it, and installs what is not
there. The image in it is the one of the last `make e2e-up` or `make e2e`.

To add a test: a file `test_*.py` here, with these fixtures:

- `team`: a namespace of the test's own and the array it uses, once for each dialect (`team.array.dialect`). It makes
  hosts and volumes (`team.volumes("a")`, `team.apply(*team.hosts("h"), team.attachment("a", "h"))`), waits as a user
  does (`team.await_ready("fsattach/a")`), and looks at the array (`team.mapped("a")`, `team.array.admin("lshost")`).
  At its end what was made in it is deleted, and that must work.
- `lab`: the cluster (`lab.cluster.kubectl`), the operator (`lab.operator_pods()`, `lab.operator_log()`), the node
  (`lab.node_shell`), another tag of the image (`lab.load_as`), `lab.install()` for who has uninstalled.

All tests share one cluster, one operator and the two arrays, one after another. So a test touches only objects of its
own team, and whoever disturbs the operator, an array or the node leaves them well: `lab` waits for that before each
test, and each test's end checks that the operator reported no bug of its own. Tests come in the order of their files'
names: what takes the operator away belongs at the end of the alphabet. Only the tutorial, which begins with nothing,
comes before all of them.
"""

import os
from collections.abc import Iterator

import pytest

from cluster.client import KubectlFailed
from onkind.lab import DIALECTS, Lab, Team, opened
from onkind.standing import standing


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The cluster that `make e2e` made, as it is."""
    left = standing()
    if left is None:
        pytest.exit(
            "no kind cluster is up: `make e2e-up` makes one, and `make e2e` makes one and runs these tests",
            returncode=2,
        )
    return opened(left, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def scene(found: Lab) -> Lab:
    """It, with the operator and both arrays in it."""
    found.install()
    found.connect_arrays()
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tutorial begins and ends with nothing, as a new cluster is."""
    items.sort(key=lambda item: item.path.stem != "test_tutorial")


@pytest.fixture
def lab(scene: Lab) -> Iterator[Lab]:
    """All of it, well at the beginning; and the operator without a bug of its own at the end."""
    scene.rolled_out()
    yield scene
    try:
        log = scene.operator_log(since="15m")
    except KubectlFailed:  # the test took the operator away
        return
    for line in log[-40:]:
        said = line.get("message") or line["change"]["command"]
        print(line["time"], line["level"], said)  # noqa: T201 - pytest shows it when the test fails
    assert [line for line in log if line["level"] in {"ERROR", "CRITICAL"}] == []


@pytest.fixture(params=DIALECTS)
def team(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Team]:
    """A namespace for one test, on the array of one dialect. Its end is that of a user: delete, and wait."""
    name = f"{request.node.originalname.removeprefix('test_')[:24]}-{request.param}".replace("_", "-")
    with lab.cluster.namespace(name) as namespace:
        team = Team(lab, lab.arrays[request.param], namespace)
        yield team
        if os.environ.get("E2E_KEEP"):
            return
        team.delete("fsattach,fshost --all")
