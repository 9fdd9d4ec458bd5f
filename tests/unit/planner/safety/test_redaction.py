"""Nobody is told of an object of another namespace by what is said of his own."""

from typing import Any

import pytest

from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.planner.names import host_object_name
from flashsystem_operator.planner.redaction import Reader
from flashsystem_operator.values import HostName
from support.builders import INSTALLATION, attachment, desired, host, own_name

NEAR, FAR = "team-a", "team-b"


def theirs(name: str, namespace: str, **more: Any) -> FlashSystemHost:
    return host(name, array_ref={"name": "array", "namespace": "storage"}, meta={"namespace": namespace}, **more)


MINE, OTHERS = host_object_name(INSTALLATION, NEAR, "mine", "mine"), host_object_name(INSTALLATION, FAR, "his", "his")
ADOPTED = theirs("adopter", FAR, status={"name": "adopted", "ownership": "Adopted"})
AROUND = desired(theirs("mine", NEAR), theirs("his", FAR), ADOPTED)


@pytest.mark.parametrize(
    ("because", "reader", "names", "told"),
    [
        ("one's own is named", NEAR, [MINE], MINE),
        ("another's is not", NEAR, [OTHERS], "another host"),
        (
            "one's own comes first, then how many others there are",
            NEAR,
            [OTHERS, "x", MINE],
            f"{MINE} and 2 other hosts",
        ),
        ("what another adopted is his", NEAR, ["adopted"], "another host"),
        ("what is nobody's is not named to guests of the array", NEAR, ["admins"], "another host"),
        ("but to who keeps it", "storage", ["admins"], "admins"),
        ("to whom others' are not named either", "storage", ["adopted", "admins", OTHERS], "admins and 2 other hosts"),
    ],
    ids=lambda each: each if isinstance(each, str) and " " in each else "",
)
def test_which_host_objects_are_named_to_whom(because: str, reader: str, names: list[str], told: str) -> None:
    assert Reader(reader, AROUND).host_objects(names) == told, because


def test_resources_of_other_namespaces_are_counted() -> None:
    mine = [attachment(name, "node", meta={"namespace": NEAR}) for name in ("b", "a")]
    his = [attachment(name, "node", meta={"namespace": FAR}) for name in ("canary", "bird")]
    reader = Reader(NEAR, AROUND)

    assert reader.resources(mine) == "a and b"
    assert reader.resources([*his[:1], *mine]) == "a, b and a VolumeAttachment of another namespace"
    assert reader.resources(his) == "2 VolumeAttachments of other namespaces"
    assert reader.resource(his[0]) == "a VolumeAttachment of another namespace"
    assert reader.resource(mine[0]) == "VolumeAttachment team-a/b"


def test_the_name_of_a_former_installation_is_its_owners_too() -> None:
    former = host_object_name("before", NEAR, "mine", "mine")
    moved = desired(theirs("mine", NEAR), former=("before",))

    assert Reader(NEAR, moved).host_object(former) == f"Host object {former}"
    assert Reader(FAR, moved).host_object(former) == "A host object of another owner's"
    assert Reader("storage", moved).knows(HostName(own_name("nobody")))
