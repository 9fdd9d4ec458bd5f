"""A refused step is held only if volume protection was on when it was refused, and only for a limited time."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from flashsystem_operator.array import discovery
from flashsystem_operator.array.commands import ChangeHost, MapVolume, RemoveHost, RemoveIoGroups, Step, UnmapVolume
from flashsystem_operator.array.errors import Refused
from flashsystem_operator.array.session import Session
from flashsystem_operator.array.volume_commands import ExpandVolume, RemoveVolume
from flashsystem_operator.controller.executor import Operation, RefusalCache, Results
from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.events import change_reason_of
from flashsystem_operator.values import HostName, Lun, VolumeName, VolumeUid
from support.builders import array, attachment
from support.clock import Clock
from support.in_process import InProcess

OWNER = attachment("a", "node", meta={"deleting": True})


class Setting:
    """An array with one mapped volume, and a session on it."""

    def __init__(self, simulated: InProcess, session: Session) -> None:
        self.array = simulated
        self.session = session
        self.clock = Clock()
        self.refusal_cache = RefusalCache(self.clock, 60.0)
        self.volume = simulated.system.volume_named["vol0"]
        self.unmap = UnmapVolume(HostName("a"), VolumeName("vol0"), VolumeUid(self.volume.uid))

    def refused(self, step: Step, message: str = "CMMVC9999E Not now.") -> None:
        operation = Operation(array().ref, None, OWNER.ref, "u", 1, change_reason_of(OWNER, step), step)
        results = Results({OWNER.ref: Refused("svctask x", message)}, refused=[operation])
        self.refusal_cache.learn(self.session, results, discovery.survey(self.session, None))


@pytest.fixture(params=[{"dialect": "modern"}, {"dialect": "modern", "release": "7.6.0.0"}])
def setting(request: pytest.FixtureRequest) -> Iterator[Setting]:
    config: dict[str, Any] = {**request.param, "hosts": [{"name": "a", "ports": [{"name": "iqn.2026-01.a:a"}]}]}
    config["mappings"] = [{"host": "a", "volume": "vol0", "lun": 1}]
    with InProcess(config) as simulated, closing(simulated.session()) as session:
        simulated.system.state.system.vdisk_protection_enabled = "yes"
        yield Setting(simulated, session)


def test_a_step_that_was_refused_under_protection_is_held_for_a_time_with_the_message_of_the_array(
    setting: Setting,
) -> None:
    setting.refused(setting.unmap)

    wait = setting.refusal_cache.held[setting.unmap]
    assert wait.reason is Reason.VOLUME_PROTECTED
    assert "CMMVC9999E Not now. Volume protection is on" in wait.message
    assert "15 minutes after the last I/O" in wait.message
    setting.clock.now += 45
    assert setting.refusal_cache.held[setting.unmap].retry == 15
    setting.clock.now += 15
    assert setting.refusal_cache.held == {}


def test_a_step_that_was_refused_without_protection_is_not_held(setting: Setting) -> None:
    setting.array.system.state.system.vdisk_protection_enabled = "no"

    setting.refused(setting.unmap)

    assert setting.refusal_cache.held == {}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (ChangeHost(HostName("a"), "portset1", ""), "CMMVC9714E"),
        (RemoveIoGroups(HostName("a"), ("0",)), "CMMVC8262E"),
    ],
)
def test_a_step_that_was_refused_with_a_code_of_another_reason_is_not_held(
    setting: Setting, step: Step, code: str
) -> None:
    setting.refused(step, f"{code} No.")

    assert setting.refusal_cache.held == {}


def test_only_a_step_that_removes_something_is_held(setting: Setting) -> None:
    setting.refused(MapVolume(setting.unmap.host, setting.unmap.volume, setting.unmap.uid, Lun(1)))

    assert setting.refusal_cache.held == {}


def test_a_refused_step_whose_effect_is_visible_is_not_held(setting: Setting) -> None:
    setting.array.admin("svctask rmvdiskhostmap -host a vol0")

    setting.refused(setting.unmap)

    assert setting.refusal_cache.held == {}


def test_the_removal_of_a_host_is_held_because_of_the_volumes_mapped_to_it(setting: Setting) -> None:
    setting.refused(step := RemoveHost(setting.unmap.host))

    assert step in setting.refusal_cache.held


def test_the_deletion_of_a_volume_is_held_because_of_the_volume_itself(setting: Setting) -> None:
    setting.refused(step := RemoveVolume(setting.unmap.volume, setting.unmap.uid), "CMMVC8458E Recent I/O.")

    assert setting.refusal_cache.held[step].reason is Reason.VOLUME_PROTECTED


def test_a_change_of_a_volume_that_removes_nothing_is_not_held(setting: Setting) -> None:
    setting.refused(ExpandVolume(setting.unmap.volume, setting.unmap.uid, 512, 1024))

    assert setting.refusal_cache.held == {}
