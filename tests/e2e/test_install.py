"""`kubectl apply -k manifests/base`, and what then runs: as little as possible, and allowed as little as possible."""

import json
import re

import pytest

from cluster.client import KubectlFailed
from cluster.standing import CHECKOUT
from onkind.lab import MANIFESTS, OPERATOR, SYSTEM, Lab


def test_the_operator_is_ready_and_was_so_at_once(lab: Lab) -> None:
    (pod,) = lab.operator_pods()

    (container,) = pod["status"]["containerStatuses"]
    assert container["ready"]
    assert container["restartCount"] == 0, "it came up at its first try"
    assert lab.standing.image in container["image"]


def test_what_runs_is_what_the_manifests_say(lab: Lab) -> None:
    """With a difference, `kubectl diff` would end with another code than 0."""
    assert lab.cluster.kubectl("diff", "--kustomize", str(MANIFESTS / "base")) == ""


def test_its_namespace_refuses_a_pod_that_is_less_restricted(lab: Lab) -> None:
    overrides = {"spec": {"containers": [{"name": "x", "image": "x", "securityContext": {"privileged": True}}]}}
    words = ("run", "x", "--image=x", f"--namespace={SYSTEM}", "--dry-run=server", "--overrides", json.dumps(overrides))

    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        lab.cluster.kubectl(*words)


def test_it_runs_as_nobody_and_can_write_to_nothing_but_its_own_folder(lab: Lab) -> None:
    program = """
import os
print(os.getuid(), os.getgid())
for place in ("/", "/opt/operator", "/home", "/var/tmp", "/tmp"):
    try:
        open(os.path.join(place, "written"), "w").close()
    except OSError as why:
        print(place, type(why).__name__, why.errno)
    else:
        print(place, "written")
"""
    temporary = "/tmp"  # noqa: S108 - the volume that the Deployment mounts
    said = lab.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", "python", "-c", program).splitlines()

    assert said[0] == "65532 65532"
    assert [line.split()[0] for line in said[1:] if line.endswith("written")] == [temporary]
    assert len(said) == 6


def test_the_image_has_neither_a_pip_nor_a_password_of_anybody(lab: Lab) -> None:
    """A pip in the base image is not ours to remove; in what we add there is none."""
    program = "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('hatchling'), u.find_spec('pytest'))"

    said = lab.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", "python", "-c", program)

    assert said.split() == ["None", "None", "None"]


def test_its_packages_are_as_large_as_the_readme_says(lab: Lab) -> None:
    """The rest is the base image, which is another one where it can be pulled."""
    written = re.search(r"of which (\d+) are Python packages", (CHECKOUT / "README.md").read_text())
    assert written

    measure = ("du", "--summarize", "--apparent-size", "--block-size=MB", "/opt/operator")
    said = lab.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", *measure)

    assert int(said.split("MB")[0]) == pytest.approx(int(written[1]), abs=10)
