"""Scenarios of whole passes, one for each promise that nothing on the array is lost, leaked or changed by mistake.

The tests of the promises run them, and so do the tests of these tests (`tests/controller/test_mutants.py`).
"""

import asyncio
import base64
from collections.abc import Callable
from time import monotonic

from flashsystem_operator.api.metadata import FINALIZER, PAUSED, Kind, ObjectRef
from flashsystem_operator.array.commands import MakeHost, MapVolume, Step, UnmapVolume
from flashsystem_operator.array.errors import OutcomeUnknown
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.controller.executor import Operation
from flashsystem_operator.controller.manager import Controller
from flashsystem_operator.settings import Settings
from support.builders import attachment, host, iqn, own_name
from support.fake_api import FakeApi
from support.in_process import InProcess, Slipping
from support.passes import ARRAY, Passes, attachment_ref, host_ref, passes
from support.simulated_arrays import simulated

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
PATIENCE = 60.0
"""Seconds after which a scenario gives up waiting."""


def config(dialect: str) -> dict[str, object]:
    return {"dialect": dialect, "volumes": [{"name": name, "pool": POOLS[dialect]} for name in ("data", "logs")]}


def mapped(array: InProcess) -> set[tuple[str, str]]:
    """Host objects and the volumes that are mapped to them."""
    return {(each["host"], each["volume"]) for each in array.state["mappings"]}


def create(running: Passes) -> tuple[ObjectRef, ObjectRef]:
    """Create host `node`, and attachment `data` of volume `data` to it; the watches show both."""
    node, data = running.host("node"), running.attachment("data", "node", "data")
    running.see(node, data)
    return node, data


# -- the intent ------------------------------------------------------------------------------------------------------


async def intent_is_recorded_before_each_command(dialect: str) -> None:
    """Finalizers, the initiators of a host object and the binding of an attachment are in the API server before."""
    with InProcess(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)

            def check(step: Step) -> None:
                for ref in (ARRAY, node, data):
                    assert FINALIZER in running.api.read(ref)["metadata"].get("finalizers", ())
                of_host, of_attachment = running.api.read(node)["status"], running.api.read(data)["status"]
                match step:
                    case MakeHost():
                        assert (of_host.get("name"), of_host.get("ownership")) == (step.host, "Created")
                        assert [port["iqn"] for port in of_host["ports"]] == list(step.iqns)
                    case MapVolume():
                        bound = {key: of_attachment.get(key, {}) for key in ("array", "host", "volume")}
                        names = bound["array"].get("name"), bound["host"].get("name")
                        assert names == (ARRAY.name, step.host)
                        assert bound["host"]["initiators"] == [iqn("node")]
                        assert bound["volume"]["uid"] == step.uid
                        assert of_attachment["origin"] == "Created"
                    case _:
                        raise AssertionError(f"not expected: {step}")

            running.watch = check
            await running.turn(node, data)

            assert [type(step) for step in running.steps] == [MakeHost, MapVolume]


async def an_operator_that_ends_after_a_command_leaks_no_mapping(dialect: str) -> None:
    """The operator ends right after a volume was mapped, and the attachment is deleted before it starts again."""

    class Ended(BaseException):
        """The process ended."""

    def end(_: Slipping) -> None:
        raise Ended

    with Slipping(config(dialect)) as array:
        api = FakeApi()
        async with passes(array, api=api) as running:
            node, data = create(running)
            array.then = end
            first = asyncio.create_task(running.turn(node, data))
            await asyncio.wait([first])
            assert first.exception() is not None
        assert mapped(array) == {(own_name("node"), "data")}
        array.then = lambda _: None

        api.delete(data)
        async with passes(array, api=api) as running:
            running.see(*(ref for ref in (node, data) if api.exists(ref)))
            await running.settle_all()

        assert not api.exists(data)
        assert mapped(array) == set()


# -- the second read -------------------------------------------------------------------------------------------------


async def an_attachment_is_ready_at_the_end_of_the_pass_that_maps_it(dialect: str) -> None:
    with InProcess(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)

            await running.turn(node, data)

            assert running.ready(data)["status"] == "True"
            assert running.api.read(data)["status"]["lun"] == array.state["mappings"][0]["lun"]


