"""Progress of a pass is the end of each command, and of each request to the API server."""

from collections.abc import Awaitable, Callable

import pytest

from flashsystem_operator.api.metadata import Kind, ObjectMeta, ObjectRef
from flashsystem_operator.controller.kube.client import Kube
from flashsystem_operator.controller.kube.core import Secrets, Volumes
from flashsystem_operator.controller.kube.errors import KubeError
from support.fake_api import FakeApi, Fault

HOST = ObjectRef(Kind.HOST, "storage", "node")
META = ObjectMeta.model_validate(
    {
        "name": HOST.name,
        "namespace": HOST.namespace,
        "uid": "uid",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
)
SECRET = {"metadata": {"name": "login", "namespace": "storage", "uid": "uid", "resourceVersion": "1"}}

REQUESTS: dict[str, Callable[[Kube], Awaitable[object]]] = {
    "a status": lambda kube: kube.write_status(HOST, META, {}, {"observedGeneration": 1}),
    "an object": lambda kube: kube.get(HOST),
    "a Secret": lambda kube: kube.secret("storage", "login"),
    "an Event": lambda kube: kube.event("storage", {"metadata": {"generateName": "node."}}),
    "a Secret with a connection": lambda kube: Secrets(kube).get("storage", "login"),
    "the end of such a Secret": lambda kube: Secrets(kube).delete(SECRET),
    "a PersistentVolume": lambda kube: Volumes(kube).get("data"),
}


@pytest.mark.parametrize("send", REQUESTS.values(), ids=REQUESTS.keys())
async def test_the_end_of_a_request_is_progress_whatever_its_outcome(send: Callable[[Kube], Awaitable[object]]) -> None:
    """A pass does not look hung if the API server is slow, or refuses each of a thousand writes."""
    api, ended = FakeApi(), list[str]()
    api.faults.append(Fault.UNAVAILABLE)
    async with api.served() as kube:
        try:
            await send(kube.reporting_progress_to(lambda: ended.append("one")))
        except KubeError:
            ended.append("refused")

    assert ended[0] == "one"
