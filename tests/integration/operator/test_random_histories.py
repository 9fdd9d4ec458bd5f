"""Random actions of users and administrators, in random order, always end in the correct state."""

import contextlib
import random

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import mappings
from support.outcomes import attached, reported_as_attached, restless
from support.stand import ATTACHMENTS, HOSTS, KubectlFailed, Stand, iqn, until

MACHINES = ("a", "b", "c")
ACCESS = {"vol0": "Exclusive", "vol1": "Exclusive", "vol2": "Shared"}
STEPS = 30


class RandomActions:
    """Users who apply, edit and delete at random without waiting, and an administrator who removes objects."""

    def __init__(self, stand: Stand, simulator: Simulator, seed: int) -> None:
        self._stand = stand
        self._simulator = simulator
        self._random = random.Random(seed)  # noqa: S311 - a history that can be repeated

    def run_one(self) -> None:
        actions = (
            self.attach,
            self.attach,
            self.attach,
            self.detach,
            self.detach,
            self.forget,
            self.edit,
            self.disturb,
        )
        self._random.choice(actions)()

    def attach(self) -> None:
        machine, volume = self._random.choice(MACHINES), self._random.choice(list(ACCESS))
        attachment = self._stand.attachment(f"{volume}-{machine}", machine, volume, access=ACCESS[volume])
        with contextlib.suppress(KubectlFailed):  # an object that was being deleted disappeared during the apply
            self._stand.apply(self._stand.host(machine), attachment)

    def detach(self) -> None:
        name = f"{self._random.choice(list(ACCESS))}-{self._random.choice(MACHINES)}"
        self._stand.kubectl("delete", ATTACHMENTS, name, "--wait=false", "--ignore-not-found")

    def forget(self) -> None:
        self._stand.kubectl("delete", HOSTS, self._random.choice(MACHINES), "--wait=false", "--ignore-not-found")

    def edit(self) -> None:
        machine = self._random.choice(MACHINES)
        names = [iqn(machine), iqn(f"{machine}-{self._random.randrange(3)}")]
        with contextlib.suppress(KubectlFailed):  # there is no such host at present
            self._stand.patch(HOSTS, machine, {"initiators": {"iscsi": names[self._random.randrange(2) :]}})

    def disturb(self) -> None:
        if current := sorted(mappings(self._simulator)):
            host, volume, _ = self._random.choice(current)
            line = self._random.choice((f"rmvdiskhostmap -host {host} {volume}", f"rmhost -force {host}"))
            self._simulator.control.admin(f"svctask {line}")  # refused if the operator was faster


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_and_nothing_is_left_behind_after_any_actions_in_any_order(
    stand: Stand, simulator: Simulator, seed: int
) -> None:
    before = simulator.control.state()
    stand.array(simulator, resyncInterval="2s")
    actions = RandomActions(stand, simulator, seed)

    for _ in range(STEPS):
        actions.run_one()

    with contextlib.suppress(AssertionError):  # the assertions below show the difference
        # In this order: while a lost mapping is being reported, both sets lack it, and the object is at work.
        until("no work to be left", lambda: attached(simulator) == reported_as_attached(stand) and not restless(stand))
    assert restless(stand) == []
    assert attached(simulator) == reported_as_attached(stand)
    stand.kubectl("delete", f"{ATTACHMENTS},{HOSTS}", "--all", "--timeout=300s")
    assert simulator.control.state() == before
