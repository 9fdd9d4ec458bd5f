"""Errors of the Kubernetes API, by what to do next, and the Secret that it returns.

Apart from `client`, so that modules that need only these do not load the Kubernetes client.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class KubeError(Exception):
    """The API server could not be reached, or refused. Retry later."""


class Conflict(KubeError):
    """The object changed since it was read. Read it again."""


class NotFound(KubeError):
    """The object does not exist."""


class Forbidden(KubeError):
    """The operator has no permission for this. Only a change of RBAC helps."""


class Ending(Forbidden):
    """Nothing can be created in a namespace that is being deleted. Its objects are deleted too: no retry is needed."""


class Invalid(KubeError):
    """The API server does not accept the object's content."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret as it was read. version: metadata.resourceVersion. data: base64, as the API server stores it."""

    version: str
    data: Mapping[str, str] = field(repr=False)
