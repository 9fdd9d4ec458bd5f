"""A machine that is logged in keeps its volumes when objects are deleted, until it logs out or a user overrides it."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, mappings, mark, ports, writes
from support.recorded_events import events
from support.stand import ATTACHMENTS, HOSTS, Namespace, iqn, until

pytestmark = pytest.mark.slow

FORCE = "flashsystem.io/force-detach"


def attached(stand: Namespace, simulator: Simulator, count: int, **spec: Any) -> list[str]:
    """Attach this many volumes to one machine with two sessions; return the names of the attachments."""
    pool = simulator.control.state()["pools"][0]["name"]
    for number in range(5, count):
        admin(simulator, f"mkvdisk -name vol{number} -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    stand.array(simulator, resyncInterval="2s")
    names = [f"a{number}" for number in range(count)]
    stand.apply(stand.host("node"), *(stand.attachment(f"a{n}", "node", f"vol{n}", **spec) for n in range(count)))
    stand.ready(ATTACHMENTS, *names)
    log_in(simulator, 2)
    return names


def log_in(simulator: Simulator, logins: int) -> None:
    simulator.control.change("host_port", iqn("node"), logins=logins)


def uid(stand: Namespace, kind: str, name: str) -> str:
    return str(stand.get(kind, name)["metadata"]["uid"])


def warnings(stand: Namespace, name: str) -> list[str]:
    """Return the messages of the DoneWithWarning Events of the object of this name."""
    kind = ("DoneWithWarning", "Warning")
    return [each["message"] for each in events(stand, name) if (each["reason"], each["type"]) == kind]


def test_of_eight_volumes_of_a_logged_in_machine_none_is_detached_until_it_logs_out(
    stand: Namespace, simulator: Simulator
) -> None:
    names = attached(stand, simulator, 8)
    start = mark(simulator)

    stand.delete(ATTACHMENTS, *names, wait=False)
    for name in names:
        message = stand.await_reason(ATTACHMENTS, name, "DetachBlocked")
        assert "2 sessions" in message
        assert f"{FORCE}: {uid(stand, ATTACHMENTS, name)}" in message
        assert stand.condition(ATTACHMENTS, name, "DetachBlocked")["status"] == "True"
    assert writes(simulator, start) == []
    assert len(mappings(simulator)) == 8

    log_in(simulator, 0)
    for name in names:
        stand.gone(ATTACHMENTS, name)
    until("the removal of the host object", lambda: ports(simulator) == {})


def test_of_eight_volumes_one_is_detached_with_a_warning_and_each_other_only_deliberately(
    stand: Namespace, simulator: Simulator
) -> None:
    one, forced, warned, off, *rest = attached(stand, simulator, 8)
    others = [forced, warned, off, *rest]

    stand.delete(ATTACHMENTS, one)
    assert len(mappings(simulator)) == 7
    assert "2 sessions" in until("the warning", lambda: warnings(stand, one))[0]
    assert not stand.condition(ATTACHMENTS, forced, "DetachBlocked")

    stand.delete(ATTACHMENTS, *others, wait=False)
    stand.await_reason(ATTACHMENTS, forced, "DetachBlocked")
    stand.annotate(ATTACHMENTS, forced, force_detach=uid(stand, ATTACHMENTS, rest[0]))
    until("the wrong uid to be reported", lambda: "another object" in stand.condition(ATTACHMENTS, forced)["message"])
    assert len(mappings(simulator)) == 7
    stand.annotate(ATTACHMENTS, forced, force_detach=uid(stand, ATTACHMENTS, forced))
    stand.gone(ATTACHMENTS, forced)
    until("the warning", lambda: warnings(stand, forced))

    stand.patch(ATTACHMENTS, warned, {"detachGuard": "Warn"})
    stand.gone(ATTACHMENTS, warned)
    until("the warning", lambda: warnings(stand, warned))
    stand.patch(ATTACHMENTS, off, {"detachGuard": "Disabled"})
    stand.gone(ATTACHMENTS, off)
    assert warnings(stand, off) == []

    for name in rest:
        stand.await_reason(ATTACHMENTS, name, "DetachBlocked")
    assert {volume for _, volume, _ in mappings(simulator)} == {"vol4", "vol5", "vol6", "vol7"}
    log_in(simulator, 0)
    for name in rest:
        stand.gone(ATTACHMENTS, name)


def test_an_initiator_that_is_logged_in_is_removed_only_by_force(stand: Namespace, simulator: Simulator) -> None:
    stand.array(simulator, resyncInterval="2s")
    stand.apply(stand.host("node", iqn("node"), iqn("old")), stand.attachment("one", "node", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    simulator.control.change("host_port", iqn("old"), logins=1)
    stand.patch(HOSTS, "node", {"initiators": {"iscsi": [iqn("node")]}})
    assert FORCE in stand.await_reason(HOSTS, "node", "PortLoggedIn")

    stand.annotate(HOSTS, "node", force_detach=uid(stand, ATTACHMENTS, "one"))
    until("the wrong uid to be reported", lambda: "another object" in stand.condition(HOSTS, "node")["message"])
    assert len(next(iter(ports(simulator).values()))) == 2
    stand.annotate(HOSTS, "node", force_detach=uid(stand, HOSTS, "node"))

    stand.await_reason(HOSTS, "node", "Ready")
    assert list(ports(simulator).values()) == [[iqn("node")]]
    assert until("the warning", lambda: warnings(stand, "node"))
