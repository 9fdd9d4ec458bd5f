"""What kubectl shows of our kinds, and that the examples are accepted as they are."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import CATEGORY, Kind
from support.admission import Asking
from support.stand import until

EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"

EXPLAINED = {
    "fsarray.spec.hostKeyPolicy": "any machine at the address is trusted",
    "fsarray.spec.limits.commandTimeout": "before its outcome counts as unknown",
    "fsarray.status.conditions.reason": "A CamelCase name for programs",
    "fshost.spec.initiators.iscsi": "as in its /etc/iscsi/initiatorname.iscsi",
    "fsattach.spec.volume": "exactly one of name, uid and ref",
    "fsvol": "deletes the data of a volume that the operator created",
    "fsvol.spec.size": "never be less than the size that the volume has",
    "fsattach.spec.access": "destroy a file system that was not made for it",
    "fsattach.status.connection.targets": "those of the volume's I/O group first",
    "volumeattachments.flashsystem.io": "One volume visible to one host",
}


@pytest.mark.parametrize(("field", "text"), EXPLAINED.items())
def test_kubectl_explains_a_field(field: str, text: str, with_crds: Cluster) -> None:
    assert text in " ".join(with_crds.kubectl("explain", field).split())


def test_all_kinds_are_listed_by_their_category(asking: Asking) -> None:
    for kind in Kind:
        asking.made(kind)

    listed = asking.cluster.kubectl("get", CATEGORY, f"--namespace={asking.namespace}", "--output=name")

    assert sorted(listed.split()) == sorted(f"{kind.value.lower()}.flashsystem.io/it" for kind in Kind)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_the_short_name_means_our_kind(kind: Kind, asking: Asking) -> None:
    asking.made(kind)

    found = asking.cluster.get(kind.short_name, "it", f"--namespace={asking.namespace}")

    assert found["kind"] == kind


def test_kubectl_get_shows_what_an_administrator_wants_to_see_first(asking: Asking) -> None:
    asking.made(Kind.ATTACHMENT)
    ready = {"type": "Ready", "status": "True", "reason": "Attached", "message": "At LUN 3."}
    status: dict[str, Any] = {
        "conditions": [ready | {"lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "lun": 3,
        "array": {"name": "fs"},
        "volume": {"name": "data", "uid": "6" * 32},
    }

    def shown(*how: str) -> list[str]:
        """Write the status until it is what is shown: an operator left running by other tests may overwrite it."""

        def lines() -> list[str]:
            assert asking.change(Kind.ATTACHMENT, {"status": status}, "status") == ""
            return asking.cluster.kubectl("get", "fsattach", f"--namespace={asking.namespace}", *how).splitlines()

        def ours() -> list[str] | None:
            return table if (table := lines())[1].split()[1] == "True" else None

        return cast("list[str]", until("the status of this test to be shown", ours))

    headings, values = (line.split() for line in shown())
    assert headings == ["NAME", "READY", "REASON", "ARRAY", "HOST", "VOLUME", "LUN", "AGE"]
    assert values[:-1] == ["it", "True", "Attached", "fs", "node-1", "data", "3"]
    assert "At LUN 3." in shown("--output=wide")[1]


def test_the_examples_are_accepted_as_they_are(with_crds: Cluster) -> None:
    with_crds.kubectl("apply", "--filename=-", stdin=json.dumps(namespace_object("storage-team")))

    output = with_crds.kubectl("apply", "--dry-run=server", "--kustomize", str(EXAMPLES))

    for kind in Kind:
        assert f"{kind.value.lower()}.flashsystem.io/" in output


def namespace_object(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
