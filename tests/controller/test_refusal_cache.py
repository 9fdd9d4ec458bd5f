"""A refusal rests only if volume protection was on when it came, and only for its time."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from flashsystem_operator.array import discovery
from flashsystem_operator.array.commands import ChangeHost, MapVolume, RemoveHost, RemoveIoGroups, Step, UnmapVolume
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.session import Session
from flashsystem_operator.controller.executor import Operation, Results
from flashsystem_operator.controller.pass_memory import RefusalCache
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.events import change_reason_of
from flashsystem_operator.values import HostName, Lun, VolumeName, VolumeUid
from support.builders import array, attachment
from support.clock import Clock
from support.in_process import InProcess

OWNER = attachment("a", "node", meta={"deleting": True})


class Told:
    """An array with one mapped volume, and a session on it."""

    def __init__(self, simulated: InProcess, session: Session) -> None:
        self.array = simulated
        self.session = session
        self.clock = Clock()
        self.refusal_cache = RefusalCache(self.clock, 60.0)
        self.volume = simulated.system.volume_named["vol0"]
        self.unmap = UnmapVolume(HostName("a"), VolumeName("vol0"), VolumeUid(self.volume.uid))

    def refused(self, step: Step, words: str = "CMMVC9999E Not now.") -> None:
        operation = Operation(array().ref, None, OWNER.ref, "u", 1, change_reason_of(OWNER, step), step)
        results = Results({OWNER.ref: Refused("svctask x", words)}, refused=[operation])
        self.refusal_cache.learn(self.session, results, discovery.survey(self.session, None))


@pytest.fixture(params=[{"dialect": "modern"}, {"dialect": "modern", "release": "7.6.0.0"}])
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    config: dict[str, Any] = {**request.param, "hosts": [{"name": "a", "ports": [{"name": "iqn.2026-01.a:a"}]}]}
    config["mappings"] = [{"host": "a", "volume": "vol0", "lun": 1}]
    with InProcess(config) as simulated, closing(simulated.session()) as session:
        simulated.system.state.system.vdisk_protection_enabled = "yes"
        yield Told(simulated, session)


def test_what_was_refused_under_protection_rests_for_its_time_with_the_arrays_words(told: Told) -> None:
    told.refused(told.unmap)

    wait = told.refusal_cache.held[told.unmap]
    assert wait.reason is Reason.VOLUME_PROTECTED
    assert "CMMVC9999E Not now. Volume protection is on" in wait.message
    assert "15 minutes after the last I/O" in wait.message
    told.clock.now += 45
    assert told.refusal_cache.held[told.unmap].retry == 15
    told.clock.now += 15
    assert told.refusal_cache.held == {}


def test_protection_that_is_off_explains_no_refusal(told: Told) -> None:
    told.array.system.state.system.vdisk_protection_enabled = "no"

    told.refused(told.unmap)

    assert told.refusal_cache.held == {}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (ChangeHost(HostName("a"), "portset1", ""), "CMMVC9714E"),
        (RemoveIoGroups(HostName("a"), ("0",)), "CMMVC8262E"),
    ],
)
def test_a_code_that_gives_another_reason_is_not_explained_by_protection(told: Told, step: Step, code: str) -> None:
    told.refused(step, f"{code} No.")

    assert told.refusal_cache.held == {}


def test_only_what_takes_away_is_protected(told: Told) -> None:
    told.refused(MapVolume(told.unmap.host, told.unmap.volume, told.unmap.uid, Lun(1)))

    assert told.refusal_cache.held == {}


def test_what_is_done_all_the_same_needs_no_rest(told: Told) -> None:
    told.array.admin("svctask rmvdiskhostmap -host a vol0")

    told.refused(told.unmap)

    assert told.refusal_cache.held == {}


def test_a_host_rests_for_the_volumes_that_it_sees(told: Told) -> None:
    told.refused(step := RemoveHost(told.unmap.host))

    assert step in told.refusal_cache.held
