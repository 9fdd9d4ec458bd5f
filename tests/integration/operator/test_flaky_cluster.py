"""The connection to the API server is bad: writes fail, replies are lost, watch events come late or twice, watches end.

Users attach, detach and attach again in the meantime, and the operator is killed now and then. Every command that the
array received, and every finalizer that was removed, is checked against what users had requested and seen by then.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cluster.client import Cluster
from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.simulator import Simulator
from support.array_state import commands
from support.flaky_proxy import Flaky, Request
from support.operator_process import Operator, account
from support.outcomes import attached, comes_to, reported_as_attached, restless
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]  # a safety net: a busy machine is slow

MACHINES, VOLUMES = ("a", "b"), ("vol0", "vol1", "vol2")
STEPS, CHANGES = 40, 5
"""The least number of steps of users, and of mappings and of unmappings by the operator."""
FOREVER = float("inf")
Pair = tuple[str, str]


@dataclass
class Life:
    """One attachment. created: time of the reply. deleted: time of the request to delete it. Epoch seconds."""

    name: str
    pair: Pair
    created: float
    deleted: float = FOREVER
    seen: list[Request] = field(default_factory=list)
    """What the operator wrote about it, in order."""

    def lives(self, moment: float) -> bool:
        """Whether the attachment is desired at that time."""
        return self.created < moment < self.deleted

    def is_ready(self, moment: float) -> bool:
        """Whether the API server had reported at that time that it is Ready."""
        reports = [each for each in self.seen if each.answered < moment and each.path.endswith("/status")]
        conditions = reports[-1].answer["status"].get("conditions", []) if reports else []
        return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)

    @property
    def released(self) -> float:
        """When the operator requested the removal of its finalizer, after which no mapping of it may be left."""
        removals = (each.sent for each in self.seen if FINALIZER not in each.answer["metadata"].get("finalizers", []))
        return next(removals, FOREVER)


class Users:
    """They attach, detach and attach again, in quick succession. lives: all attachments that ever existed, by uid."""

    def __init__(self, stand: Stand, operator: Operator, seed: int) -> None:
        self.lives: dict[str, Life] = {}
        self._stand, self._operator = stand, operator
        self._numbers = count()
        self._random = random.Random(seed)  # noqa: S311 - a scenario that can be repeated

    def act(self) -> None:
        actions = (self.attach, self.detach, self.attach_again, self.kill)
        self._random.choices(actions, (16, 20, 16, 1))[0]()
        time.sleep(self._random.choice((0, 0.1, 0.5, 1)))  # nothing waits for this: it varies which operations overlap
        self.ensure_operator()

    def attach(self) -> None:
        self._attach((self._random.choice(MACHINES), self._random.choice(VOLUMES)))

    def detach(self) -> None:
        if going := [uid for uid, life in self.lives.items() if life.deleted == FOREVER]:
            self._detach(self._random.choice(going))

    def attach_again(self) -> None:
        """Detach, and attach the same volume under another name, before or after that."""
        if staying := [uid for uid, life in self.lives.items() if life.deleted == FOREVER]:
            uid = self._random.choice(staying)
            before = self._random.random() < 1 / 2
            if before:
                self._attach(self.lives[uid].pair)
            self._detach(uid)
            if not before:
                self._attach(self.lives[uid].pair)

    def ensure_operator(self) -> None:
        """Start the operator again if it could not start because the API server failed."""
        if not self._operator.running:
            self.kill()

    def kill(self) -> None:
        """Kill the operator as the kernel does, and restart it as Kubernetes does."""
        self._operator.kill()
        self._operator.start()

    def _attach(self, pair: Pair) -> None:
        machine, volume = pair
        name = f"{volume}-{machine}-{next(self._numbers)}"
        self._stand.apply(self._stand.attachment(name, machine, volume, access="Shared"))
        answered = time.time()
        uid = self._stand.get(ATTACHMENTS, name)["metadata"]["uid"]
        self.lives[uid] = Life(name, pair, answered)

    def _detach(self, uid: str) -> None:
        life = self.lives[uid]
        life.deleted = time.time()
        self._stand.delete(ATTACHMENTS, life.name, wait=False)


def check_history(lives: dict[str, Life], requests: list[Request], simulator: Simulator) -> None:
    """Check that no live attachment lost its mapping, none was released while mapped, and every write had an effect."""
    for each in requests:
        if each.method == "PATCH":
            assert each.changed, f"a write that changes nothing: {each}"
            if (life := lives.get(each.answer["metadata"]["uid"])) is not None:
                life.seen.append(each)

    for entry in simulator.control.log():
        for command in entry["commands"]:
            if command["verb"] == "rmvdiskhostmap" and command["done"]:
                moment, pair = entry["time"], _pair(command)
                selector = f"spec.hostRef.name={pair[0]}"
                confirmed = max(each.sent for each in requests if each.selector == selector and each.sent < moment)
                ours = [life for life in lives.values() if life.pair == pair]
                assert any(life.deleted < confirmed for life in ours), (
                    f"the attachments of this host were not listed before {command}"
                )
                lost = [life for life in ours if life.deleted > moment and life.is_ready(moment)]
                assert lost == [], f"{command} at {moment} removed the mapping of a live attachment"
                known = [life for life in ours if life.deleted > moment and life.created < confirmed]
                assert known == [], (
                    f"{command} at {moment} although the API server had reported this attachment at {confirmed}"
                )

    for life in lives.values():
        others = [each for each in lives.values() if each is not life and each.pair == life.pair]
        if life.released < FOREVER and not any(each.created < life.released <= each.released for each in others):
            assert life.pair not in _mapped(simulator, life.released), (
                f"{life} was released while its mapping was there"
            )


def _mapped(simulator: Simulator, moment: float) -> set[Pair]:
    """What was mapped at that time. A host object with mappings is never removed."""
    found: set[Pair] = set()
    for entry in simulator.control.log():
        for command in entry["commands"] if entry["time"] < moment else ():
            if command["done"] and command["verb"] == "mkvdiskhostmap":
                found.add(_pair(command))
            elif command["done"] and command["verb"] == "rmvdiskhostmap":
                found.discard(_pair(command))
    return found


def _pair(command: dict[str, Any]) -> Pair:
    """FlashSystemHost and volume of a command about a mapping."""
    arguments = command["named"]
    return arguments[arguments.index("-host") + 1].rsplit("-", 1)[0], arguments[-1]


@pytest.fixture
def proxy(stand: Stand, operator: Operator, seed: int) -> Iterator[Flaky]:
    """The proxy through which the operator of this test reaches the API server. No other operator runs."""
    operator.stop()
    with Flaky(account(stand.cluster), seed) as running:
        yield running


@pytest.fixture
def behind(proxy: Flaky, installed: Cluster, tmp_path: Path) -> Iterator[Operator]:
    """An operator behind the proxy, whose Lease expires soon after it is killed. It must not report a bug of its own.

    kopf logs as an error what it then retries, and an operator that cannot start shows the cause in its debug log.
    """
    operator = Operator(installed, tmp_path / "log", ("--log-level", "INFO"), proxy.kubeconfig)
    operator.start()
    yield operator
    operator.stop()
    print(operator.log[-20000:])  # noqa: T201 - pytest shows it when the test fails
    assert "Traceback" not in operator.log
    assert [line for line in operator.log.splitlines() if " ERROR " in line and "kopf" not in line] == []


@pytest.mark.parametrize("seed", range(2))
def test_no_attachment_loses_its_volume_and_nothing_is_left_whatever_the_api_server_fails_to_do(
    stand: Stand, simulator: Simulator, proxy: Flaky, behind: Operator, seed: int
) -> None:
    before = simulator.control.state()
    stand.array(simulator, resyncInterval="2s")
    stand.apply(*(stand.host(machine) for machine in MACHINES))
    stand.ready(ARRAYS, "array")
    users = Users(stand, behind, seed)

    proxy.begin()
    for number in count():
        users.act()
        if number > STEPS and _changes(simulator) >= CHANGES:
            break
        assert number < 20 * STEPS, "the operator makes no progress"
    proxy.end()
    users.ensure_operator()

    wanted = {life.pair for life in users.lives.values() if life.deleted == FOREVER}
    comes_to((wanted, wanted, []), lambda: (attached(simulator), reported_as_attached(stand), restless(stand)))
    check_history(users.lives, proxy.requests, simulator)
    stand.kubectl("delete", f"{ATTACHMENTS},{HOSTS}", "--all", "--timeout=300s")
    assert simulator.control.state() == before


def _changes(simulator: Simulator) -> int:
    """The number of mappings that were created or of those that were removed, whichever is smaller."""
    verbs = [each["verb"] for each in commands(simulator) if each["done"]]
    return min(verbs.count("mkvdiskhostmap"), verbs.count("rmvdiskhostmap"))
