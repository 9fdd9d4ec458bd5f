"""Writes to the API server that fail, or whose reply is lost: everything is written in the end, and nothing twice."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from flashsystem_operator.controller.writer import Reports
from flashsystem_operator.planner.decision import Reason, Wait
from support.builders import iqn, own_name
from support.fake_api import Fault
from support.in_process import InProcess
from support.passes import passes

TIMEOUT_SECONDS = 1.0
"""Timeout of the operator for a reply of the API server."""


@pytest.fixture
def array() -> Iterator[InProcess]:
    with InProcess({"dialect": "modern", "volumes": [{"name": "data", "pool": "Pool0"}]}) as running:
        yield running


@pytest.mark.parametrize("watching", [True, False], ids=["watches show every change", "watches show nothing"])
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
async def test_no_write_without_a_change_is_sent_whatever_happened_to_an_earlier_write(
    array: InProcess, fault: Fault, watching: bool
) -> None:
    """Two of five writes fail. A condition written again with only another time is a write without a change."""
    async with passes(array, limit=TIMEOUT_SECONDS) as running:
        node, data = running.host("node"), running.attachment("data", "node", "data")
        running.see(node, data)
        schedule = random.Random(2)  # noqa: S311 - reproducible
        running.api.faults.extend(fault if schedule.random() < 0.4 else None for _ in range(40))
        await running.settle(node, data, most=40, watching=watching)
        assert running.ready(data)["status"] == "True"

        running.api.delete(data)
        running.see(data)
        await running.settle(node, data, most=40, watching=watching)
        assert not running.api.exists(data)
        assert [each for each in running.api.writes if not each.changed] == []


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.lands], ids=lambda fault: fault.name)
async def test_a_condition_keeps_the_time_that_was_written_first_when_the_reply_was_lost(
    array: InProcess, fault: Fault
) -> None:
    async with passes(array, limit=TIMEOUT_SECONDS) as running:
        node = running.host("node")
        running.see(node)
        running.api.faults.append(fault)
        await running.turn(node)
        first = running.ready(node)
        assert first["status"] == "True"

        await running.settle(node, watching=False)

        assert running.ready(node) == first
        assert len(running.api.writes) == 1


@pytest.mark.parametrize("policy", ["Ignore", "Report"])
async def test_an_attachment_without_its_mapping_is_not_left_ready_by_a_change_that_no_watch_showed(
    array: InProcess, policy: str
) -> None:
    async with passes(array, limit=TIMEOUT_SECONDS) as running:
        node, data = running.host("node"), running.attachment("data", "node", "data", spec={"driftPolicy": policy})
        running.api.edit(node, {"driftPolicy": policy})
        await running.settle(node, data)
        own = own_name("node")
        await asyncio.to_thread(array.admin, f"svctask rmhostport -force -iscsiname {iqn('node')} {own}")
        await asyncio.to_thread(array.admin, f"svctask rmvdiskhostmap -host {own} data")

        running.api.annotate(data, "example.com/note", "changed")
        await running.settle(node, data, watching=False)

        assert (running.ready(data)["status"], running.ready(data)["reason"]) == ("False", "HostNotReady")


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
async def test_an_object_whose_status_could_not_be_set_to_array_not_ready_is_requeued(
    array: InProcess, fault: Fault
) -> None:
    async with passes(array, limit=TIMEOUT_SECONDS) as running:
        data = running.attachment("data", "node", "data")
        running.see(running.host("node"), data)
        reports, down = Reports(running.cache, running.writer), Wait(Reason.UNREACHABLE, "No route.")
        running.api.faults.extend([None, fault])  # of the array, then of the attachment

        unwritten = await reports.down(running.desired(), down, {data}, None)

        assert unwritten == {data}
        assert await reports.down(running.desired(), down, unwritten, None) <= {data}
        assert await reports.down(running.desired(), down, unwritten, None) == set()
        assert running.ready(data)["reason"] == "ArrayNotReady"
