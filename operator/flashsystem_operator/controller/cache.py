"""The cache of our objects and of namespaces' labels, and the queue of the objects that are due.

The cache has every object of our kinds as last seen, with its dependents. It compares versions, so that late events
and responses do not overwrite newer state, and keeps tombstones of objects that vanished although our finalizer was on
them. The queue holds each key once, with the time when it is due. Blocking work, such as reading an array, is done in
threads of a pool: see `in_thread`.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from flashsystem_operator.api.array import ArrayStatus, FlashSystemArray
from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.base import Origin, StatusModel
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectMeta, ObjectRef, UnreadableResourceError
from flashsystem_operator.api.volume import FlashSystemVolume, VolumeStatus
from flashsystem_operator.controller.kube.errors import Forbidden
from flashsystem_operator.planner.desired import Labels
from flashsystem_operator.values import HostName, mark_in, mark_of

AnyObject = FlashSystemArray | FlashSystemHost | FlashSystemVolume | VolumeAttachment

STATUS_MODELS: Mapping[Kind, type[StatusModel]] = {
    Kind.ARRAY: ArrayStatus,
    Kind.HOST: HostStatus,
    Kind.VOLUME: VolumeStatus,
    Kind.ATTACHMENT: AttachmentStatus,
}

_MODELS: Mapping[Kind, type[AnyObject]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.VOLUME: FlashSystemVolume,
    Kind.ATTACHMENT: VolumeAttachment,
}

_SEPARATOR = "@"
"""Between the name and the UID of a tombstone. No object's name has it."""

_MAX_DELETED = 10_000
"""Number of UIDs of deleted objects that are kept: many more than writes can be under way."""


class Namespaces:
    """The watched namespaces, and the labels by which arrays select who may use them. Belongs to one event loop.

    labels: of each namespace that was seen. The mapping is replaced, never changed: a pass may keep it.
    watched: the namespaces whose objects are reconciled; none: all.
    """

    def __init__(self, watched: Collection[str] = ()) -> None:
        self.watched = tuple(watched)
        self.labels: Mapping[str, Labels] = {}

    def watches(self, name: str) -> bool:
        return not self.watched or name in self.watched

    def learn_all(self, labels: Mapping[str, Labels]) -> None:
        """Replace all labels with those of a complete list."""
        self.labels = dict(labels)

    def learn(self, name: str, labels: Labels | None) -> bool:
        """Set the labels of a namespace, None if it was deleted. Return whether they changed."""
        if self.labels.get(name) == labels:
            return False
        others = {other: known for other, known in self.labels.items() if other != name}
        self.labels = others if labels is None else {**others, name: dict(labels)}
        return True


async def labels_if_allowed(ask: Callable[[], Awaitable[Mapping[str, Labels]]]) -> Mapping[str, Labels] | None:
    """Return the labels of all namespaces, or None while the operator may not list them. Raises KubeError."""
    try:
        return await ask()
    except Forbidden:
        return None


def changes(known: Mapping[str, Labels], found: Mapping[str, Labels]) -> Mapping[str, Labels | None]:
    """Return the labels that differ between what is known and a list, None for a namespace that is gone."""
    names = (name for name in known.keys() | found.keys() if known.get(name) != found.get(name))
    return {name: found.get(name) for name in names}


