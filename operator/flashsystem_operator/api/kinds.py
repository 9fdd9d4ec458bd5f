"""The names of what users write: group, version, kinds, our finalizer."""

from dataclasses import dataclass
from enum import StrEnum

GROUP = "flashsystem.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "flashsystem"

FINALIZER = f"{GROUP}/cleanup"
"""On an object as long as the array may hold something of it."""


class Kind(StrEnum):
    """A kind of resource; its value is the `kind` of the YAML. Iterating over the class gives them all."""

    ARRAY = "FlashSystemArray"
    HOST = "FlashSystemHost"
    ATTACHMENT = "VolumeAttachment"

    @property
    def plural(self) -> str:
        return f"{self.value.lower()}s"

    @property
    def short_name(self) -> str:
        return _SHORT_NAMES[self]

    @property
    def crd(self) -> str:
        """The name of its CustomResourceDefinition, which `kubectl` takes where the plural alone is ambiguous."""
        return f"{self.plural}.{GROUP}"


_SHORT_NAMES = {Kind.ARRAY: "fsarray", Kind.HOST: "fshost", Kind.ATTACHMENT: "fsattach"}


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object, as queues, caches and logs name it."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"