async def a_mapping_that_is_removed_right_after_its_command_is_not_reported_as_ready(dialect: str) -> None:
    def unmap(array: Slipping) -> None:
        array.then = lambda _: None
        array.admin(f"svctask rmvdiskhostmap -host {own_name('node')} data")

    with Slipping(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)
            array.then = unmap

            await running.turn(node, data)

            assert mapped(array) == set()
            assert running.ready(data)["status"] != "True"


# -- the finalizer ---------------------------------------------------------------------------------------------------


class Idle(InProcess):
    """An array that confirms some commands, and does not run them. ignored: a part of their lines, empty for none."""

    ignored = ""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        if not self.ignored or self.ignored not in line:
            return super().run(line, shown=shown, before=before)
        before()
        self.lines.append(line)
        return Reply("", "", 0)


async def the_finalizer_stays_while_the_mapping_exists_although_the_array_confirmed_its_removal(dialect: str) -> None:
    with Idle(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)
            await running.settle(node, data)
            array.ignored = "rmvdiskhostmap"
            running.delete(data)

            await running.turn(data)
            assert any("rmvdiskhostmap" in line for line in array.lines)
            assert running.api.exists(data)

            array.ignored = ""
            await running.settle_all()
            assert not running.api.exists(data)
            assert mapped(array) == set()


class Forgetful(InProcess):
    """An array whose lists lack the rows with one of these texts; a command for one object gets the full answer.

    unknown: a verb that this array does not support.
    """

    lacking: tuple[str, ...] = ()
    unknown = "no verb"

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        reply = super().run(line, shown=shown, before=before)
        if self.unknown in line:
            return Reply("", "CMMVC7205E The command failed because it is not supported.", 1)
        verb, *arguments = line.split("; ", maxsplit=1)[0].split()[1:]
        objects = [each for each in arguments if each not in ("-delim", "'!'", "-bytes", "-filtervalue")]
        listing = all("=" in each for each in objects) and ";" not in line
        if not listing or verb not in ("lshost", "lsvdisk", "lshostvdiskmap"):
            return reply
        kept = [row for row in reply.stdout.splitlines(keepends=True) if not any(text in row for text in self.lacking)]
        return Reply("".join(kept), reply.stderr, reply.status)


async def a_volume_is_unmapped_although_a_list_lacks_its_mapping(lacking: str, *, survey: bool) -> None:
    """The finalizer stays until a targeted read has shown that the mapping is gone. lacking: see `Forgetful`."""
    with Forgetful({"dialect": "modern"}) as array:
        async with passes(array) as running:
            running.apply(host("a"), host("b"), attachment("to-a", "a", "vol0"), attachment("to-b", "b", "vol1"))
            await running.settle_all()
            running.steps.clear()
            array.lacking = (lacking,)
            running.delete(attachment_ref("to-a"))

            await running.turn(*running.everything, survey=survey)

            assert [type(step) for step in running.steps][:1] == [UnmapVolume]
            assert mapped(array) == {(own_name("b"), "vol1")}


# -- the Lease, pauses and lost replies ------------------------------------------------------------------------------


async def no_command_is_sent_without_the_lease(dialect: str) -> None:
    """The Lease is lost when the plan is made and recorded."""
    await _withheld(dialect, _lose_the_lease, "Progressing: The Lease of this array was lost")


async def no_command_is_sent_while_all_arrays_are_paused(dialect: str) -> None:
    await _withheld(dialect, _pause_all, "Paused: --pause-all")


async def no_command_is_sent_while_an_object_is_paused(dialect: str, kind: Kind) -> None:
    """It is paused when the plan is made and recorded."""
    await _withheld(dialect, lambda running: _pause(running, kind), f"Paused: Annotation {PAUSED}")


def _lose_the_lease(running: Passes) -> None:
    running.leased = False


def _pause_all(running: Passes) -> None:
    running.paused = "--pause-all"


def _pause(running: Passes, kind: Kind) -> None:
    ref = {Kind.ARRAY: ARRAY, Kind.HOST: host_ref("node"), Kind.ATTACHMENT: attachment_ref("data")}[kind]
    running.api.annotate(ref, PAUSED, "true")
    running.see(ref)


