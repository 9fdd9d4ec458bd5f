"""A lost reply costs a pass and nothing else. While the outcome is unknown, no conflicting command is sent."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands, looks, mark, writes
from support.outcomes import comes_to, layout, stays_in_sync
from support.simulated_arrays import simulated
from support.stand import ATTACHMENTS, HOSTS, PATIENCE, Namespace, iqn, until

pytestmark = [pytest.mark.slow, pytest.mark.long]

VERBS = ("mkhost", "mkvdiskhostmap", "rmvdiskhostmap", "rmhost", "addhostport", "rmhostport")
"""The reply to each is lost on a host of the same name. Volumes are named after their host, with a number."""


@pytest.fixture(params=["legacy", "modern"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """An array of either dialect with three volumes for each host and for one more host."""
    pool = {"legacy": "mdiskgrp0", "modern": "Pool0"}[request.param]
    volumes = [{"name": f"{host}-{number}", "pool": pool} for host in (*VERBS, "other") for number in (0, 1, 2)]
    with simulated({"volumes": volumes}, request.param) as running:
        yield running


def host(stand: Namespace, verb: str, ports: int = 1) -> Any:
    return stand.host(verb, *(iqn(f"{verb}-{number}") for number in range(ports)))


def attachment(stand: Namespace, volume: str, name: str = "") -> Any:
    return stand.attachment(name or volume, volume.partition("-")[0], volume)


def set_up(stand: Namespace) -> None:
    """Attach what exists before any reply is lost."""
    present = ["mkvdiskhostmap-0", "rmvdiskhostmap-0", "rmvdiskhostmap-1", "rmhost-1", "addhostport-0", "rmhostport-0"]
    ports = {"rmhostport": 2}
    stand.apply(
        *(host(stand, verb, ports.get(verb, 1)) for verb in VERBS[1:]),
        *(attachment(stand, volume) for volume in present),
    )
    stand.ready(ATTACHMENTS, *present)


def change(stand: Namespace) -> None:
    """Request changes that need each of the commands once."""
    stand.apply(
        *(host(stand, "mkhost"), attachment(stand, "mkhost-1"), attachment(stand, "mkvdiskhostmap-1")),
        *(host(stand, "addhostport", 2), host(stand, "rmhostport", 1)),
    )
    stand.delete(ATTACHMENTS, "rmvdiskhostmap-1", "rmhost-1", wait=False)


def at(volume: str) -> str:
    return f"[ =]{volume}-"


def found(simulator: Simulator) -> Mapping[str, tuple[list[str], list[str]]]:
    """The initiators and the volumes of each host object, under the names of the resources. No LUN is used twice."""
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
def test_a_lost_reply_costs_a_pass_and_nothing_else(
    stand: Namespace, simulator: Simulator, fault: str, when: str
) -> None:
    # A broken connection breaks all commands on it: one command at a time separates them, where that is fast enough.
    width = 16 if fault == "hang" else 1
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": width}, resyncInterval="1s")
    set_up(stand)
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
        outcomes = [each["done"] for each in commands(simulator, start) if each["verb"] == verb and about(each, verb)]
        assert outcomes == ([True] if when == "after" else [False, True]), verb


def about(command: Mapping[str, Any], verb: str) -> bool:
    return any(name.startswith(f"{verb}-") for name in command["named"])


# The operator waits ten minutes before it assumes that a command without a reply did not run.
@pytest.mark.parametrize("settings", [{"in_doubt": 600.0}], ids=["patient"])
def test_no_conflicting_command_is_sent_while_an_outcome_is_unknown(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator, limits={"commandTimeout": "4s", "concurrentCommands": 16}, resyncInterval="1s")
    set_up(stand)
    faults = [simulator.control.fault("hold", verb, line=at(verb), when="before") for verb in VERBS]
    change(stand)
    for fault in faults:
        simulator.control.wait(fault, seconds=PATIENCE)
    for name in ("mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-1"):
        assert "may still be running" in stand.await_reason(ATTACHMENTS, name, "OutcomeUnknown")
    for name in ("rmhost", "addhostport", "rmhostport"):
        assert "may still be running" in stand.await_reason(HOSTS, name, "OutcomeUnknown")
    before, start = found(simulator), mark(simulator)

    reverse(stand)
    stand.apply(host(stand, "other"), attachment(stand, "other-1"))
    stand.ready(ATTACHMENTS, "other-1")
    until("further reads", lambda: looks(simulator, start) > 2)

    assert writes(simulator, start) == ["mkhost", "mkvdiskhostmap"]
    assert found(simulator) == {**before, "other": other()}
    for kind, name in (
        *((ATTACHMENTS, each) for each in ("mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-1", "rmhost-1")),
        (HOSTS, "mkhost"),
    ):
        assert stand.get(kind, name)["metadata"]["finalizers"], f"{name} was released"
    for name in ("again-1", "again-2"):
        stand.await_reason(ATTACHMENTS, name, "OutcomeUnknown")

    for fault in faults:
        assert simulator.control.release(fault) == 1
    comes_to({**REVERSED, "other": other()}, lambda: found(simulator))
    stand.ready(ATTACHMENTS, "again-1", "again-2")
    stand.ready(HOSTS, "rmhost", "addhostport", "rmhostport", "other")
    for name in ("mkhost-1", "mkvdiskhostmap-1", "rmvdiskhostmap-1", "rmhost-1"):
        stand.gone(ATTACHMENTS, name)
    stand.gone(HOSTS, "mkhost")
    stays_in_sync(simulator)


def other() -> tuple[list[str], list[str]]:
    return [iqn("other-0")], ["other-1"]


def reverse(stand: Namespace) -> None:
    """Request the opposite of each change."""
    stand.delete(ATTACHMENTS, "mkhost-1", "mkvdiskhostmap-1", wait=False)
    stand.delete(HOSTS, "mkhost", wait=False)
    stand.apply(
        *(attachment(stand, "rmvdiskhostmap-1", "again-1"), attachment(stand, "rmhost-1", "again-2")),
        *(host(stand, "addhostport", 1), host(stand, "rmhostport", 2)),
    )


REVERSED = {
    "mkvdiskhostmap": (ports_of("mkvdiskhostmap"), ["mkvdiskhostmap-0"]),
    "rmvdiskhostmap": (ports_of("rmvdiskhostmap"), ["rmvdiskhostmap-0", "rmvdiskhostmap-1"]),
    "rmhost": (ports_of("rmhost"), ["rmhost-1"]),
    "addhostport": (ports_of("addhostport"), ["addhostport-0"]),
    "rmhostport": (ports_of("rmhostport", 2), ["rmhostport-0"]),
}
