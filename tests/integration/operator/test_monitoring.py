"""Metrics and log lines of a working operator."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric

import promtool
from cluster.ports import free_ports
from flashsystem_operator.controller.metrics.families import FAMILIES
from flashsystem_operator.simulator import Simulator
from support.array_state import admin, ports
from support.metrics import Scrape, scrape
from support.operator_process import Operator, replica
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, iqn, until

pytestmark = pytest.mark.long

UNKNOWN_CODE = "CMMVC9999E"
ATTACHMENT = "VolumeAttachment"


class Watched:
    """A single replica, and how it is scraped."""

    def __init__(self, operator: Operator, port: int) -> None:
        self.operator = operator
        self.port = port

    def scrape(self) -> Scrape:
        return scrape(self.port)

    def await_value(self, value: float, name: str, **labels: str) -> None:
        """Wait until the series have this sum."""
        until(f"{name} {labels} to be {value}", lambda: self.scrape().sum(name, **labels) == value)


@pytest.fixture
def watched(stand: Stand, operator: Operator, tmp_path: Path) -> Iterator[Watched]:
    operator.stop()
    (port,) = free_ports(1)
    options = ("--probe-port", str(port), "--log-format", "JSON", "--lease-duration", "15")
    with replica(stand.cluster, tmp_path / "log", *options) as alone:
        yield Watched(alone, port)


def test_a_scrape_shows_what_was_attached_refused_drifted_blocked_and_detached(
    stand: Stand, simulator: Simulator, watched: Watched
) -> None:
    here = {"array_namespace": stand.namespace, "array": "array"}
    stand.array(simulator, resyncInterval="2s")
    stand.ready(ARRAYS, "array")
    simulator.control.fault("refuse", "mkvdiskhostmap", code=UNKNOWN_CODE, text="No.")
    stand.apply(stand.host("node"), *(stand.attachment(f"a{n}", "node", f"vol{n}") for n in range(2)))
    stand.ready(ATTACHMENTS, "a0", "a1")
    stand.ready(HOSTS, "node")

    seen = watched.scrape()
    assert seen.sum("flashsystem_attach_duration_seconds_count", **here) == 2
    assert 0 < seen.sum("flashsystem_attach_duration_seconds_sum", **here) < 600
    commands = "flashsystem_array_commands_total"
    assert seen.values(commands, verb="mkhost", outcome="done", **here) == [1]
    assert seen.values(commands, verb="mkvdiskhostmap", outcome="done", **here) == [2]
    assert seen.values(commands, verb="mkvdiskhostmap", outcome="refused", **here) == [1]
    assert seen.values("flashsystem_array_errors_total", code=UNKNOWN_CODE, **here) == [1]
    assert seen.values("flashsystem_array_command_duration_seconds_count", verb="mkhost", **here) == [1]
    assert seen.values("flashsystem_objects", kind=ATTACHMENT, ready="true", **here) == [2]
    assert seen.values("flashsystem_array_info", dialect=simulator.dialect.capitalize(), **here) == [1]
    assert seen.values("flashsystem_array_reachable", **here) == [1]
    assert seen.sum("flashsystem_array_ssh_sessions", **here) >= 1
    assert seen.values("flashsystem_lease_held", **here) == [1]
    assert abs(time.time() - seen.sum("flashsystem_array_last_contact_timestamp_seconds", **here)) < 60
    assert seen.sum("flashsystem_passes_total", scope="survey", outcome="done", **here) >= 1
    assert seen.sum("flashsystem_passes_total", outcome="bug", **here) == 0

    # An administrator removes a mapping while the host has no session: the operator restores it.
    (name,) = ports(simulator)
    admin(simulator, f"rmvdiskhostmap -host {name} vol1")
    watched.await_value(1, "flashsystem_drift_corrected_total", kind=ATTACHMENT, **here)
    assert watched.scrape().sum("flashsystem_drift_seen_total", **here) == 1

    # The same while the host has sessions: the drift stays and is reported as long as it exists.
    simulator.control.change("host_port", iqn("node"), logins=2)
    watched.await_value(2, "flashsystem_host_sessions", **here)
    admin(simulator, f"rmvdiskhostmap -host {name} vol1")
    watched.await_value(1, "flashsystem_drifted_objects", kind=ATTACHMENT, reason="MappingRemoved", **here)
    assert watched.scrape().sum("flashsystem_drift_seen_total", **here) == 2
    assert watched.scrape().sum("flashsystem_not_ready_objects", stalled="true", kind=ATTACHMENT, **here) == 1

    stand.delete(ATTACHMENTS, "a1")
    stand.delete(ATTACHMENTS, "a0", wait=False)
    watched.await_value(1, "flashsystem_detaches_blocked", **here)
    simulator.control.change("host_port", iqn("node"), logins=0)
    stand.gone(ATTACHMENTS, "a0")
    watched.await_value(0, "flashsystem_detaches_blocked", **here)
    seen = watched.scrape()
    assert seen.sum("flashsystem_detach_duration_seconds_count", **here) == 2
    assert seen.sum("flashsystem_objects", kind=ATTACHMENT, **here) == 0

    check_metrics(seen)
    check_log_lines(watched.operator, stand)

    stand.delete(HOSTS, "node")
    stand.delete(ARRAYS, "array")
    until("no series of the array", lambda: stand.namespace not in watched.scrape().text)


def check_metrics(seen: Scrape) -> None:
    checked = promtool.run("check", "metrics", stdin=seen.text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    declared = {family.name: set(family.labels) for family in FAMILIES}
    found = {metric_name(family): family for family in seen.families.values()}
    assert declared.keys() <= found.keys()
    for name, family in found.items():
        labels = [sample.labels.keys() - {"le"} for sample in family.samples]
        assert all(each == declared[name] for each in labels) if name in declared else name.startswith("process_")


def metric_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def check_log_lines(operator: Operator, stand: Stand) -> None:
    lines = [json.loads(line) for line in operator.log.splitlines()]
    typed = [line for line in lines if "command" in line]
    array = {"namespace": stand.namespace, "name": "array"}

    assert typed
    assert all(line["array"] == array for line in typed)
    assert all(isinstance(line["seconds"], float) for line in typed)
    writing = [line for line in typed if line["command"].startswith("svctask mkvdiskhostmap")]
    assert {line["resource"]["name"] for line in writing} == {"a0", "a1"}
    assert {line["resource"]["kind"] for line in writing} == {ATTACHMENT}
    assert any(line.get("objects") and line["array"] == array for line in lines)
    assert not [line for line in lines if line["level"] == "ERROR"]
    assert "passw0rd" not in operator.log
