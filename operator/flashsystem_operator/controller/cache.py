"""Every object of our kinds as it was last seen, and who hangs on whom. Belongs to one event loop.

A list is the truth and a watch a hint: `replace_all` takes a whole listing, `put` one sighting. An older version never
replaces a newer one, so that our own writes, whose answers come in here too, are read back at once.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from flashsystem_operator.api.array import ArrayStatus, FlashSystemArray
from flashsystem_operator.api.attachment import AttachmentStatus, VolumeAttachment
from flashsystem_operator.api.base import Memory
from flashsystem_operator.api.host import FlashSystemHost, HostStatus
from flashsystem_operator.api.kinds import Kind, ObjectRef
from flashsystem_operator.api.meta import ObjectMeta, UnreadableResourceError
from flashsystem_operator.controller.namespaces import Namespaces

AnyObject = FlashSystemArray | FlashSystemHost | VolumeAttachment

STATUS_MODELS: Mapping[Kind, type[Memory]] = {
    Kind.ARRAY: ArrayStatus,
    Kind.HOST: HostStatus,
    Kind.ATTACHMENT: AttachmentStatus,
}

_MODELS: Mapping[Kind, type[AnyObject]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.ATTACHMENT: VolumeAttachment,
}


_BURIED = 10_000
"""UIDs of objects seen to be gone that are remembered: many more than writes can be under way."""


class Change(Enum):
    """What a sighting says that was not known."""

    NOTHING = auto()
    STATUS = auto()
    WISH = auto()
    """The spec, a finalizer, an annotation, or that it is there at all or is being deleted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object.

    status: as the API server has it. resource: None when the spec cannot be read; `why` then says so in a sentence.
    ghost: the API server has it no more; see `ghosts.py`.
    """

    ref: ObjectRef
    meta: ObjectMeta
    status: Mapping[str, Any]
    resource: AnyObject | None
    why: str = ""
    ghost: bool = False

    @classmethod
    def read(cls, kind: Kind, body: Mapping[str, Any]) -> "Entry":
        meta = ObjectMeta.model_validate(body["metadata"])
        ref = ObjectRef(kind, meta.namespace, meta.name)
        status = body.get("status") or {}
        try:
            return cls(ref, meta, status, _MODELS[kind].read(body))
        except UnreadableResourceError as error:
            return cls(ref, meta, status, None, str(error))


class Cache:
    """All entries, and the indexes that wake-ups and worlds are made of."""

    def __init__(self, namespaces: Namespaces | None = None) -> None:
        self._entries: dict[ObjectRef, Entry] = {}
        self._by_key: dict[tuple[str, object], set[ObjectRef]] = {}
        self._buried: dict[str, None] = {}
        self.namespaces = namespaces or Namespaces()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, ref: ObjectRef) -> Entry | None:
        return self._entries.get(ref)

    def entries(self, kind: Kind) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.ref.kind is kind]

    @property
    def arrays(self) -> list[FlashSystemArray]:
        """Those that can be read."""
        known = (entry.resource for entry in self.entries(Kind.ARRAY))
        return [each for each in known if isinstance(each, FlashSystemArray)]

    @property
    def legible(self) -> bool:
        """Whether every host and attachment can be read: of one that cannot it is not known what it explains."""
        return all(entry.resource for kind in (Kind.HOST, Kind.ATTACHMENT) for entry in self.entries(kind))

    def put(self, kind: Kind, body: Mapping[str, Any]) -> tuple[ObjectRef, Change]:
        """Take in a sighting or the answer to a write of ours.

        The answer to a write may come after the end of its object was seen: nobody rises from the dead.
        """
        entry = Entry.read(kind, body)
        before = self._entries.get(entry.ref)
        if entry.meta.uid in self._buried:
            return entry.ref, Change.NOTHING
        if before is not None and not _newer(entry, before):
            return entry.ref, Change.NOTHING
        if before is not None and before.meta.uid != entry.meta.uid:
            self._bury(before.meta.uid)
        self._forget(before)
        self._take_in(entry)
        return entry.ref, Change.WISH if before is None or _wish(entry) != _wish(before) else Change.STATUS

    def haunt(self, kind: Kind, body: Mapping[str, Any]) -> ObjectRef:
        """Take in a ghost, unless a namesake is there. It stays until it is removed: no listing has it."""
        entry = replace(Entry.read(kind, body), ghost=True)
        if entry.ref not in self._entries:
            self._take_in(entry)
        return entry.ref

    def ghosts(self) -> list[ObjectRef]:
        return [entry.ref for entry in self._entries.values() if entry.ghost]

    def remove(self, ref: ObjectRef, uid: str | None = None) -> bool:
        """Forget an object that is gone; with `uid` only that one, not a namesake made since. True if it was there."""
        entry = self._entries.get(ref)
        if entry is None or (uid is not None and entry.meta.uid != uid):
            return False
        self._forget(entry)
        del self._entries[ref]
        self._bury(entry.meta.uid)
        return True

    def uids(self, kind: Kind) -> frozenset[str]:
        """What is there, to be asked before a listing is: see `replace_all`."""
        return frozenset(entry.meta.uid for entry in self.entries(kind))

    def replace_all(
        self, kind: Kind, bodies: Iterable[Mapping[str, Any]], before: Collection[str] = frozenset()
    ) -> list[ObjectRef]:
        """Take in a whole listing. Answers with the objects whose wish changed.

        before: the uids that were there when the listing was asked for. What it lacks of these is gone; what it lacks
            of others was made since.
        """
        listed, changed = set[ObjectRef](), list[ObjectRef]()
        for body in bodies:
            ref, change = self.put(kind, body)
            listed.add(ref)
            if change is Change.WISH:
                changed.append(ref)
        known = (entry for entry in self.entries(kind) if not entry.ghost)
        gone = [entry.ref for entry in known if entry.ref not in listed and entry.meta.uid in before]
        for ref in gone:
            self.remove(ref)
        return changed + gone

    # -- who hangs on whom -------------------------------------------------------------------------------------------

    def array_of(self, ref: ObjectRef) -> ObjectRef | None:
        """The FlashSystemArray that an object is worked through, whether or not it exists; None if nothing tells."""
        if ref.kind is Kind.ARRAY:
            return ref
        resource = entry.resource if (entry := self.get(ref)) else None
        if isinstance(resource, FlashSystemHost):
            return resource.array
        if isinstance(resource, VolumeAttachment):
            return self._array_of_attachment(resource)
        return None

    def hosts_on(self, array: ObjectRef) -> dict[ObjectRef, FlashSystemHost]:
        return {
            ref: host for ref in self._under("array", array) if isinstance(host := self._resource(ref), FlashSystemHost)
        }

    def attachments_on(self, array: ObjectRef) -> dict[ObjectRef, VolumeAttachment]:
        """Those of the array's hosts, and those that were attached through a host that is gone."""
        refs = {ref for host in self.hosts_on(array) for ref in self._under("host", host)}
        refs |= {ref for ref in self._under("seen-array", array) if self.array_of(ref) == array}
        return {ref: found for ref in refs if isinstance(found := self._resource(ref), VolumeAttachment)}

    def hosts_behind(self, array: ObjectRef, refs: Collection[ObjectRef]) -> list[FlashSystemHost]:
        """The hosts of an array that these objects are, or are attached to."""
        hosts, attachments = self.hosts_on(array), self.attachments_on(array)
        behind = {attachments[ref].host if ref in attachments else ref for ref in refs}
        return [hosts[ref] for ref in behind if ref in hosts]

    def kin(self, ref: ObjectRef) -> set[ObjectRef]:
        """Whose plans may change when this object does: its host and children, its rivals and the rivals' children."""
        entry = self.get(ref)
        kin = set(self._under("array", ref)) | set(self._under("host", ref)) | set(self._under("seen-array", ref))
        if ref.kind is Kind.ARRAY:
            kin |= {under for host in self._under("array", ref) for under in self._under("host", host)}
            kin |= {entry.ref for entry in self.entries(Kind.ARRAY)}
        if entry is None:
            return kin
        for key in _keys(entry):
            if key[0] in ("iqn", "volume"):
                rivals = self._by_key.get(key, set())
                kin |= rivals.union(*(self._under("host", rival) for rival in rivals))
        if isinstance(entry.resource, VolumeAttachment):
            kin.add(entry.resource.host)
        return kin - {ref}

    def _array_of_attachment(self, attachment: VolumeAttachment) -> ObjectRef | None:
        host = self._resource(attachment.host)
        if isinstance(host, FlashSystemHost):
            return host.array
        seen = attachment.status.array
        if seen and seen.name:
            return ObjectRef(Kind.ARRAY, seen.namespace or attachment.metadata.namespace, seen.name)
        return None

    def _resource(self, ref: ObjectRef) -> AnyObject | None:
        entry = self._entries.get(ref)
        return entry.resource if entry else None

    def _under(self, relation: str, ref: ObjectRef) -> set[ObjectRef]:
        return self._by_key.get((relation, ref), set())

    def _take_in(self, entry: Entry) -> None:
        self._entries[entry.ref] = entry
        for key in _keys(entry):
            self._by_key.setdefault(key, set()).add(entry.ref)

    def _bury(self, uid: str) -> None:
        self._buried[uid] = None
        if len(self._buried) > _BURIED:
            del self._buried[next(iter(self._buried))]

    def _forget(self, entry: Entry | None) -> None:
        if entry is not None:
            for key in _keys(entry):
                self._by_key[key].discard(entry.ref)
                if not self._by_key[key]:
                    del self._by_key[key]


