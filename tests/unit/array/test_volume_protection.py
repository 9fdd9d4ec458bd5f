"""Volume protection, read from the simulated array: it is on only if the system and the volume's pool have it on."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from flashsystem_operator.array.discovery import Protection, protection
from flashsystem_operator.array.session import Session
from flashsystem_operator.values import PoolName, VolumeName
from support.in_process import InProcess

FAST, SLOW = PoolName("Pool0"), PoolName("Pool 1")
DATA, LOGS = VolumeName("data"), VolumeName("logs of it")


def config(*, system: str = "yes", fast: str = "yes", slow: str = "yes", **more: Any) -> dict[str, Any]:
    return {
        "system": {"vdisk_protection_enabled": system, "vdisk_protection_time": 20},
        "pools": [
            {"name": FAST, "vdisk_protection_enabled": fast},
            {"name": SLOW, "vdisk_protection_enabled": slow},
        ],
        "volumes": [{"name": DATA, "pool": FAST}, {"name": LOGS, "pool": SLOW}],
        **more,
    }


@pytest.fixture
def read_protection() -> Iterator[Any]:
    opened: list[tuple[InProcess, Session]] = []

    def read(configured: dict[str, Any], *volumes: VolumeName) -> Protection | None:
        array = InProcess(configured)
        opened.append((array, array.session()))
        return protection(opened[-1][1], volumes)

    yield read
    for array, session in opened:
        session.close()
        array.__exit__()


def test_it_is_on_if_both_system_and_pool_have_it_enabled(read_protection: Any) -> None:
    assert read_protection(config(), DATA) == Protection(20, (FAST,))
    assert read_protection(config(), DATA, LOGS) == Protection(20, (FAST, SLOW))


def test_the_system_or_the_pool_alone_does_not_turn_it_on(read_protection: Any) -> None:
    assert read_protection(config(system="no"), DATA) is None
    assert read_protection(config(fast="no"), DATA) is None
    assert read_protection(config(fast="no"), DATA, LOGS) == Protection(20, (SLOW,))


def test_on_a_release_without_a_setting_of_pools_the_systems_setting_decides(read_protection: Any) -> None:
    assert read_protection(config(release="7.6.0.0"), DATA) == Protection(20, (FAST,))


def test_a_legacy_array_has_no_volume_protection() -> None:
    with InProcess({"dialect": "legacy"}) as array, closing(array.session()) as session:
        assert protection(session, [VolumeName("vol0")]) is None


def test_a_missing_volume_is_not_protected(read_protection: Any) -> None:
    assert read_protection(config(), VolumeName("gone")) is None


def test_without_a_volume_the_systems_setting_decides(read_protection: Any) -> None:
    assert read_protection(config()) == Protection(20, ())
