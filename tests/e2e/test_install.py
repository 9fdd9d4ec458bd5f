"""`kubectl apply -k manifests/base`: what then runs is minimal and has minimal privileges."""

import json
import re

import pytest

from cluster.client import KubectlFailed
from cluster.standing import CHECKOUT
from onkind.lab import MANIFESTS, OPERATOR, SYSTEM, Lab


def test_the_operator_becomes_ready_without_a_restart(lab: Lab) -> None:
    (pod,) = lab.operator_pods()

    (container,) = pod["status"]["containerStatuses"]
    assert container["ready"]
    assert container["restartCount"] == 0, "it started at the first try"
    assert lab.standing.image in container["image"]


def test_what_runs_matches_the_manifests(lab: Lab) -> None:
    """If there were a difference, `kubectl diff` would exit with another code than 0."""
    assert lab.cluster.kubectl("diff", "--kustomize", str(MANIFESTS / "base")) == ""


def test_its_namespace_refuses_a_pod_that_is_less_restricted(lab: Lab) -> None:
    overrides = {"spec": {"containers": [{"name": "x", "image": "x", "securityContext": {"privileged": True}}]}}
    args = ("run", "x", "--image=x", f"--namespace={SYSTEM}", "--dry-run=server", "--overrides", json.dumps(overrides))

    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        lab.cluster.kubectl(*args)


def test_it_runs_as_an_unprivileged_user_and_can_write_only_to_its_own_folder(lab: Lab) -> None:
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
    output = lab.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", "python", "-c", program).splitlines()

    assert output[0] == "65532 65532"
    assert [line.split()[0] for line in output[1:] if line.endswith("written")] == [temporary]
    assert len(output) == 6


def test_the_image_adds_neither_pip_nor_build_or_test_packages(lab: Lab) -> None:
    """A pip in the base image is not ours to remove; what we add contains none."""
    program = "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('hatchling'), u.find_spec('pytest'))"

    output = lab.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", "python", "-c", program)

    assert output.split() == ["None", "None", "None"]


def test_its_packages_have_the_size_stated_in_the_readme(lab: Lab) -> None:
    """The rest of the size is the base image, which is another one where it can be pulled."""
    stated = re.search(r"of which (\d+) are Python packages", (CHECKOUT / "README.md").read_text())
    assert stated

    measure = ("du", "--summarize", "--apparent-size", "--block-size=MB", "/opt/operator")
    output = lab.cluster.kubectl("exec", OPERATOR, f"--namespace={SYSTEM}", "--", *measure)

    assert int(output.split("MB")[0]) == pytest.approx(int(stated[1]), abs=10)
