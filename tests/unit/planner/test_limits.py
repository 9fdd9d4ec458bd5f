"""A warning comes before the array is full; nothing is refused for it."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.array.inventory import Inventory
from flashsystem_operator.array.model import Dialect, Host
from flashsystem_operator.planner import limits
from flashsystem_operator.planner.decision import InSync, Reason
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.values import HostName
from support.builders import attachment, body, desired, host, host_object, inventory, mapped, own_name, volume

FINE = InSync(Reason.READY, "")
LEGACY: dict[str, Any] = {"dialect": Dialect.LEGACY, "level": (1, 6)}


def boxes(count: int, io_groups: int = 1, names: int = 1) -> list[Host]:
    made = [host_object(f"box{n}", *(f"box{n}-{m}" for m in range(names))) for n in range(count)]
    return [replace(each, io_group_count=io_groups) for each in made]


def said(seen: Inventory) -> str:
    return "".join(note.message for note in limits.of_array(FINE, seen).notes)


def with_mappings(count: int, product: str = "IBM FlashSystem", **more: Any) -> Inventory:
    ours = host_object(own_name("node"), "node")
    volumes = [volume(f"v{n}", n) for n in range(1, count + 1)]
    of = body(**more)
    of = replace(of, system=replace(of.system, product=product))
    return inventory(ours, *volumes, *(mapped(ours, each, n) for n, each in enumerate(volumes)), of=of)


@pytest.mark.parametrize(
    ("because", "seen", "told"),
    [
        ("819 hosts are no reason", inventory(*boxes(819)), ""),
        ("820 of 1024 hosts are", inventory(*boxes(820)), "820 of about 1024 host objects"),
        ("204 hosts in all I/O groups are no reason", inventory(*boxes(204, io_groups=4)), ""),
        ("205 are", inventory(*boxes(205, io_groups=4)), "205 of about 256 host objects in one I/O group"),
        ("205 in one I/O group each are not known to be in the same", inventory(*boxes(205, io_groups=1)), ""),
        (
            "200 in all and 5 that are placed in one are 205 there",
            inventory(*boxes(205, 1)[:5], *boxes(205, 4)[5:], io_groups={HostName(f"box{n}"): {"1"} for n in range(5)}),
            "205 of about 256 host objects in one I/O group",
        ),
        (
            "5 that are placed side by side are not in one",
            inventory(
                *boxes(205, 1)[:5], *boxes(205, 4)[5:], io_groups={HostName(f"box{n}"): {str(n % 2)} for n in range(5)}
            ),
            "",
        ),
        ("205 iSCSI names are", inventory(*boxes(41, 4, names=5)), "205 of about 256 iSCSI names in one I/O group"),
        ("1639 mappings are on a FlashSystem 900", with_mappings(1639, **LEGACY), "1639 of about 2048 mappings"),
        ("and not elsewhere, where no source gives a number", with_mappings(1639), ""),
    ],
    ids=lambda each: each if isinstance(each, str) and " " in each else "",
)
def test_an_array_near_a_limit_says_so(because: str, seen: Inventory, told: str) -> None:
    assert told in said(seen), because
    assert bool(told) == bool(said(seen)), because


@pytest.mark.parametrize(
    ("count", "product", "told"),
    [
        (409, "IBM Storwize V3500", ""),
        (410, "IBM Storwize V3500", "410 of about 512 mapped volumes"),
        (410, "IBM FlashSystem 7200", ""),
        (1639, "IBM FlashSystem 7200", "1639 of about 2048 mapped volumes"),
    ],
)
def test_a_host_near_the_number_of_its_volumes_says_so_and_goes_on(count: int, product: str, told: str) -> None:
    wished = host("node")
    around = desired(wished, attachment("a", "node", "v1"))

    decision = host_plan.plan(wished, around, with_mappings(count, product))

    assert isinstance(decision, InSync)
    assert [note.kind for note in decision.notes] == (["NearLimit"] if told else [])
    assert told in "".join(note.message for note in decision.notes)
