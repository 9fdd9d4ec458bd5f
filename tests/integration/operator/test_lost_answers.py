"""An answer that is lost costs a pass and nothing else. While nobody knows what it was, nothing contrary is done."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, looks, mark, writes
from support.operator_process import Operator, replica
from support.outcomes import comes_to, layout, stays_in_sync
from support.simulated_arrays import simulated
from support.stand import ATTACHMENTS, HOSTS, PATIENCE, Stand, iqn, until

pytestmark = pytest.mark.long

VERBS = ("mkhost", "mkvdiskhostmap", "rmvdiskhostmap", "rmhost", "addhostport", "rmhostport")
"""Each is lost on a host of its name. Volumes are named after the host that they are for, with a number."""


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with three volumes for each host, and for one host more."""
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[request.param]
    volumes = [{"name": f"{host}-{number}", "pool": pool} for host in (*VERBS, "other") for number in (0, 1, 2)]
    with simulated({"volumes": volumes}, request.param) as running:
        yield running


def host(stand: Stand, verb: str, ports: int = 1) -> Any:
    return stand.host(verb, *(iqn(f"{verb}-{number}") for number in range(ports)))


def wish(stand: Stand, volume: str, name: str = "") -> Any:
    return stand.attachment(name or volume, volume.partition("-")[0], volume)


def begin(stand: Stand) -> None:
    """What is there before anything is lost."""
    there = ["mkvdiskhostmap-0", "rmvdiskhostmap-0", "rmvdiskhostmap-1", "rmhost-1", "addhostport-0", "rmhostport-0"]
    ports = {"rmhostport": 2}
    stand.apply(
        *(host(stand, verb, ports.get(verb, 1)) for verb in VERBS[1:]), *(wish(stand, volume) for volume in there)
    )
    stand.ready(ATTACHMENTS, *there)


def change(stand: Stand) -> None:
    """What needs each of the commands once."""
    stand.apply(
        *(host(stand, "mkhost"), wish(stand, "mkhost-1"), wish(stand, "mkvdiskhostmap-1")),
        *(host(stand, "addhostport", 2), host(stand, "rmhostport", 1)),
    )
    stand.delete(ATTACHMENTS, "rmvdiskhostmap-1", "rmhost-1", wait=False)


def at(volume: str) -> str:
    return f"[ =]{volume}-"


def found(simulator: Simulator) -> Mapping[str, tuple[list[str], list[str]]]:
    """The initiators and the volumes of each host object, under the names of the resources. LUNs must not clash."""
    seen = layout(simulator)
    places = [(name, lun) for name, _, lun in seen["mappings"]]
    assert len(places) == len(set(places)), "a LUN was used twice"
    return {
        name.rpartition("-")[0]: (ports, sorted(volume for where, volume, _ in seen["mappings"] if where == name))
        for name, ports in seen["hosts"]
    }


def ports_of(verb: str, count: int = 1) -> list[str]:
    return [iqn(f"{verb}-{number}") for number in range(count)]


CHANGED = {
    "mkhost": (ports_of("mkhost"), ["mkhost-1"]),
    "mkvdiskhostmap": (ports_of("mkvdiskhostmap"), ["mkvdiskhostmap-0", "mkvdiskhostmap-1"]),
    "rmvdiskhostmap": (ports_of("rmvdiskhostmap"), ["rmvdiskhostmap-0"]),
    "addhostport": (ports_of("addhostport", 2), ["addhostport-0"]),
    "rmhostport": (ports_of("rmhostport"), ["rmhostport-0"]),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["cut", "drop", "hang"])
def test_a_lost_answer_costs_a_pass_and_nothing_else(stand: Stand, simulator: Simulator, fault: str, when: str) -> None:
    # What breaks a connection breaks what else is on it: one command at a time keeps them apart, where that is quick.
    width = 16 if fault == "hang" else 1
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": width}, resyncInterval="1s")
    begin(stand)
    start = mark(simulator)
    faults = [simulator.control.fault(fault, verb, line=at(verb), when=when) for verb in VERBS]

    change(stand)
    comes_to(CHANGED, lambda: found(simulator))
    stand.ready(ATTACHMENTS, "mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-0")
    stand.ready(HOSTS, *VERBS)
    stand.gone(ATTACHMENTS, "rmvdiskhostmap-1")
    stand.gone(ATTACHMENTS, "rmhost-1")
    stays_in_sync(simulator)

    assert {each["state"] for each in simulator.control.faults() if each["id"] in faults} == {"spent"}
    for verb in VERBS:
        typed = [each["done"] for each in commands(simulator, start) if each["verb"] == verb and about(each, verb)]
        assert typed == ([True] if when == "after" else [False, True]), verb