async def _withheld(dialect: str, stop: Callable[[Passes], None], why: str) -> None:
    with InProcess(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)

            def before_the_mapping(operation: Operation) -> None:
                if isinstance(operation.step, MapVolume):
                    stop(running)

            running.meanwhile = before_the_mapping
            await running.turn(node, data)

            assert [type(step) for step in running.steps] == [MakeHost]
            assert mapped(array) == set()
            ready = running.ready(data)
            assert why in f"{ready['reason']}: {ready['message']}"


async def no_command_is_sent_with_an_expired_lease() -> None:
    """The whole controller: its process is suspended until the Lease has expired, while a command is under way.

    Two thirds of the duration have passed since the last renewal, but less than a pass may take.
    """
    node, data = host_ref("node"), attachment_ref("data")
    api, later = FakeApi(), 0.0
    with simulated(dialect="modern") as simulator:
        login = {"username": simulator.user, "password": "passw0rd"}
        api.objects[f"/api/v1/namespaces/{ARRAY.namespace}/secrets/login"] = {
            "metadata": {"name": "login", "namespace": ARRAY.namespace, "resourceVersion": "1"},
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in login.items()},
        }
        management = {"addresses": [simulator.host], "port": simulator.port}
        access = {"credentialsSecretRef": {"name": "login"}, "hostKeys": [simulator.host_key]}
        api.create(ARRAY, {"management": management, **access})
        api.create(node, {"arrayRef": {"name": ARRAY.name}, "initiators": {"iscsi": [iqn("node")]}})
        api.create(data, {"hostRef": {"name": node.name}, "volume": {"name": "vol0"}})
        order = simulator.control.fault("hold", "mkhost")
        settings = Settings("us", "operators", (ARRAY.namespace,), installation="here", lease_duration=80.0)
        async with api.served() as kube:
            controller = Controller(kube, settings, lambda: monotonic() + later)
            await controller.start()
            try:
                await asyncio.to_thread(simulator.control.wait, order, seconds=PATIENCE)
                later = 55.0
                await asyncio.to_thread(simulator.control.release, order)
                async with asyncio.timeout(PATIENCE):
                    while not (message := _withheld_or_ready(api, data)):
                        api.wrote.clear()
                        await api.wrote.wait()
            finally:
                await controller.stop()
        sent = [entry["line"] for entry in simulator.control.log() if entry["session"]]
    assert not [line for line in sent if "mkvdiskhostmap" in line]
    assert "Lease" in message


def _withheld_or_ready(api: FakeApi, ref: ObjectRef) -> str:
    """The message of the condition Ready, once the command was withheld or its mapping is there."""
    conditions = api.read(ref)["status"].get("conditions", [])
    ready = [each for each in conditions if each["type"] == "Ready"]
    return next((each["message"] for each in ready if each["status"] == "True" or "Lease" in each["message"]), "")


class Lossy(InProcess):
    """An array that loses the reply to the first mkvdiskhostmap. The command takes effect when `catch_up` is called."""

    late = ""

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        if self.late or "mkvdiskhostmap" not in line:
            return super().run(line, shown=shown, before=before)
        before()
        self.late = line
        raise OutcomeUnknown(line, "the connection was lost")

    def catch_up(self) -> None:
        self.admin(self.late)


async def no_conflicting_command_is_sent_while_a_reply_is_lost(dialect: str) -> None:
    with Lossy(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)
            await running.turn(node, data)
            before = list(running.steps)

            await running.turn(node, data)
            await running.survey()

            assert running.steps == before
            assert running.ready(data)["reason"] == "OutcomeUnknown"


async def an_attachment_is_not_released_while_its_mapping_may_still_appear(dialect: str) -> None:
    """It is deleted while the reply to the command that maps its volume is lost; that takes effect afterwards."""
    with Lossy(config(dialect)) as array:
        async with passes(array) as running:
            node, data = create(running)
            await running.turn(node, data)
            running.delete(data)
            await running.survey()
            assert running.api.exists(data)

            array.catch_up()
            await running.settle_all()

            assert not running.api.exists(data)
            assert mapped(array) == set()
