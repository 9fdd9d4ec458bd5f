"""Messages about an object disclose no object of another namespace."""

from typing import Any

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.planner.desired import Reader
from flashsystem_operator.values import HostName, host_object_name
from support.builders import INSTALLATION, attachment, desired, host, own_name

NEAR, FAR = "team-a", "team-b"


def host_in(name: str, namespace: str, **more: Any) -> FlashSystemHost:
    return host(name, array_ref={"name": "array", "namespace": "storage"}, meta={"namespace": namespace}, **more)


MINE, OTHERS = (
    host_object_name(INSTALLATION, NEAR, "mine", "mine"),
    host_object_name(INSTALLATION, FAR, "theirs", "theirs"),
)
ADOPTED = host_in("adopter", FAR, status={"name": "adopted", "ownership": "Adopted"})
AROUND = desired(host_in("mine", NEAR), host_in("theirs", FAR), ADOPTED)


@pytest.mark.parametrize(
    ("because", "reader", "names", "expected"),
    [
        ("the reader's own is named", NEAR, [MINE], MINE),
        ("one of another namespace is not", NEAR, [OTHERS], "another host"),
        (
            "the reader's own comes first, then the number of others",
            NEAR,
            [OTHERS, "x", MINE],
            f"{MINE} and 2 other hosts",
        ),
        ("one that another namespace adopted belongs to that namespace", NEAR, ["adopted"], "another host"),
        ("one without an owner is not named outside the namespace of the array", NEAR, ["admins"], "another host"),
        ("but in the namespace of the array", "storage", ["admins"], "admins"),
        (
            "where those of other namespaces are not named either",
            "storage",
            ["adopted", "admins", OTHERS],
            "admins and 2 other hosts",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) and " " in each else "",
)
def test_which_host_objects_are_named_to_which_namespace(
    because: str, reader: str, names: list[str], expected: str
) -> None:
    assert Reader(reader, AROUND).host_objects(names) == expected, because


def test_resources_of_other_namespaces_are_counted() -> None:
    mine = [attachment(name, "node", meta={"namespace": NEAR}) for name in ("b", "a")]
    others = [attachment(name, "node", meta={"namespace": FAR}) for name in ("canary", "bird")]
    reader = Reader(NEAR, AROUND)

    assert reader.resources(mine) == "a and b"
    assert reader.resources([*others[:1], *mine]) == "a, b and a VolumeAttachment of another namespace"
    assert reader.resources(others) == "2 VolumeAttachments of other namespaces"
    assert reader.resource(others[0]) == "a VolumeAttachment of another namespace"
    assert reader.resource(mine[0]) == "VolumeAttachment team-a/b"


def test_a_host_object_name_of_a_former_installation_belongs_to_its_owner_too() -> None:
    former = host_object_name("before", NEAR, "mine", "mine")
    moved = desired(host_in("mine", NEAR), former=("before",))

    assert Reader(NEAR, moved).host_object(former) == f"Host object {former}"
    assert Reader(FAR, moved).host_object(former) == "A host object of another owner's"
    assert Reader("storage", moved).knows(HostName(own_name("missing")))