def about(command: Mapping[str, Any], verb: str) -> bool:
    return any(word.startswith(f"{verb}-") for word in command["named"])


@pytest.fixture
def patient(stand: Stand, operator: Operator, tmp_path: Path) -> Iterator[Operator]:
    """An operator that would wait ten minutes before it believes that a lost command did not run."""
    operator.stop()
    with replica(stand.cluster, tmp_path / "log", "--unsettled", "600") as running:
        yield running


@pytest.mark.usefixtures("patient")
def test_nothing_contrary_is_done_while_an_outcome_is_unknown(stand: Stand, simulator: Simulator) -> None:
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": 16}, resyncInterval="1s")
    begin(stand)
    faults = [simulator.control.fault("hold", verb, line=at(verb), when="before") for verb in VERBS]
    change(stand)
    for fault in faults:
        simulator.control.wait(fault, seconds=PATIENCE)
    for name in ("mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-1"):
        assert "may still be running" in stand.await_reason(ATTACHMENTS, name, "OutcomeUnknown")
    for name in ("rmhost", "addhostport", "rmhostport"):
        assert "may still be running" in stand.await_reason(HOSTS, name, "OutcomeUnknown")
    before, start = found(simulator), mark(simulator)

    repent(stand)
    stand.apply(host(stand, "other"), wish(stand, "other-1"))
    stand.ready(ATTACHMENTS, "other-1")
    until("further looks", lambda: looks(simulator, start) > 2)

    assert writes(simulator, start) == ["mkhost", "mkvdiskhostmap"]
    assert found(simulator) == {**before, "other": other()}
    for kind, name in (
        *((ATTACHMENTS, each) for each in ("mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-1", "rmhost-1")),
        (HOSTS, "mkhost"),
    ):
        assert stand.get(kind, name)["metadata"]["finalizers"], f"{name} was let go"
    for name in ("again-1", "again-2"):
        stand.await_reason(ATTACHMENTS, name, "OutcomeUnknown")

    for fault in faults:
        assert simulator.control.release(fault) == 1
    comes_to({**REPENTED, "other": other()}, lambda: found(simulator))
    stand.ready(ATTACHMENTS, "again-1", "again-2")
    stand.ready(HOSTS, "rmhost", "addhostport", "rmhostport", "other")
    for name in ("mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-1", "rmhost-1"):
        stand.gone(ATTACHMENTS, name)
    stand.gone(HOSTS, "mkhost")
    stays_in_sync(simulator)


def other() -> tuple[list[str], list[str]]:
    return [iqn("other-0")], ["other-1"]


def repent(stand: Stand) -> None:
    """Wish the contrary of each."""
    stand.delete(ATTACHMENTS, "mkhost-1", "mkvdiskhostmap-1", wait=False)
    stand.delete(HOSTS, "mkhost", wait=False)
    stand.apply(
        *(wish(stand, "rmvdiskhostmap-1", "again-1"), wish(stand, "rmhost-1", "again-2")),
        *(host(stand, "addhostport", 1), host(stand, "rmhostport", 2)),
    )


REPENTED = {
    "mkvdiskhostmap": (ports_of("mkvdiskhostmap"), ["mkvdiskhostmap-0"]),
    "rmvdiskhostmap": (ports_of("rmvdiskhostmap"), ["rmvdiskhostmap-0", "rmvdiskhostmap-1"]),
    "rmhost": (ports_of("rmhost"), ["rmhost-1"]),
    "addhostport": (ports_of("addhostport"), ["addhostport-0"]),
    "rmhostport": (ports_of("rmhostport", 2), ["rmhostport-0"]),
}
