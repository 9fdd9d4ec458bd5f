"""Objects that the API server removed although our finalizer was on them.

A DELETE that read its object before we put our finalizer on may end it after we did, and both requests succeed
(kubernetes/kubernetes#77988, open at the time of writing). What we then did on the array would be explained by nobody.
The last state of such an object comes with the news of its end: it has our finalizer and was never being deleted, which
no other end can look like. It is kept as one that is being deleted until nothing of it is left; in memory only, since
there is nowhere else. What a crash loses of it the audit of the array shows as orphaned.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost, Ownership
from flashsystem_operator.api.kinds import FINALIZER, Kind, ObjectRef
from flashsystem_operator.api.meta import ObjectMeta, UnreadableResourceError

_OF = "@"
"""Between the name and the UID of a ghost. No object's name has it."""


def ghost_of(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The object to be cleared away in the place of the one that is gone, or None if that went as it should.

    body: the last state of a deleted object. One of which nothing was recorded has nothing on the array.

    An attachment's ghost has a name that no object can have: a namesake may come, which wishes something else. A
    host's ghost yields to a namesake, which has the same host object.
    """
    meta = ObjectMeta.model_validate(body["metadata"])
    if meta.deleting or meta.finalizers != (FINALIZER,) or not _has_something(kind, body):
        return None
    name = f"{meta.name}{_OF}{meta.uid}" if kind is Kind.ATTACHMENT else meta.name
    return {**body, "metadata": {**body["metadata"], "name": name, "deletionTimestamp": meta.creation_timestamp}}


def as_it_was(ref: ObjectRef) -> ObjectRef:
    """What a ghost was called in its life, for whoever looks for it by its name; others stay as they are."""
    return replace(ref, name=ref.name.partition(_OF)[0])


def _has_something(kind: Kind, body: Mapping[str, Any]) -> bool:
    """Whether it was recorded that something was to be done on the array for it."""
    try:
        match kind:
            case Kind.ATTACHMENT:
                attachment = VolumeAttachment.read(body).status
                return attachment.origin is not None and attachment.volume is not None
            case Kind.HOST:
                return FlashSystemHost.read(body).status.ownership is Ownership.CREATED
            case Kind.ARRAY:
                return False
    except UnreadableResourceError:
        return False
