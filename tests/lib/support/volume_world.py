"""One array in this process and one worker, for tests of volumes: what is on the array, and its administrator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from flashsystem_operator.api.metadata import ObjectRef
from flashsystem_operator.array.volume_commands import VolumeStep
from flashsystem_operator.simulator.state import model
from flashsystem_operator.values import VolumeName, host_object_name
from support.builders import INSTALLATION, NAMESPACE
from support.fake_api import FakeApi, path
from support.in_process import InProcess
from support.passes import Passes, passes

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
MIB, GIB = 1024**2, 1024**3


def own_volume(name: str, namespace: str = NAMESPACE) -> VolumeName:
    """The name of the volume that this installation creates for the FlashSystemVolume of that name."""
    return VolumeName(host_object_name(INSTALLATION, namespace, name, name))


def config(dialect: str, *volumes: str, pools: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    """An array with these volumes of 2 GiB. pools: in addition to the usual one."""
    usual = {"name": POOLS[dialect], **more.pop("pool", {})}
    found = [{"name": name, "pool": POOLS[dialect], "capacity": 2 * GIB} for name in volumes]
    return {"dialect": dialect, "volumes": found, "pools": [usual, *pools], **more}


@dataclass(frozen=True, slots=True)
class World:
    """An array and its worker, whose FlashSystemVolumes are in the array's usual pool."""

    dialect: str
    array: InProcess
    running: Passes

    @property
    def pool(self) -> str:
        return POOLS[self.dialect]

    @property
    def volumes(self) -> dict[str, model.Volume]:
        """The volumes on the array, by name."""
        return dict(self.array.system.volume_named)

    @property
    def uids(self) -> dict[str, str]:
        """The UID of each volume on the array, by name."""
        return {name: each.uid for name, each in self.volumes.items()}

    def admin(self, line: str) -> str:
        """Run a command as the array administrator."""
        return self.array.admin(f"svctask {line}")

    def make(self, name: str, size: int = 2 * GIB, pool: str = "") -> str:
        """Create a volume as the array administrator; return its UID."""
        self.admin(f"mkvdisk -name {name} -mdiskgrp {pool or self.pool} -iogrp 0 -size {size} -unit b")
        return self.uids[name]

    def map(self, volume: str, host: str = "foreign") -> None:
        """Map a volume as the array administrator, to a host object that is created if it does not exist."""
        if host not in self.array.system.host_named:
            self.admin(f"mkhost -iscsiname iqn.2001-01.com.x:{host} -name {host}")
        self.admin(f"mkvdiskhostmap -host {host} {volume}")

    def declare(self, name: str = "data", size: str | None = "2Gi", **spec: Any) -> ObjectRef:
        """Create a FlashSystemVolume. size: None for one that is imported."""
        given = {} if "import" in spec else {"pool": self.pool}
        return self.running.volume(name, size, **{**given, **spec})

    async def created(self, name: str = "data", size: str = "2Gi", **spec: Any) -> ObjectRef:
        """Create a FlashSystemVolume, and reconcile it until it is Ready."""
        ref = self.declare(name, size, **spec)
        await self.running.settle_all()
        assert self.running.ready(ref)["status"] == "True", self.running.ready(ref)
        self.running.steps.clear()
        return ref

    def status(self, ref: ObjectRef) -> dict[str, Any]:
        found: dict[str, Any] = self.running.api.read(ref)["status"]
        return found

    def reason(self, ref: ObjectRef) -> str:
        return str(self.running.ready(ref).get("reason"))

    @property
    def sent(self) -> list[str]:
        """The kinds of commands that changed volumes since a volume was created, in order."""
        return [type(step).__name__ for step in self.running.steps if isinstance(step, VolumeStep)]


@asynccontextmanager
async def world(array: InProcess, api: FakeApi | None = None) -> AsyncIterator[World]:
    """A worker that begins on this array. api: with what an earlier worker left there."""
    async with passes(array, api=api) as running:
        running.see_all()
        yield World(array.system.state.dialect, array, running)


def restored(api: FakeApi, ref: ObjectRef, **annotations: str) -> None:
    """Restore an object from a backup without status: with its spec, and these annotations of ours."""
    spec = api.read(ref)["spec"]
    found = api.objects[path(ref)]
    api.change(path(ref), {**found, "metadata": {**found["metadata"], "finalizers": []}})
    api.delete(ref)
    api.create(
        ref, spec, annotations={f"flashsystem.io/{key.replace('_', '-')}": uid for key, uid in annotations.items()}
    )


def _path(ref: ObjectRef) -> str:
    from support.fake_api import path

    return path(ref)


__all__ = ["ARRAY", "FINALIZER", "GIB", "MIB", "POOLS", "World", "config", "own_volume", "restored", "world"]
