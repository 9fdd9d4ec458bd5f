"""The API server may remove an object although our finalizer was set in time: nothing of it is left on the array.

A DELETE that read its object before our finalizer was set removes it nevertheless (kubernetes/kubernetes#77988).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flashsystem_operator.simulator import Simulator
from support.admission_webhook import held_deletes
from support.array_state import mark, writes
from support.outcomes import comes_to
from support.stand import ATTACHMENTS, Stand, until


@contextmanager
def removed_despite_finalizer(stand: Stand, folder: Path) -> Iterator[None]:
    """Attach `one` while an earlier request to delete it is in progress; at the end the attachment is gone."""
    with held_deletes(stand.cluster, stand.namespace, "volumeattachments", folder) as webhook:
        attachment = stand.attachment("one", "worker-1", "vol0")
        plan = {"annotations": {"flashsystem.io/plan": "true"}}  # nothing is done yet, and no finalizer is set
        stand.apply({**attachment, "metadata": {**attachment["metadata"], **plan}})
        stand.await_reason(ATTACHMENTS, "one", "Planned")

        def is_called() -> bool:
            stand.kubectl("delete", ATTACHMENTS, "one", "--dry-run=server")
            return webhook.heard_of.is_set()

        until("the API server to call the webhook", is_called)
        deleting = threading.Thread(target=stand.delete, args=(ATTACHMENTS, "one"), kwargs={"wait": False})
        deleting.start()
        assert webhook.caught.wait(30), "the deletion was not held"
        stand.kubectl("annotate", ATTACHMENTS, "one", "flashsystem.io/plan-")
        stand.ready(ATTACHMENTS, "one")
        assert stand.get(ATTACHMENTS, "one")["metadata"]["finalizers"]
        yield
        webhook.open.set()
        deleting.join()
        stand.gone(ATTACHMENTS, "one")


def test_an_attachment_removed_despite_its_finalizer_is_detached(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    with removed_despite_finalizer(stand, tmp_path):
        start = mark(simulator)

    comes_to([], lambda: simulator.control.state()["mappings"])
    until("the empty host object to be removed", lambda: simulator.control.state()["hosts"] == [])
    assert writes(simulator, start) == ["rmvdiskhostmap", "rmhost"]


def test_a_new_attachment_with_the_name_of_a_removed_one_keeps_its_own_mapping(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("other", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "other")
    with removed_despite_finalizer(stand, tmp_path):
        pass

    stand.apply(stand.attachment("one", "worker-1", "vol0"))

    stand.ready(ATTACHMENTS, "one", "other")
    assert {row["volume"] for row in simulator.control.state()["mappings"]} == {"vol0", "vol1"}
