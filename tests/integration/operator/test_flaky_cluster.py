"""The way to the API server is bad: writes fail, answers are lost, watches come late, twice, or end.

Users attach, detach and attach again meanwhile, and the operator is killed now and then. Every command that the array
was given, and every finalizer that was taken off, is judged by what users had asked for and been told by then.
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
from support.outcomes import attached, comes_to, restless, said_to_be_attached
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]  # a net: a machine that does much else takes its time

MACHINES, VOLUMES = ("a", "b"), ("vol0", "vol1", "vol2")
STEPS, CHANGES = 40, 5
"""What is done at least: by users, and by the operator of either kind meanwhile."""
FOREVER = float("inf")
Pair = tuple[str, str]


@dataclass
class Life:
    """One attachment. created, deleted: when the API server had answered, and when it was asked. Clock's seconds."""

    name: str
    pair: Pair
    created: float
    deleted: float = FOREVER
    seen: list[Request] = field(default_factory=list)
    """What the operator wrote about it, in order."""

    def lives(self, moment: float) -> bool:
        """Whether users want it at that time."""
        return self.created < moment < self.deleted

    def is_ready(self, moment: float) -> bool:
        """Whether users had been told at that time that it is Ready."""
        told = [each for each in self.seen if each.answered < moment and each.path.endswith("/status")]
        conditions = told[-1].answer["status"].get("conditions", []) if told else []
        return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)

    @property
    def let_go(self) -> float:
        """When the operator asked to take its finalizer off, after which nothing of it may be left."""
        off = (each.sent for each in self.seen if FINALIZER not in each.answer["metadata"].get("finalizers", []))
        return next(off, FOREVER)


class Users:
    """They attach, detach and attach again, in haste. lives: of all attachments that there ever were, by uid."""

    def __init__(self, stand: Stand, operator: Operator, seed: int) -> None:
        self.lives: dict[str, Life] = {}
        self._stand, self._operator = stand, operator
        self._numbers = count()
        self._random = random.Random(seed)  # noqa: S311 - a story that can be told again

    def do_something(self) -> None:
        deeds = (self.attach, self.detach, self.attach_again, self.kill)
        self._random.choices(deeds, (16, 20, 16, 1))[0]()
        time.sleep(self._random.choice((0, 0.1, 0.5, 1)))  # no test waits for it: it varies what overlaps
        self.ensure_operator()

    def attach(self) -> None:
        self._attach((self._random.choice(MACHINES), self._random.choice(VOLUMES)))

    def detach(self) -> None:
        if going := [uid for uid, life in self.lives.items() if life.deleted == FOREVER]:
            self._detach(self._random.choice(going))

    def attach_again(self) -> None:
        """Detach, and ask for the same by another name, before or after."""
        if staying := [uid for uid, life in self.lives.items() if life.deleted == FOREVER]:
            uid = self._random.choice(staying)
            before = self._random.random() < 1 / 2
            if before:
                self._attach(self.lives[uid].pair)
            self._detach(uid)
            if not before:
                self._attach(self.lives[uid].pair)

    def ensure_operator(self) -> None:
        """One that could not start, because the API server failed it, is started again."""
        if not self._operator.running:
            self.kill()

    def kill(self) -> None:
        """As the kernel does, and Kubernetes after it."""
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


def judge(lives: dict[str, Life], requests: list[Request], simulator: Simulator) -> None:
    """Nothing was taken from anybody, nothing was let go that was left, and nothing was written in vain."""
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
                assert any(life.deleted < confirmed for life in ours), f"it was not asked who wants {command}"
                lost = [life for life in ours if life.deleted > moment and life.is_ready(moment)]
                assert lost == [], f"{command} at {moment} took this from a live attachment"
                known = [life for life in ours if life.deleted > moment and life.created < confirmed]
                assert known == [], f"{command} at {moment} although the API server had told of this at {confirmed}"

    for life in lives.values():
        others = [each for each in lives.values() if each is not life and each.pair == life.pair]
        if life.let_go < FOREVER and not any(each.created < life.let_go <= each.let_go for each in others):
            assert life.pair not in _mapped(simulator, life.let_go), f"{life} was let go with its mapping there"


def _mapped(simulator: Simulator, moment: float) -> set[Pair]:
    """What was mapped at a time. A host object with mappings is never removed."""
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
    words = command["named"]
    return words[words.index("-host") + 1].rsplit("-", 1)[0], words[-1]


@pytest.fixture
def way(stand: Stand, operator: Operator, seed: int) -> Iterator[Flaky]:
    """What the operator of this test reaches the API server through. No other operator runs."""
    operator.stop()
    with Flaky(account(stand.cluster), seed) as running:
        yield running


@pytest.fixture
def behind(way: Flaky, installed: Cluster, tmp_path: Path) -> Iterator[Operator]:
    """An operator behind it, whose Lease is soon free after its death. It may report no bug of its own.

    kopf reports as an error what it then tries again, and an operator that cannot start shows why in its debug log.
    """
    operator = Operator(installed, tmp_path / "log", ("--log-level", "INFO"), way.kubeconfig)
    operator.start()
    yield operator
    operator.stop()
    print(operator.log[-20000:])  # noqa: T201 - pytest shows it when the test fails
    assert "Traceback" not in operator.log
    assert [line for line in operator.log.splitlines() if " ERROR " in line and "kopf" not in line] == []


@pytest.mark.parametrize("seed", range(2))
def test_nobody_loses_a_volume_and_nothing_is_left_whatever_the_cluster_fails_to_tell(
    stand: Stand, simulator: Simulator, way: Flaky, behind: Operator, seed: int
) -> None:
    before = simulator.control.state()
    stand.array(simulator, resyncInterval="2s")
    stand.apply(*(stand.host(machine) for machine in MACHINES))
    stand.ready(ARRAYS, "array")
    users = Users(stand, behind, seed)

    way.begin()
    for number in count():
        users.do_something()
        if number > STEPS and _changes(simulator) >= CHANGES:
            break
        assert number < 20 * STEPS, "the operator does not get on"
    way.end()
    users.ensure_operator()

    wanted = {life.pair for life in users.lives.values() if life.deleted == FOREVER}
    comes_to((wanted, wanted, []), lambda: (attached(simulator), said_to_be_attached(stand), restless(stand)))
    judge(users.lives, way.requests, simulator)
    stand.kubectl("delete", f"{ATTACHMENTS},{HOSTS}", "--all", "--timeout=300s")
    assert simulator.control.state() == before


def _changes(simulator: Simulator) -> int:
    """How often a volume was mapped, and how often unmapped: the less of the two."""
    verbs = [each["verb"] for each in commands(simulator) if each["done"]]
    return min(verbs.count("mkvdiskhostmap"), verbs.count("rmvdiskhostmap"))
