"""A judge of each step by what is really on the array and in the API server, and random users and administrators."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import strategies as st

from flashsystem_operator.api.attachment import Access, DetachGuard, VolumeAttachment
from flashsystem_operator.api.base import DeletionPolicy
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.volume import FlashSystemVolume
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
from flashsystem_operator.array.errors import OutcomeUnknown
from flashsystem_operator.array.ssh.transport import Reply, unconditionally
from flashsystem_operator.array.volume_commands import CreateVolume, ExpandVolume, RemoveVolume, RenameVolume
from flashsystem_operator.simulator.state.model import Host, Volume
from flashsystem_operator.values import HostName, made_by
from support.builders import INSTALLATION, attachment, host, iqn, own_name
from support.in_process import InProcess
from support.passes import Passes, passes, volume_ref
from support.volume_world import GIB, MIB, own_volume

INITIATORS, VOLUMES = ("w0", "w1", "w2"), ("v0", "v1", "v2")
POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
number = st.integers(0, 7)
IN_DOUBT_SECONDS = 200.0
"""Longer than a command whose reply was lost may be running."""


class Unreliable(InProcess):
    """An array that may lose the reply to the next command that changes a volume, but not its mappings.

    fate: of that command: it takes effect never, at once, or when `catch_up` is called; empty if nothing is lost.
    late: the command that is still to take effect. created: called with each volume that the operator created.
    """

    fate = ""
    late = ""
    created: Callable[[Volume], None] = staticmethod(lambda _: None)

    def run(self, line: str, *, shown: str | None = None, before: Callable[[], None] = unconditionally) -> Reply:
        verb = line.split()[1] if line.startswith("svctask") else ""
        if verb not in ("mkvolume", "mkvdisk", "expandvdisksize", "rmvolume", "rmvdisk", "chvdisk"):
            return super().run(line, shown=shown, before=before)
        known, fate = set(self.system.volumes), self.fate
        if fate in ("", "at once"):
            reply = super().run(line, shown=shown, before=before)
            self._note_created(known)
            if not fate:
                return reply
        else:
            before()
            self.late = line if fate == "late" else self.late
        self.fate = ""
        raise OutcomeUnknown(line, "the connection was lost")

    def catch_up(self) -> None:
        """Let the command that is late take effect; the array may refuse it."""
        if self.late:
            known, line, self.late = set(self.system.volumes), self.late, ""
            try:
                self.admin(line)
            except AssertionError:
                return
            self._note_created(known)

    def _note_created(self, known: set[int]) -> None:
        for number in self.system.volumes.keys() - known:
            self.created(self.system.volumes[number])


class Judge:
    """An array, the passes over it, and an administrator. `judge` asserts that a step is safe, right before it is sent.

    by_admin: mappings that the administrator made: the name of the host object and the UID of the volume.
    once_ours: initiators and volumes that the operator connected at some time: it cannot distinguish such a mapping
        from one of the administrator.
    ours: the volumes that the operator created, by UID, each with the uid of the resource for which it did.
    largest: the largest size that each resource wanted, by its uid. bound: the volume of each, by its uid.
    """

    def __init__(self, array: Unreliable, running: Passes) -> None:
        self.array = array
        self.array.created = self.note_created
        self.running = running
        self.running.watch = self.judge
        self.by_admin = set[tuple[str, str]]()
        self.once_ours = set[tuple[str, str]]()
        self.ours = dict[str, str]()
        self.largest = dict[str, int]()
        self.bound = dict[str, str]()
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
            case CreateVolume():
                self._judge_create(step)
            case ExpandVolume():
                self._judge_expand(step)
            case RenameVolume():
                assert step.uid in self.ours
                assert any(own_volume(each.metadata.name) == step.name for each in self._volumes_of(step.uid))
            case RemoveVolume():
                self._judge_remove(step)
            case _:
                raise AssertionError(f"not expected: {step}")

    def _judge_create(self, step: CreateVolume) -> None:
        """There is one volume for a resource, ever."""
        owner = next(each for each in self.running.volumes if own_volume(each.metadata.name) == step.volume)
        assert owner.spec.import_ is None
        assert owner.metadata.uid not in self.ours.values()
        assert owner.metadata.uid not in self.bound
        assert step.volume not in self.array.late

    def _judge_expand(self, step: ExpandVolume) -> None:
        """A volume grows from what it has, to what was wanted, and no other command is under way."""
        volume = self.array.system.volume_with[step.uid]
        assert volume.capacity == step.size - step.increase
        most = max(self.largest[each.metadata.uid] for each in self._volumes_of(step.uid))
        assert step.size < most + MIB
        assert not self.array.late.startswith("svctask expandvdisksize") or volume.name not in self._late_names()

    def _late_names(self) -> set[str]:
        number = self.array.late.split()[-1]
        return {each.name for each in self.array.system.volumes.values() if number in (each.name, str(each.id))}

    def _judge_remove(self, step: RemoveVolume) -> None:
        """A volume is deleted only if it is ours or deleted on request, and nothing else has or wants it."""
        volume = self.array.system.volume_with[step.uid]
        assert not self.array.system.hosts_of(volume)
        owners = self._volumes_of(step.uid)
        assert owners
        assert all(each.metadata.deleting for each in owners)
        assert any(each.spec.deletion_policy is DeletionPolicy.DELETE for each in owners) or (
            step.uid in self.ours and any(each.spec.deletion_policy is None for each in owners)
        )
        attached = [each.status.volume.uid for each in self.running.attachments if each.status.volume]
        assert step.uid not in attached

    def _volumes_of(self, uid: str) -> list[FlashSystemVolume]:
        """The resources that have this volume, or had the operator create it."""
        found = self.running.volumes
        return [each for each in found if each.status.uid == uid or self.ours.get(uid) == each.metadata.uid]

    def note_created(self, volume: Volume) -> None:
        owners = [each for each in self.running.volumes if own_volume(each.metadata.name) == volume.name]
        assert owners, "a volume was created for no resource"
        assert owners[0].metadata.uid not in self.ours.values(), "a second volume was created"
        self.ours[volume.uid] = owners[0].metadata.uid

    def check_bindings(self) -> None:
        """No resource ever has another volume than the first one."""
        for each in self.running.volumes:
            if each.status.uid is not None:
                assert self.bound.setdefault(each.metadata.uid, each.status.uid) == each.status.uid

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

    def rename_volume(self, n: int, _: int) -> None:
        self.made += 1
        self.admin(f"svctask chvdisk -name renamed{self.made} {self.some_volume(n)}")

    def take_name(self, n: int, m: int) -> None:
        """Create a volume, or rename one, under the name that one of ours has or would have."""
        name = own_volume(f"d{n % 3}")
        if m % 2:
            self.admin(f"svctask chvdisk -name {name} {self.some_volume(m)}")
        else:
            pool = POOLS[self.array.system.state.dialect]
            self.admin(f"svctask mkvdisk -name {name} -mdiskgrp {pool} -iogrp 0 -size {1 + m % 3} -unit gb")

    def remove_volume(self, n: int, _: int) -> None:
        name = self.some_volume(n)
        if len(self.array.system.volume_named) > 1:
            self.admin(f"svctask rmvdisk {name}")

    def resize_volume(self, n: int, m: int) -> None:
        verb = "expandvdisksize" if m % 2 else "shrinkvdisksize"  # the legacy array has no such command
        self.admin(f"svctask {verb} -size 512 -unit mb {self.some_volume(n)}")

    def grow_ours(self, n: int, _: int) -> None:
        self.admin(f"svctask expandvdisksize -size 256 -unit mb {own_volume(f'd{n % 3}')}")

    def map_ours(self, n: int, m: int) -> None:
        name, volume = self.some_host(n), own_volume(f"d{m % 3}")
        if self.admin(f"svctask mkvdiskhostmap -force -host {name} {volume}"):
            self.by_admin.add((name, self.uid_of(volume)))

    def lose_reply(self, n: int, _: int) -> None:
        self.array.fate = ("never", "at once", "late")[n % 3]

    def time_passes(self, _: int, __: int) -> None:
        """No command without a reply is running any longer."""
        self.array.catch_up()
        self.running.later(IN_DOUBT_SECONDS)

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

    def create_volume(self, n: int, m: int) -> None:
        policy, drift = (None, None, "Delete", "Retain")[m % 4], ("Correct", "Correct", "Report", "Ignore")[n % 4]
        pool = POOLS[self.array.system.state.dialect]
        self._declare(f"d{n % 3}", 1 + m % 3, pool=pool, driftPolicy=drift, deletionPolicy=policy)

    def import_volume(self, n: int, m: int) -> None:
        size = 3 if m > 5 else None
        policy = "Delete" if n > 3 else None
        self._declare(f"i{n % 2}", size, deletionPolicy=policy, **{"import": {"name": self.some_volume(m)}})

    def _declare(self, name: str, size: int | None, **spec: Any) -> None:
        if not self.running.api.exists(volume_ref(name)):
            given = {key: value for key, value in spec.items() if value is not None}
            ref = self.running.volume(name, f"{size}Gi" if size else None, **given)
            self.largest[self.running.api.read(ref)["metadata"]["uid"]] = (size or 0) * GIB

    def grow_volume(self, n: int, m: int) -> None:
        if volumes := self.running.volumes:
            each = volumes[n % len(volumes)]
            size = (each.spec.size or GIB) + GIB * (m % 2) + 512
            self.running.edit(each.ref, size=str(size))
            self.largest[each.metadata.uid] = max(self.largest[each.metadata.uid], size)

    def change_policy(self, n: int, m: int) -> None:
        if volumes := self.running.volumes:
            policy = (None, "Delete", "Retain")[m % 3]
            self.running.edit(volumes[n % len(volumes)].ref, deletionPolicy=policy)

    def delete_volume(self, n: int, _: int) -> None:
        if volumes := self.running.volumes:
            self.running.delete(volumes[n % len(volumes)].ref)

    def attach_by_reference(self, n: int, m: int) -> None:
        self._create(attachment(f"r{n % 4}", f"h{n % 2}", {"ref": {"name": f"d{m % 3}"}}, access="Shared"))

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
        self.check_bindings()

    async def lose_growth(self, n: int, _: int) -> None:
        """A volume is to grow, and the command takes effect later."""
        self.grow_volume(n, 1)
        self.array.fate = "late"
        await self.survey(0, 0)

    async def few(self, n: int, m: int) -> None:
        """A pass over some objects, with whatever inventory is left from before."""
        refs = sorted(self.running.everything)
        await self.running.turn(*refs[n % 3 :: 1 + m % 3])
        self.check_bindings()

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
    with Unreliable({"dialect": dialect, "volumes": volumes}) as array:
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
