"""The API server may remove an object although our finalizer came on in time: nothing of it is left on the array.

A DELETE that read its object before our finalizer came on ends it all the same (kubernetes/kubernetes#77988).
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
def slipped_away(stand: Stand, folder: Path) -> Iterator[None]:
    """The attachment `one` is attached while a request to delete it, begun before, is under way; then it is gone."""
    with held_deletes(stand.cluster, stand.namespace, "volumeattachments", folder) as keeper:
        wished = stand.attachment("one", "worker-1", "vol0")
        planned = {"annotations": {"flashsystem.io/plan": "true"}}  # nothing is done yet, and no finalizer is on
        stand.apply({**wished, "metadata": {**wished["metadata"], **planned}})
        stand.await_reason(ATTACHMENTS, "one", "Planned")

        def is_asked() -> bool:
            stand.kubectl("delete", ATTACHMENTS, "one", "--dry-run=server")
            return keeper.heard_of.is_set()

        until("the API server to ask the webhook", is_asked)
        deleting = threading.Thread(target=stand.delete, args=(ATTACHMENTS, "one"), kwargs={"wait": False})
        deleting.start()
        assert keeper.caught.wait(30), "the deletion was not held"
        stand.kubectl("annotate", ATTACHMENTS, "one", "flashsystem.io/plan-")
        stand.ready(ATTACHMENTS, "one")
        assert stand.get(ATTACHMENTS, "one")["metadata"]["finalizers"]
        yield
        keeper.open.set()
        deleting.join()
        stand.gone(ATTACHMENTS, "one")


def test_what_slipped_away_from_under_our_finalizer_is_detached(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    with slipped_away(stand, tmp_path):
        start = mark(simulator)

    comes_to([], lambda: simulator.control.state()["mappings"])
    until("the empty host object to go", lambda: simulator.control.state()["hosts"] == [])
    assert writes(simulator, start) == ["rmvdiskhostmap", "rmhost"]


def test_a_namesake_of_what_slipped_away_keeps_what_is_its_own(
    stand: Stand, simulator: Simulator, tmp_path: Path
) -> None:
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("other", "worker-1", "vol1"))
    stand.ready(ATTACHMENTS, "other")
    with slipped_away(stand, tmp_path):
        pass

    stand.apply(stand.attachment("one", "worker-1", "vol0"))

    stand.ready(ATTACHMENTS, "one", "other")
    assert {row["volume"] for row in simulator.control.state()["mappings"]} == {"vol0", "vol1"}
