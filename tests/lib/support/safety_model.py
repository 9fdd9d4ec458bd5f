"""Judges each step of a Keeper by what is really on the simulated array, and acts as users and administrator."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

from flashsystem_operator.api.attachment import Access, DetachGuard, VolumeAttachment
from flashsystem_operator.api.base import DeletionPolicy
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.array.commands import (
    AddIoGroups,
    AddPorts,
    ChangeHost,
    ClearChap,
    MakeHost,
    MapVolume,
    RemoveHost,
    RemoveIoGroups,
    RemovePort,
    SetChap,
    Step,
    UnmapVolume,
)
from flashsystem_operator.planner.names import made_by
from flashsystem_operator.simulator.state.model import Host
from flashsystem_operator.values import HostName
from support.builders import INSTALLATION, attachment, host, iqn
from support.in_process import InProcess
from support.keeping import Keeper

WORDS, VOLUMES = ("w0", "w1", "w2"), ("v0", "v1", "v2")
POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
number = st.integers(0, 7)


class Judge:
    """An array, a keeper and an administrator; `judge` asserts that a step harms nobody."""

    def __init__(self, dialect: str) -> None:
        pool = POOLS[dialect]
        self.array = InProcess({"dialect": dialect, "volumes": [{"name": v, "pool": pool} for v in VOLUMES]})
        self.keeper = Keeper(self.array, self.judge)
        self.by_hand = set[tuple[str, str]]()
        """Mappings that the administrator made: name of the host object, UID of the volume."""
        self.once_ours = set[tuple[str, str]]()
        """Initiators and volumes that we brought together at some time: those cannot be told from his."""
        self.made = 0

    # -- judging -----------------------------------------------------------------------------------------------------

    def judge(self, step: Step) -> None:
        match step:
            case MakeHost():
                assert made_by(INSTALLATION, step.host)
            case SetChap() | ClearChap() | ChangeHost() | AddIoGroups() | RemoveIoGroups():
                self._judge_owner(step.host)
            case AddPorts() | RemovePort() | RemoveHost():
                assert made_by(INSTALLATION, step.host)
                self._judge_owner(step.host)
            case MapVolume():
                self._judge_map(step)
            case UnmapVolume():
                self._judge_unmap(step)

    def _judge_owner(self, name: HostName) -> None:
        assert any(self.keeper.desired.name_of(each) == name for each in self._hosts())

    def _judge_map(self, step: MapVolume) -> None:
        named = self.array.system.volume_named.get(step.volume)
        wanting = [
            each
            for each in self._attachments()
            if each.status.volume and each.status.volume.uid == step.uid and not each.metadata.deleting
        ]
        assert any(each.status.host and each.status.host.name == step.host for each in wanting)
        assert named is not None
        assert named.uid == step.uid
        self._judge_strangers(step.host)
        if step.alongside_others:
            assert all(each.spec.access is Access.SHARED for each in wanting)
        there = self.array.system.host_named.get(step.host)
        self.once_ours |= {(port.name, step.uid) for port in there.ports} if there else set()
        resource_iqns = {name for each in wanting if (h := self._host_of(each)) for name in h.spec.initiators.iscsi}
        self.once_ours |= {(name, step.uid) for name in resource_iqns}

    def _judge_strangers(self, name: HostName) -> None:
        """Only the machine that the resource names may see the volume, but for ports put on our own host object."""
        there = self.array.system.host_named.get(name)
        if there is None or made_by(INSTALLATION, name):
            return
        ports = {port.name.lower() for port in there.ports}
        assert any(ports == set(each.spec.initiators.iscsi) & ports for each in self._hosts())

    def _judge_unmap(self, step: UnmapVolume) -> None:
        leaving = [
            each
            for each in self._attachments()
            if each.metadata.deleting and each.status.volume and each.status.volume.uid == step.uid
        ]
        assert leaving
        assert self.array.system.volume_named[step.volume].uid == step.uid
        there = self.array.system.host_named[step.host]
        if (step.host, step.uid) in self.by_hand and not made_by(INSTALLATION, step.host):
            asked = any(each.spec.deletion_policy is DeletionPolicy.DELETE for each in leaving)
            assert asked or any((port.name, step.uid) in self.once_ours for port in there.ports)
        self._judge_bystanders(there, step.uid)
        self._judge_sessions(there, step.uid, leaving)

    def _judge_sessions(self, there: Host, uid: str, leaving: list[VolumeAttachment]) -> None:
        """A machine that is logged in keeps a volume, unless somebody said that it need not."""
        if any(port.logins for port in there.ports):
            kept = [mapping for mapping in self.array.system.seen_by(there) if mapping.volume.uid != uid]
            assert kept or any(each.spec.detach_guard is not DetachGuard.ENFORCE for each in leaving)

    def _judge_bystanders(self, there: Host, uid: str) -> None:
        """No attachment that is Ready by this mapping loses it."""
        for each in self._attachments():
            ready = any(c.type == "Ready" and c.status == "True" for c in each.status.conditions)
            if each.metadata.deleting or not ready or not each.status.volume or each.status.volume.uid != uid:
                continue
            mine = set(each.status.host.initiators) if each.status.host else set()
            assert mine.isdisjoint(port.name.lower() for port in there.ports)

    def _attachments(self) -> list[VolumeAttachment]:
        return [each for each in self.keeper.wishes.values() if isinstance(each, VolumeAttachment)]

    def _hosts(self) -> list[FlashSystemHost]:
        return [each for each in self.keeper.wishes.values() if isinstance(each, FlashSystemHost)]

    def _host_of(self, each: VolumeAttachment) -> FlashSystemHost | None:
        found = self.keeper.wishes.get(each.host)
        return found if isinstance(found, FlashSystemHost) else None

    # -- the administrator's hand ------------------------------------------------------------------------------------

    def try_hand(self, line: str) -> bool:
        try:
            self.array.admin(line)
        except AssertionError:
            return False
        return True

    def some_host(self, n: int) -> str:
        names = sorted(self.array.system.host_named)
        return names[n % len(names)] if names else "nobody"

    def some_volume(self, n: int) -> str:
        return sorted(self.array.system.volume_named)[n % len(self.array.system.volume_named)]

    def uid_of(self, name: str) -> str:
        return self.array.system.volume_named[name].uid

    def make_host(self, n: int, m: int) -> None:
        self.made += 1
        words = ",".join({iqn(WORDS[n % 3]), iqn(WORDS[m % 3])} if m > 4 else {iqn(WORDS[n % 3])})
        self.try_hand(f"svctask mkhost -iscsiname {words} -name admin{self.made}")

    def map(self, n: int, m: int) -> None:
        name, volume = self.some_host(n), self.some_volume(m)
        if self.try_hand(f"svctask mkvdiskhostmap -force -host {name} {volume}"):
            self.by_hand.add((name, self.uid_of(volume)))

    def unmap(self, n: int, m: int) -> None:
        name, volume = self.some_host(n), self.some_volume(m)
        if self.try_hand(f"svctask rmvdiskhostmap -host {name} {volume}"):
            self.by_hand.discard((name, self.uid_of(volume)))

    def remove_host(self, n: int, _: int) -> None:
        name = self.some_host(n)
        if self.try_hand(f"svctask rmhost -force {name}"):
            self.by_hand = {pair for pair in self.by_hand if pair[0] != name}

    def rename_host(self, n: int, _: int) -> None:
        name, self.made = self.some_host(n), self.made + 1
        if self.try_hand(f"svctask chhost -name admin{self.made} {name}"):
            self.by_hand = {(f"admin{self.made}" if pair[0] == name else pair[0], pair[1]) for pair in self.by_hand}

    def swap_host_names(self, n: int, m: int) -> None:
        one, other = self.some_host(n), self.some_host(m)
        if one != other and one in self.array.system.host_named:
            for old, new in ((one, "between"), (other, one), ("between", other)):
                self.try_hand(f"svctask chhost -name {new} {old}")
            swapped = {one: other, other: one}
            self.by_hand = {(swapped.get(name, name), uid) for name, uid in self.by_hand}

    def add_port(self, n: int, m: int) -> None:
        self.try_hand(f"svctask addhostport -iscsiname {iqn(WORDS[m % 3])} {self.some_host(n)}")

    def remove_port(self, n: int, m: int) -> None:
        self.try_hand(f"svctask rmhostport -iscsiname {iqn(WORDS[m % 3])} {self.some_host(n)}")

    def log_in_or_out(self, n: int, m: int) -> None:
        if there := self.array.system.host_named.get(self.some_host(n)):
            for port in there.ports:
                port.logins = m % 3

    def log_all(self, logins: int) -> None:
        for there in self.array.system.hosts.values():
            for port in there.ports:
                port.logins = logins

    def swap_volume_names(self, n: int, m: int) -> None:
        one, other = self.some_volume(n), self.some_volume(m)
        if one != other:
            for old, new in ((one, "between"), (other, one), ("between", other)):
                self.try_hand(f"svctask chvdisk -name {new} {old}")

    def replace_volume(self, n: int, _: int) -> None:
        """Another volume under the same name, and with the same id."""
        name = self.some_volume(n)
        uid, pool = self.uid_of(name), self.array.system.volume_named[name].pool
        if self.try_hand(f"svctask rmvdisk -force {name}"):
            self.by_hand = {pair for pair in self.by_hand if pair[1] != uid}
            self.try_hand(f"svctask mkvdisk -name {name} -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")

    # -- the users ---------------------------------------------------------------------------------------------------

    def wish_host(self, n: int, m: int) -> None:
        words = {WORDS[n % 3], WORDS[m % 3]} if m > 4 else {WORDS[n % 3]}
        wished = host(f"h{n % 2}", *sorted(words))
        if wished.ref not in self.keeper.wishes:
            self.keeper.wish(wished)

    def change_host(self, n: int, m: int) -> None:
        for each in self._hosts():
            if each.metadata.name == f"h{n % 2}":
                spec = host(each.metadata.name, WORDS[m % 3]).spec
                self.keeper.wish(each.model_copy(update={"spec": spec}))

    def attach(self, n: int, m: int) -> None:
        policy = (None, None, None, "Delete", "Retain")[(n + m) % 5]
        access = "Shared" if m % 2 else "Exclusive"
        guard = ("Enforce", "Enforce", "Enforce", "Warn", "Disabled")[(n + 2 * m) % 5]
        wished = attachment(
            f"a{n}", f"h{n % 2}", VOLUMES[m % 3], access=access, deletion_policy=policy, detach_guard=guard
        )
        if wished.ref not in self.keeper.wishes:
            self.keeper.wish(wished)

    def detach(self, n: int, _: int) -> None:
        if not (attached := self._attachments()):
            return
        going = attached[n % len(attached)]
        seen, volume = going.status.host, going.status.volume
        if going.spec.deletion_policy is DeletionPolicy.RETAIN and seen and volume:
            self.by_hand.add((str(seen.name), str(volume.uid)))  # it is his from now on
        self.keeper.delete(going.ref)

    def drop_host(self, n: int, _: int) -> None:
        if hosts := self._hosts():
            self.keeper.delete(hosts[n % len(hosts)].ref)

    def delete_everything(self) -> None:
        self.log_all(0)
        for each in self._attachments():
            spec = each.spec.model_copy(update={"deletion_policy": None})
            self.keeper.wish(each.model_copy(update={"spec": spec}))
        for ref in list(self.keeper.wishes):
            self.keeper.delete(ref)

    # -- passes ------------------------------------------------------------------------------------------------------

    def survey(self, _: int, __: int) -> None:
        self.keeper.turn()

    def few(self, n: int, m: int) -> None:
        """A pass over some objects, on a view that is as old as it happens to be."""
        refs = sorted(self.keeper.wishes)
        self.keeper.turn(refs[n % 3 :: 1 + m % 3], survey=False)

    def all_closely(self, _: int, __: int) -> None:
        self.keeper.turn(survey=False)


@contextmanager
def peace(dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]]) -> Iterator[Judge]:
    """What every story begins with: some host objects of the administrator's, two hosts, attachments, all settled."""
    judge = Judge(dialect)
    try:
        for n, m in adopted:
            judge.make_host(n, m)
            judge.map(n, m)
        judge.wish_host(0, 0)
        judge.wish_host(1, 1)
        for n, m in attached:
            judge.attach(n, m)
        judge.keeper.settle()
        yield judge
    finally:
        judge.keeper.close()
        judge.array.__exit__()