def tombstone_of(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the tombstone of a deleted object, to clean up what it has on the array, or None if none is needed.

    body: the last state of the deleted object. If nothing was recorded in its status, it has nothing on the array.

    An attachment's tombstone has a name that no object can have: an object of the same name may be created with a
    different spec. A host's tombstone yields to a new object of the same name, which has the same host object.
    """
    meta = ObjectMeta.model_validate(body["metadata"])
    if meta.deleting or meta.finalizers != (FINALIZER,):
        return None
    try:
        match kind:
            case Kind.ATTACHMENT:
                attachment = VolumeAttachment.read(body).status
                if attachment.origin is None or attachment.volume is None:
                    return None
            case Kind.HOST:
                if FlashSystemHost.read(body).status.ownership is not Origin.CREATED:
                    return None
            case Kind.ARRAY | Kind.VOLUME:
                return None  # data of a volume is deleted only for a resource that exists
    except UnreadableResourceError:
        return None
    name = f"{meta.name}{_SEPARATOR}{meta.uid}" if kind is Kind.ATTACHMENT else meta.name
    return {**body, "metadata": {**body["metadata"], "name": name, "deletionTimestamp": meta.creation_timestamp}}


def as_it_was(ref: ObjectRef) -> ObjectRef:
    """Return the reference with the name that the object of a tombstone had; others stay as they are."""
    return replace(ref, name=ref.name.partition(_SEPARATOR)[0])


class Change(Enum):
    """What is new in an object, compared with the cache."""

    NOTHING = auto()
    STATUS = auto()
    DESIRED = auto()
    """The spec, a finalizer, an annotation, its creation, or the start of its deletion."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object.

    status: as the API server has it. tombstone: the API server no longer has it; see `tombstone_of`.
    counted: how other objects see it: all of it that can be read, see `Resource.unreadable`.
    """

    ref: ObjectRef
    meta: ObjectMeta
    status: Mapping[str, Any]
    counted: AnyObject
    tombstone: bool = False

    @property
    def resource(self) -> AnyObject | None:
        """The object, or None if its spec cannot be read: then it is not reconciled, and `why` has the reason."""
        return None if self.why else self.counted

    @property
    def why(self) -> str:
        return self.counted.unreadable

    @classmethod
    def read(cls, kind: Kind, body: Mapping[str, Any]) -> "Entry":
        meta = ObjectMeta.model_validate(body["metadata"])
        ref = ObjectRef(kind, meta.namespace, meta.name)
        status = body.get("status") or {}
        try:
            return cls(ref, meta, status, _MODELS[kind].read(body))
        except UnreadableResourceError as error:
            return cls(ref, meta, status, _MODELS[kind].read_in_part(body, str(error)))


class Cache:
    """All entries, and the indexes for wake-ups and for the desired state.

    learn: handles an object that users changed and that was read before a watch has shown it, like an event of a
        watch. A watch may be late, or may have missed it until the next list.
    learn_end: handles that the object of this reference and uid was found to be gone, like an event of a watch.
    """

    def __init__(self, namespaces: Namespaces | None = None) -> None:
        self._entries: dict[ObjectRef, Entry] = {}
        self._by_key: dict[tuple[str, object], set[ObjectRef]] = {}
        self._deleted: dict[str, None] = {}
        self.learn: Callable[[Kind, Mapping[str, Any]], object] = self.put
        self.learn_end: Callable[[ObjectRef, str], object] = self.remove
        self.namespaces = namespaces or Namespaces()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, ref: ObjectRef) -> Entry | None:
        return self._entries.get(ref)

    def entries(self, kind: Kind) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.ref.kind is kind]

    @property
    def arrays(self) -> list[FlashSystemArray]:
        """All arrays, also those with an unreadable spec: a younger one of the same system stays a duplicate."""
        known = (entry.counted for entry in self.entries(Kind.ARRAY))
        return [each for each in known if isinstance(each, FlashSystemArray)]

    @property
    def legible(self) -> bool:
        """Whether every object below an array can be read: what an unreadable one explains on the array is unknown."""
        kinds = (Kind.HOST, Kind.VOLUME, Kind.ATTACHMENT)
        return all(entry.resource for kind in kinds for entry in self.entries(kind))

    def put(self, kind: Kind, body: Mapping[str, Any], *, newer: bool = False) -> tuple[ObjectRef, Change]:
        """Store an object from a watch or from the response to a write. newer: known to be newer, despite its version.

        The response to a write may arrive after the object's deletion was seen: a deleted object is not stored again.
        """
        entry = Entry.read(kind, body)
        change = self._change(entry, newer=newer)
        if change is not Change.NOTHING:
            self._replace(entry)
        return entry.ref, change

    def _replace(self, entry: Entry) -> None:
        before = self._entries.get(entry.ref)
        if before is not None and before.meta.uid != entry.meta.uid:
            self._remember_deleted(before.meta.uid)
        self._forget(before)
        self._take_in(entry)

    def change(self, kind: Kind, body: Mapping[str, Any]) -> Change:
        """Return what `put` would find new. Nothing is stored: changes that wake other objects need `put`."""
        return self._change(Entry.read(kind, body), newer=False)

    def _change(self, entry: Entry, *, newer: bool) -> Change:
        before = self._entries.get(entry.ref)
        if entry.meta.uid in self._deleted:
            return Change.NOTHING
        if before is not None and not newer:
            version, known = entry.meta.resource_version, before.meta.resource_version
            try:  # Compare versions as numbers: every API server with etcd uses them for one object, and for one name.
                newer = int(version) > int(known)
            except ValueError:
                newer = version != known
            if not newer:
                return Change.NOTHING
        return Change.DESIRED if before is None or _desired_state(entry) != _desired_state(before) else Change.STATUS

    def add_tombstone(self, kind: Kind, body: Mapping[str, Any]) -> ObjectRef:
        """Store a tombstone, unless an object of its name exists. It stays until it is removed: no list contains it."""
        entry = replace(Entry.read(kind, body), tombstone=True)
        if entry.ref not in self._entries:
            self._take_in(entry)
        return entry.ref

    def tombstones(self) -> list[ObjectRef]:
        return [entry.ref for entry in self._entries.values() if entry.tombstone]

    def remove(self, ref: ObjectRef, uid: str | None = None) -> bool:
        """Remove a deleted object; with `uid` only that one, not a successor of the same name. True if it was there."""
        entry = self._entries.get(ref)
        if entry is None or (uid is not None and entry.meta.uid != uid):
            return False
        self._forget(entry)
        del self._entries[ref]
        self._remember_deleted(entry.meta.uid)
        return True

    def versions(self, kind: Kind) -> Mapping[str, str]:
        """Return the known versions by uid, empty for deleted objects. Call it before listing: see `replace_all`."""
        there = {each.meta.uid: each.meta.resource_version for each in self.entries(kind)}
        return dict.fromkeys(self._deleted, "") | there

    def replace_all(
        self, kind: Kind, bodies: Iterable[Mapping[str, Any]], before: Mapping[str, str] = MappingProxyType({})
    ) -> set[ObjectRef]:
        """Store a complete list. Return the objects whose desired state changed, and their dependents.

        before: `versions` when the list was requested. Objects in it that the list lacks are gone; others that it lacks
            were created since. The list cannot be older than these versions, unless the cluster was restored from a
            backup: then the list is right all the same, also about objects that were seen to be gone.
        """
        listed, concerned = set[ObjectRef](), set[ObjectRef]()
        for body in bodies:
            entry = Entry.read(kind, body)
            known = self._entries.get(entry.ref)
            # It did not change meanwhile, so the list cannot be older than what is known.
            unchanged = known is None or before.get(known.meta.uid) == known.meta.resource_version
            if unchanged and before.get(entry.meta.uid) == "":
                self._deleted.pop(entry.meta.uid, None)
            listed.add(entry.ref)
            match self._change(entry, newer=unchanged and known is not None):
                case Change.DESIRED:
                    concerned |= self.dependents(entry.ref)
                    self._replace(entry)
                    concerned |= {entry.ref, *self.dependents(entry.ref)}
                case Change.STATUS:
                    self._replace(entry)
                case Change.NOTHING:
                    pass
        for entry in self.entries(kind):
            if not entry.tombstone and entry.ref not in listed and entry.meta.uid in before:
                concerned |= {entry.ref, *self.dependents(entry.ref)}
                self.remove(entry.ref)
        return concerned

    # -- dependents --------------------------------------------------------------------------------------------------

    def array_of(self, ref: ObjectRef) -> ObjectRef | None:
        """Return the FlashSystemArray of an object, whether or not it exists; None if it is unknown."""
        if ref.kind is Kind.ARRAY:
            return ref
        resource = self._resource(ref)
        if isinstance(resource, FlashSystemHost | FlashSystemVolume):
            return resource.array
        if isinstance(resource, VolumeAttachment):
            host = self._resource(resource.host)
            if isinstance(host, FlashSystemHost):
                return host.array
            seen = resource.status.array
            if seen and seen.name:
                return ObjectRef(Kind.ARRAY, seen.namespace or resource.metadata.namespace, seen.name)
        return None

    def workable_on(self, array: ObjectRef) -> set[ObjectRef]:
        """Return an array's objects with readable specs. The others count, but are not reconciled."""
        below = (self.hosts_on(array), self.volumes_on(array), self.attachments_on(array))
        found = (each for some in below for each in some.values())
        return {each.ref for each in found if not each.unreadable}

    def hosts_on(self, array: ObjectRef) -> dict[ObjectRef, FlashSystemHost]:
        return {
            ref: host for ref in self._under("array", array) if isinstance(host := self._resource(ref), FlashSystemHost)
        }

    def volumes_on(self, array: ObjectRef) -> dict[ObjectRef, FlashSystemVolume]:
        found = ((ref, self._resource(ref)) for ref in self._under("array", array))
        return {ref: volume for ref, volume in found if isinstance(volume, FlashSystemVolume)}

    def marked(self, name: HostName) -> list[FlashSystemHost]:
        """Return the hosts, of any array, for which a host object of this name may have been created."""
        found = (self._resource(ref) for ref in tuple(self._by_key.get(("mark", mark_in(name)), ())))
        return [host for host in found if isinstance(host, FlashSystemHost)]

    def attachments_on(self, array: ObjectRef) -> dict[ObjectRef, VolumeAttachment]:
        """Return the attachments of the array's hosts, and those that were attached through a host that is gone."""
        refs = {ref for host in self.hosts_on(array) for ref in self._under("host", host)}
        refs |= {ref for ref in self._under("seen-array", array) if self.array_of(ref) == array}
        return {ref: found for ref in refs if isinstance(found := self._resource(ref), VolumeAttachment)}

    def attachments_of(self, host: ObjectRef, array: ObjectRef) -> dict[ObjectRef, VolumeAttachment]:
        """Return the attachments of one host that belong to this array."""
        found = ((ref, self._resource(ref)) for ref in self._under("host", host) if self.array_of(ref) == array)
        return {ref: each for ref, each in found if isinstance(each, VolumeAttachment)}

    def attachments_of_volume(self, volume: ObjectRef) -> tuple[VolumeAttachment, ...]:
        """Return the attachments, of any array or none, that refer to a FlashSystemVolume or have its volume by UID."""
        resource = self._resource(volume)
        uid = resource.status.uid if isinstance(resource, FlashSystemVolume) else None
        refs = self._under("volume-ref", volume) | (self._by_key.get(("volume", uid), set()) if uid else set())
        found = (self._resource(ref) for ref in sorted(refs))
        return tuple(each for each in found if isinstance(each, VolumeAttachment))

    def hosts_behind(self, array: ObjectRef, refs: Collection[ObjectRef]) -> list[FlashSystemHost]:
        """Return the hosts of an array, with readable specs, that these objects are or are attached to."""
        hosts, attachments = self.hosts_on(array), self.attachments_on(array)
        behind = {attachments[ref].host if ref in attachments else ref for ref in refs}
        return [host for ref in behind if (host := hosts.get(ref)) and not host.unreadable]

    def dependents(self, ref: ObjectRef) -> set[ObjectRef]:
        """Return the objects whose plans may change with this one: parents, children, rivals and the rivals' children.

        Also its array, if that is being deleted and waits for the last object below it.
        """
        entry = self.get(ref)
        relations = ("array", "host", "volume-ref", "seen-array")
        dependents = {under for relation in relations for under in self._under(relation, ref)}
        if ref.kind is Kind.ARRAY:
            dependents |= {under for host in self._under("array", ref) for under in self._under("host", host)}
            dependents |= {entry.ref for entry in self.entries(Kind.ARRAY)}
        array = self.array_of(ref)
        if array and (found := self.get(array)) and found.meta.deleting:
            dependents.add(array)
        if entry is None:
            return dependents - {ref}
        for key in _keys(entry):
            if key[0] in ("iqn", "volume"):
                rivals = self._by_key.get(key, set())
                dependents |= rivals.union(*(self._under("host", rival) for rival in rivals))
        if isinstance(entry.counted, VolumeAttachment):
            dependents |= {parent for parent in (entry.counted.host, entry.counted.volume_ref) if parent}
        return dependents - {ref}

    def _resource(self, ref: ObjectRef) -> AnyObject | None:
        entry = self._entries.get(ref)
        return entry.counted if entry else None

    def _under(self, relation: str, ref: ObjectRef) -> set[ObjectRef]:
        return self._by_key.get((relation, ref), set())

    def _take_in(self, entry: Entry) -> None:
        self._entries[entry.ref] = entry
        for key in _keys(entry):
            self._by_key.setdefault(key, set()).add(entry.ref)

    def _remember_deleted(self, uid: str) -> None:
        self._deleted[uid] = None
        if len(self._deleted) > _MAX_DELETED:
            del self._deleted[next(iter(self._deleted))]

    def _forget(self, entry: Entry | None) -> None:
        if entry is not None:
            for key in _keys(entry):
                self._by_key[key].discard(entry.ref)
                if not self._by_key[key]:
                    del self._by_key[key]


def _keys(entry: Entry) -> Iterator[tuple[str, object]]:
    match entry.counted:
        case FlashSystemHost() as host:
            yield "array", host.array
            yield "mark", mark_of(entry.ref.namespace, entry.ref.name)
            for iqn in host.spec.initiators.iscsi:
                yield "iqn", (host.array, iqn)
        case FlashSystemVolume() as volume:
            yield "array", volume.array
            imported = volume.spec.import_
            wanted = (imported.name, imported.uid) if imported else ()
            for identifier in {*wanted, volume.status.uid} - {None}:
                yield "volume", identifier
        case VolumeAttachment() as attachment:
            yield "host", attachment.host
            if attachment.volume_ref:
                yield "volume-ref", attachment.volume_ref
            selector, seen, array = attachment.spec.volume, attachment.status.volume, attachment.status.array
            for identifier in {selector.name, selector.uid, seen.uid if seen else None} - {None}:
                yield "volume", identifier
            if array and array.name:
                namespace = array.namespace or entry.ref.namespace
                yield "seen-array", ObjectRef(Kind.ARRAY, namespace, array.name)
        case _:
            return


def _desired_state(entry: Entry) -> tuple[object, ...]:
    """Return the desired state of an object. Our own finalizer is not part of it: it is written by the operator."""
    meta = entry.meta
    return meta.uid, meta.generation, meta.deletion_timestamp, meta.other_finalizers, dict(meta.annotations)


Key = TypeVar("Key")

Clock = Callable[[], float]


@dataclass(slots=True)
class Backoff(Generic[Key]):
    """Doubling waits with jitter, reset on success. Times in seconds.

    first: the first wait, on average. longest: no wait is longer.
    """

    first: float = 1.0
    longest: float = 60.0
    _failures: dict[Key, int] = field(default_factory=dict)

    def failed(self, key: Key) -> float:
        """Count a failure. Return the wait: between half and all of 2, 4, 8 ... x first, at most longest."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        full = min(self.longest, 2 * self.first * 2.0 ** min(count, 32))
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def forget(self, key: Key) -> None:
        self._failures.pop(key, None)


class DelayQueue(Generic[Key]):
    """Keys with the time at which each is due. A key is in it once, at the earliest requested time.

    Belongs to one event loop. A key that is taken is out of the queue: it may be put again meanwhile.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    @property
    def due(self) -> tuple[int, float]:
        """The number of due keys, and for how many seconds the oldest has been due; 0 if none is."""
        now = self._clock()
        late = [now - at for at in self._due.values() if at <= now]
        return len(late), max(late, default=0.0)

    def put(self, key: Key, delay: float = 0.0) -> None:
        """Make the key due in `delay` seconds, unless it is due before."""
        at = self._clock() + delay
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            self._changed.set()

    def put_all(self, keys: Iterable[Key], delay: float = 0.0) -> None:
        for key in keys:
            self.put(key, delay)

    def discard(self, key: Key) -> None:
        self._due.pop(key, None)

    async def batch(self, most: int, window: float) -> list[Key]:
        """Wait for the first due key, then `window` seconds for others. Return at most so many due keys."""
        while True:
            self._changed.clear()
            wait = min(self._due.values(), default=float("inf")) - self._clock()
            if wait <= 0:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if wait == float("inf") else wait):
                    await self._changed.wait()
        await asyncio.sleep(window)
        now = self._clock()
        ready = sorted((at, number) for number, at in enumerate(self._due.values()) if at <= now)[:most]
        keys = list(self._due)
        taken = [keys[number] for _, number in ready]
        for key in taken:
            del self._due[key]
        return taken


Answer = TypeVar("Answer")


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[], Answer]) -> Answer:
    """Run `work` in that pool. Each array has its own pool, so that an array that hangs does not block others.

    A thread cannot be interrupted. If cancelled meanwhile, even repeatedly, this waits until the work is over, and then
    raises CancelledError: nothing is still under way when the caller continues. The code that cancels has to make sure
    that the work ends (`Session.drain`).
    """
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # mark it as retrieved: the work has recorded what matters
        raise cancelled
    return future.result()
