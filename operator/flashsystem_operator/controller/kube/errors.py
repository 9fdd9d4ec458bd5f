"""What the API server may answer, as far as it is told apart here.

Kept from `kube`, so that nobody has to load the Kubernetes client who only speaks of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class KubeError(Exception):
    """The API server could not be asked, or said no. Try again later."""


class Conflict(KubeError):
    """The object changed since it was read. Look again."""


class NotFound(KubeError):
    """There is no such object."""


class Forbidden(KubeError):
    """We have no right to this. Only a change of RBAC helps."""


class Ending(Forbidden):
    """Nothing can be made in a namespace that is being deleted. What is in it goes too, and needs nothing more."""


class Invalid(KubeError):
    """The API server does not take an object that is like that."""


@dataclass(frozen=True, slots=True)
class Secret:
    """version: metadata.resourceVersion. data: base64, as the API server keeps it."""

    version: str
    data: Mapping[str, str] = field(repr=False)
