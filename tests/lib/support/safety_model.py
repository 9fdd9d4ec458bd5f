"""A judge of each step by what is really on the array and in the API server, and random users and administrators."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

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
from flashsystem_operator.simulator.state.model import Host
from flashsystem_operator.values import HostName, made_by
from support.builders import INSTALLATION, attachment, host, iqn, own_name
from support.in_process import InProcess
from support.passes import Passes, passes

INITIATORS, VOLUMES = ("w0", "w1", "w2"), ("v0", "v1", "v2")
POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
number = st.integers(0, 7)


class Judge:
    """An array, the passes over it, and an administrator. `judge` asserts that a step is safe, right before it is sent.

    by_admin: mappings that the administrator made: the name of the host object and the UID of the volume.
    once_ours: initiators and volumes that the operator connected at some time: it cannot distinguish such a mapping
        from one of the administrator.
    """

    def __init__(self, array: InProcess, running: Passes) -> None:
        self.array = array
        self.running = running
        self.running.watch = self.judge
        self.by_admin = set[tuple[str, str]]()
        self.once_ours = set[tuple[str, str]]()
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
            case _:
                raise AssertionError(f"not expected: {step}")

    def _judge_owner(self, name: HostName) -> None:
        assert any(own_name(each.metadata.name) == name for each in self.running.hosts)

    def _judge_map(self, step: MapVolume) -> None:
        named = self.array.system.volume_named.get(step.volume)
        wanting = [
            each
            for each in self.running.attachments
            if each.status.volume and each.status.volume.uid == step.uid and not each.metadata.deleting
        ]
        assert any(each.status.host and each.status.host.name == step.host for each in wanting)
        assert named is not None
        assert named.uid == step.uid
        self._judge_other_initiators(step.host)
        if step.alongside_others:
            assert all(each.spec.access is Access.SHARED for each in wanting)
        there = self.array.system.host_named.get(step.host)
        self.once_ours |= {(port.name, step.uid) for port in there.ports} if there else set()
        resource_iqns = {name for each in wanting if (h := self._host_of(each)) for name in h.spec.initiators.iscsi}
        self.once_ours |= {(name, step.uid) for name in resource_iqns}

    def _judge_other_initiators(self, name: HostName) -> None:
        """Only the host in the spec may see the volume, apart from ports that were added to our own host object."""
        there = self.array.system.host_named.get(name)
        if there is None or made_by(INSTALLATION, name):
            return
        ports = {port.name.lower() for port in there.ports}
        assert any(ports == set(each.spec.initiators.iscsi) & ports for each in self.running.hosts)

    def _judge_unmap(self, step: UnmapVolume) -> None:
        leaving = [
            each
            for each in self.running.attachments
            if each.metadata.deleting and each.status.volume and each.status.volume.uid == step.uid
        ]
        assert leaving
        assert self.array.system.volume_named[step.volume].uid == step.uid
        there = self.array.system.host_named[step.host]
        if (step.host, step.uid) in self.by_admin and not made_by(INSTALLATION, step.host):
            requested = any(each.spec.deletion_policy is DeletionPolicy.DELETE for each in leaving)
            assert requested or any((port.name, step.uid) in self.once_ours for port in there.ports)
        self._judge_other_attachments(there, step.uid)
        self._judge_sessions(there, step.uid, leaving)

    def _judge_sessions(self, there: Host, uid: str, leaving: list[VolumeAttachment]) -> None:
        """A host that is logged in keeps a volume, unless the detach guard is off."""
        if any(port.logins for port in there.ports):
            kept = [mapping for mapping in self.array.system.seen_by(there) if mapping.volume.uid != uid]
            assert kept or any(each.spec.detach_guard is not DetachGuard.ENFORCE for each in leaving)

    def _judge_other_attachments(self, there: Host, uid: str) -> None:
        """No attachment that is Ready loses its mapping."""
        for each in self.running.attachments:
            ready = any(c.type == "Ready" and c.status == "True" for c in each.status.conditions)
            if each.metadata.deleting or not ready or not each.status.volume or each.status.volume.uid != uid:
                continue
            mine = set(each.status.host.initiators) if each.status.host else set()
            assert mine.isdisjoint(port.name.lower() for port in there.ports)

    def _host_of(self, attached: VolumeAttachment) -> FlashSystemHost | None:
        return next((each for each in self.running.hosts if each.ref == attached.host), None)

    # -- the array administrator -------------------------------------------------------------------------------------

    def admin(self, line: str) -> bool:
        """Send a command. Return whether the array accepted it."""
        try:
            self.array.admin(line)
        except AssertionError:
            return False
        return True

    def some_host(self, n: int) -> str:
        names = sorted(self.array.system.host_named)
        return names[n % len(names)] if names else "none"

    def some_volume(self, n: int) -> str:
        return sorted(self.array.system.volume_named)[n % len(self.array.system.volume_named)]

    def uid_of(self, name: str) -> str:
        return self.array.system.volume_named[name].uid

    def make_host(self, n: int, m: int) -> None:
        self.made += 1
        iqns = {iqn(INITIATORS[n % 3]), iqn(INITIATORS[m % 3])} if m > 4 else {iqn(INITIATORS[n % 3])}
        self.admin(f"svctask mkhost -iscsiname {','.join(sorted(iqns))} -name admin{self.made}")

    def map(self, n: int, m: int) -> None:
        name, volume = self.some_host(n), self.some_volume(m)
        if self.admin(f"svctask mkvdiskhostmap -force -host {name} {volume}"):
            self.by_admin.add((name, self.uid_of(volume)))

    def unmap(self, n: int, m: int) -> None:
        name, volume = self.some_host(n), self.some_volume(m)
        if self.admin(f"svctask rmvdiskhostmap -host {name} {volume}"):
            self.by_admin.discard((name, self.uid_of(volume)))

    def remove_host(self, n: int, _: int) -> None:
        name = self.some_host(n)
        if self.admin(f"svctask rmhost -force {name}"):
            self.by_admin = {pair for pair in self.by_admin if pair[0] != name}

    def rename_host(self, n: int, _: int) -> None:
        name, self.made = self.some_host(n), self.made + 1
        if self.admin(f"svctask chhost -name admin{self.made} {name}"):
            self.by_admin = {(f"admin{self.made}" if pair[0] == name else pair[0], pair[1]) for pair in self.by_admin}

    def swap_host_names(self, n: int, m: int) -> None:
        one, other = self.some_host(n), self.some_host(m)
        if one != other and one in self.array.system.host_named:
            for old, new in ((one, "swap"), (other, one), ("swap", other)):
                self.admin(f"svctask chhost -name {new} {old}")
            swapped = {one: other, other: one}
            self.by_admin = {(swapped.get(name, name), uid) for name, uid in self.by_admin}

    def add_port(self, n: int, m: int) -> None:
        self.admin(f"svctask addhostport -iscsiname {iqn(INITIATORS[m % 3])} {self.some_host(n)}")

    def remove_port(self, n: int, m: int) -> None:
        self.admin(f"svctask rmhostport -iscsiname {iqn(INITIATORS[m % 3])} {self.some_host(n)}")

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
            for old, new in ((one, "swap"), (other, one), ("swap", other)):
                self.admin(f"svctask chvdisk -name {new} {old}")

    def replace_volume(self, n: int, _: int) -> None:
        """Another volume under the same name, and with the same id."""
        name = self.some_volume(n)
        uid, pool = self.uid_of(name), self.array.system.volume_named[name].pool
        if self.admin(f"svctask rmvdisk -force {name}"):
            self.by_admin = {pair for pair in self.by_admin if pair[1] != uid}
            self.admin(f"svctask mkvdisk -name {name} -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")

    # -- the users ---------------------------------------------------------------------------------------------------

    def create_host(self, n: int, m: int) -> None:
        iqns = {INITIATORS[n % 3], INITIATORS[m % 3]} if m > 4 else {INITIATORS[n % 3]}
        self._create(host(f"h{n % 2}", *sorted(iqns)))

    def change_host(self, n: int, m: int) -> None:
        for each in self.running.hosts:
            if each.metadata.name == f"h{n % 2}":
                self.running.apply(host(each.metadata.name, INITIATORS[m % 3]))

    def attach(self, n: int, m: int) -> None:
        policy = (None, None, None, "Delete", "Retain")[(n + m) % 5]
        access = "Shared" if m % 2 else "Exclusive"
        guard = ("Enforce", "Enforce", "Enforce", "Warn", "Disabled")[(n + 2 * m) % 5]
        self._create(
            attachment(f"a{n}", f"h{n % 2}", VOLUMES[m % 3], access=access, deletion_policy=policy, detach_guard=guard)
        )

    def _create(self, resource: FlashSystemHost | VolumeAttachment) -> None:
        if not self.running.api.exists(resource.ref):
            self.running.apply(resource)

    def detach(self, n: int, _: int) -> None:
        if not (attached := self.running.attachments):
            return
        going = attached[n % len(attached)]
        seen, volume = going.status.host, going.status.volume
        if going.spec.deletion_policy is DeletionPolicy.RETAIN and seen and volume:
            self.by_admin.add((str(seen.name), str(volume.uid)))  # the administrator's from now on
        self.running.delete(going.ref)

    def delete_host(self, n: int, _: int) -> None:
        if hosts := self.running.hosts:
            self.running.delete(hosts[n % len(hosts)].ref)

    def delete_everything(self) -> None:
        self.log_all(0)
        for each in self.running.attachments:
            spec = each.spec.model_copy(update={"deletion_policy": None})
            self.running.apply(each.model_copy(update={"spec": spec}))
        self.running.delete(*(each.ref for each in self.running.resources))

    # -- passes ------------------------------------------------------------------------------------------------------

    async def survey(self, _: int, __: int) -> None:
        await self.running.survey()

    async def few(self, n: int, m: int) -> None:
        """A pass over some objects, with whatever inventory is left from before."""
        refs = sorted(self.running.everything)
        await self.running.turn(*refs[n % 3 :: 1 + m % 3])

    async def all_targeted(self, _: int, __: int) -> None:
        await self.running.turn(*self.running.everything)


Action = tuple[Callable[[Judge, int, int], Awaitable[None] | None], int, int]


async def perform(story: Iterable[Action], judge: Judge) -> None:
    """Do these actions, one after another."""
    for act, n, m in story:
        if (passing := act(judge, n, m)) is not None:
            await passing


@asynccontextmanager
async def settled(
    dialect: str, adopted: list[tuple[int, int]], attached: list[tuple[int, int]]
) -> AsyncIterator[Judge]:
    """The beginning of every story: host objects of the administrator, two hosts and attachments, all reconciled."""
    volumes = [{"name": name, "pool": POOLS[dialect]} for name in VOLUMES]
    with InProcess({"dialect": dialect, "volumes": volumes}) as array:
        async with passes(array) as running:
            judge = Judge(array, running)
            for n, m in adopted:
                judge.make_host(n, m)
                judge.map(n, m)
            judge.create_host(0, 0)
            judge.create_host(1, 1)
            for n, m in attached:
                judge.attach(n, m)
            await running.settle_all()
            yield judge
