"""The shipped NetworkPolicy is valid and allows the connections that the operator needs."""

from collections.abc import Iterator

import pytest
import yaml

from onkind.lab import MANIFESTS, SYSTEM, Lab, Team

POLICY = "networkpolicy/flashsystem-operator"


@pytest.fixture
def network_policy(lab: Lab) -> Iterator[None]:
    policy = MANIFESTS / "components" / "network-policy" / "network-policy.yaml"
    lab.cluster.kubectl("apply", f"--filename={policy}", f"--namespace={SYSTEM}")
    yield
    lab.cluster.kubectl("delete", POLICY, f"--namespace={SYSTEM}")


@pytest.mark.usefixtures("network_policy")
@pytest.mark.parametrize("team", ["modern"], indirect=True)
def test_the_network_policy_is_valid_and_selects_the_operator(team: Team) -> None:
    """The ptp CNI of the node does not enforce it. With a CNI that does, this also tests that attaching works."""
    policy = team.cluster.get(POLICY, f"--namespace={SYSTEM}")
    labels = ",".join(f"{name}={value}" for name, value in policy["spec"]["podSelector"]["matchLabels"].items())
    chosen = team.cluster.get("pods", f"--selector={labels}", f"--namespace={SYSTEM}")["items"]
    assert {pod["metadata"]["name"] for pod in team.lab.operator_pods()} <= {
        each["metadata"]["name"] for each in chosen
    }

    team.volumes("data")
    team.apply(*team.hosts("worker-1"), team.attachment("data", "worker-1"))
    team.await_ready("fsattach/data")


def test_the_example_with_the_addresses_of_the_arrays_is_valid(lab: Lab) -> None:
    args = ("apply", "--dry-run=server", "--output=yaml")
    output = lab.cluster.kubectl(*args, "--kustomize", str(MANIFESTS / "examples" / "network-policy"))

    items = yaml.safe_load(output)["items"]
    (policy,) = [each["metadata"] for each in items if each["kind"] == "NetworkPolicy"]
    assert (policy["name"], policy["namespace"]) == ("flashsystem-operator", SYSTEM)