def _keys(entry: Entry) -> Iterator[tuple[str, object]]:
    match entry.resource:
        case FlashSystemHost() as host:
            yield "array", host.array
            for iqn in host.spec.initiators.iscsi:
                yield "iqn", (host.array, iqn)
        case VolumeAttachment() as attachment:
            yield "host", attachment.host
            volume, seen, array = attachment.spec.volume, attachment.status.volume, attachment.status.array
            for word in {volume.name, volume.uid, seen.uid if seen else None} - {None}:
                yield "volume", word
            if array and array.name:
                namespace = array.namespace or entry.ref.namespace
                yield "seen-array", ObjectRef(Kind.ARRAY, namespace, array.name)
        case _:
            return


def _wish(entry: Entry) -> tuple[object, ...]:
    """What others want of us. Our own finalizer is no news, whether its sight or the answer to our write is first."""
    meta = entry.meta
    return meta.uid, meta.generation, meta.deletion_timestamp, meta.other_finalizers, dict(meta.annotations)


def _newer(entry: Entry, before: Entry) -> bool:
    """Versions of one object, and of namesakes, compare as numbers on every API server that keeps them in etcd."""
    try:
        return int(entry.meta.resource_version) > int(before.meta.resource_version)
    except ValueError:
        return entry.meta.resource_version != before.meta.resource_version
