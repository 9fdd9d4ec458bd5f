"""A warning is reported before the array is full; nothing is refused because of it."""

from dataclasses import replace
from typing import Any

import pytest

from flashsystem_operator.api.array import Counts
from flashsystem_operator.array.model import Dialect, Host, Inventory, Pool
from flashsystem_operator.planner import luns
from flashsystem_operator.planner.array import array_plan
from flashsystem_operator.planner.decision import InSync, Reason
from flashsystem_operator.planner.host import host_plan
from flashsystem_operator.values import HostName, PoolName
from support.builders import array, attachment, body, desired, host, host_object, inventory, mapped, own_name, volume

FINE = InSync(Reason.READY, "")
LEGACY: dict[str, Any] = {"dialect": Dialect.LEGACY, "level": (1, 6)}


def boxes(count: int, io_groups: int = 1, names: int = 1) -> list[Host]:
    created = [host_object(f"box{n}", *(f"box{n}-{m}" for m in range(names))) for n in range(count)]
    return [replace(each, io_group_count=io_groups) for each in created]


def messages(observed: Inventory) -> str:
    return "".join(note.message for note in luns.of_array(FINE, observed).notes)


def with_mappings(count: int, product: str = "IBM FlashSystem", **more: Any) -> Inventory:
    ours = host_object(own_name("node"), "node")
    volumes = [volume(f"v{n}", n) for n in range(1, count + 1)]
    of = body(**more)
    of = replace(of, system=replace(of.system, product=product))
    return inventory(ours, *volumes, *(mapped(ours, each, n) for n, each in enumerate(volumes)), of=of)


@pytest.mark.parametrize(
    ("because", "observed", "expected"),
    [
        ("819 hosts are below the warning level", inventory(*boxes(819)), ""),
        ("820 of 1024 hosts are above it", inventory(*boxes(820)), "820 of about 1024 host objects"),
        ("204 hosts in all I/O groups are below it", inventory(*boxes(204, io_groups=4)), ""),
        (
            "205 hosts in all I/O groups are above it",
            inventory(*boxes(205, io_groups=4)),
            "205 of about 256 host objects in one I/O group",
        ),
        ("205 hosts in one I/O group each are not known to be in the same", inventory(*boxes(205, io_groups=1)), ""),
        (
            "200 hosts in all I/O groups and 5 in one of them are 205 there",
            inventory(*boxes(205, 1)[:5], *boxes(205, 4)[5:], io_groups={HostName(f"box{n}"): {"1"} for n in range(5)}),
            "205 of about 256 host objects in one I/O group",
        ),
        (
            "5 hosts in different I/O groups are not 5 in one",
            inventory(
                *boxes(205, 1)[:5], *boxes(205, 4)[5:], io_groups={HostName(f"box{n}"): {str(n % 2)} for n in range(5)}
            ),
            "",
        ),
        (
            "205 iSCSI names are above it",
            inventory(*boxes(41, 4, names=5)),
            "205 of about 256 iSCSI names in one I/O group",
        ),
        (
            "1639 mappings on a FlashSystem 900 are above it",
            with_mappings(1639, **LEGACY),
            "1639 of about 2048 mappings",
        ),
        ("1639 mappings elsewhere are not, because no source gives a limit", with_mappings(1639), ""),
    ],
    ids=lambda each: each if isinstance(each, str) and " " in each else "",
)
def test_an_array_near_a_limit_reports_it(because: str, observed: Inventory, expected: str) -> None:
    assert expected in messages(observed), because
    assert bool(expected) == bool(messages(observed)), because


@pytest.mark.parametrize(
    ("count", "product", "expected"),
    [
        (409, "IBM Storwize V3500", ""),
        (410, "IBM Storwize V3500", "410 of about 512 mapped volumes"),
        (410, "IBM FlashSystem 7200", ""),
        (1639, "IBM FlashSystem 7200", "1639 of about 2048 mapped volumes"),
    ],
)
def test_a_host_near_its_maximum_number_of_volumes_reports_it_and_stays_in_sync(
    count: int, product: str, expected: str
) -> None:
    resource = host("node")
    desired_state = desired(resource, attachment("a", "node", "v1"))

    decision = host_plan.plan(resource, desired_state, with_mappings(count, product))

    assert isinstance(decision, InSync)
    assert [note.kind for note in decision.notes] == (["NearLimit"] if expected else [])
    assert expected in "".join(note.message for note in decision.notes)


# -- pools -----------------------------------------------------------------------------------------------------------


def pool(name: str, free: int, capacity: int = 1000, **more: Any) -> Pool:
    return Pool(PoolName(name), "online", capacity, free, **more)


def with_pools(*pools: Pool | None, hosts: int = 0) -> Inventory:
    observed = inventory(*boxes(hosts))
    observed.pools = {each.name: each for each in pools if each}
    return observed


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ([pool("a", 100)], ""),
        ([pool("a", 99)], "a (9 %)"),
        ([pool("a", 0), pool("b", 500), pool("c", 55)], "a (0 %) and c (5 %)"),
        ([pool("empty", 0, capacity=0)], ""),
    ],
    ids=["a tenth is free", "less than a tenth is free", "several pools, not all full", "a pool without capacity"],
)
def test_a_pool_with_less_than_a_tenth_free_is_a_warning_on_the_array(pools: list[Pool], expected: str) -> None:
    notes = luns.of_array(FINE, with_pools(*pools)).notes

    assert [(note.kind, note.reason) for note in notes] == (
        [("NearLimit", Reason.POOL_NEARLY_FULL)] if expected else []
    )
    assert expected in "".join(note.message for note in notes)


def test_a_full_pool_next_to_a_limit_of_the_system_is_one_warning_with_both() -> None:
    (note,) = luns.of_array(FINE, with_pools(pool("a", 1), hosts=820)).notes

    assert (note.kind, note.reason) == ("NearLimit", Reason.NEAR_LIMIT)
    assert "820 of about 1024 host objects" in note.message
    assert "a (0 %)" in note.message


def test_pools_that_were_not_read_are_no_warning() -> None:
    assert luns.of_array(FINE, inventory()).notes == ()


@pytest.mark.parametrize(
    ("because", "read", "volumes", "expected"),
    [
        ("pools that were read are shown", True, 1, ["a"]),
        ("pools that were not read again are kept while there are volumes", False, 1, ["former"]),
        ("without volumes pools are no longer read, and not shown", False, 0, []),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_status_of_the_array_shows_pools_while_it_has_volumes(
    because: str, read: bool, volumes: int, expected: list[str]
) -> None:
    known = array(status={"pools": [{"name": "former", "capacity": "1Gi", "free": "1Gi"}]})
    observed = with_pools(pool("a", 500)) if read else replace(inventory(), pools=None)
    contact = array_plan.Contact("ssh-ed25519 AAAA", "SHA256:x", "1")

    status = array_plan.reached(known, FINE, observed, contact, Counts(volumes=volumes), "2026-06-01T12:00:00Z")

    assert [each.name for each in status.pools] == expected, because
