"""The cache of cluster objects: which object depends on which, and no late reply restores an older version."""

from collections.abc import Mapping
from typing import Any

from flashsystem_operator.api.metadata import FINALIZER, Kind, ObjectRef
from flashsystem_operator.controller.cache import Cache, Change
from flashsystem_operator.values import HostName, host_object_name

ARRAY = ObjectRef(Kind.ARRAY, "storage", "array")
HOST = ObjectRef(Kind.HOST, "storage", "node")
VOLUME = ObjectRef(Kind.VOLUME, "storage", "orders")
ATTACHMENT = ObjectRef(Kind.ATTACHMENT, "storage", "a")
UID = "60050760000000000000000000000001"


def body(ref: ObjectRef, version: int, uid: str = "", **more: Any) -> dict[str, Any]:
    """Build an object as the API server sends it. more: parts of it that differ."""
    specs: Mapping[Kind, Mapping[str, Any]] = {
        Kind.ARRAY: {
            "management": {"addresses": ["10.0.0.1"]},
            "credentialsSecretRef": {"name": "login"},
            "hostKeyPolicy": "TrustOnFirstUse",
        },
        Kind.HOST: {"arrayRef": {"name": "array"}, "initiators": {"iscsi": [f"iqn.1994-05.com.redhat:{ref.name}"]}},
        Kind.VOLUME: {"arrayRef": {"name": "array"}, "size": "10Gi"},
        Kind.ATTACHMENT: {"hostRef": {"name": "node"}, "volume": {"name": "data"}},
    }
    metadata = {
        "name": ref.name,
        "namespace": ref.namespace,
        "uid": uid or f"uid-of-{ref.name}",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        **more.pop("metadata", {}),
    }
    return {"metadata": metadata, "spec": more.pop("spec", specs[ref.kind]), "status": more.pop("status", {})}


def on_array(name: str) -> dict[str, Any]:
    return {"arrayRef": {"name": name}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:far"]}}


def filled() -> Cache:
    cache = Cache()
    for version, ref in enumerate((ARRAY, HOST, ATTACHMENT), start=1):
        cache.put(ref.kind, body(ref, version))
    return cache


def version_of(cache: Cache, ref: ObjectRef) -> str | None:
    entry = cache.get(ref)
    return entry.meta.resource_version if entry else None


# -- versions --------------------------------------------------------------------------------------------------------


def test_an_older_version_never_replaces_a_newer_one() -> None:
    cache = Cache()
    cache.put(Kind.HOST, body(HOST, 10))

    assert cache.put(Kind.HOST, body(HOST, 9, status={"name": "old"}))[1] is Change.NOTHING
    assert version_of(cache, HOST) == "10"


def test_versions_are_compared_as_numbers() -> None:
    cache = Cache()
    cache.put(Kind.HOST, body(HOST, 9))
    cache.put(Kind.HOST, body(HOST, 10))

    assert version_of(cache, HOST) == "10"


def test_a_removed_object_is_not_restored_by_a_late_event() -> None:
    cache = filled()
    assert cache.remove(HOST, "uid-of-node")

    assert cache.put(Kind.HOST, body(HOST, 99)) == (HOST, Change.NOTHING)
    assert cache.get(HOST) is None


def test_a_late_removal_of_an_object_does_not_remove_its_successor_of_the_same_name() -> None:
    cache = filled()
    cache.put(Kind.HOST, body(HOST, 20, uid="second"))

    assert not cache.remove(HOST, "uid-of-node")
    assert version_of(cache, HOST) == "20"


def test_a_late_reply_about_an_object_does_not_replace_its_successor_of_the_same_name() -> None:
    cache = filled()
    assert cache.put(Kind.HOST, body(HOST, 20, uid="second"))[1] is Change.DESIRED

    assert cache.put(Kind.HOST, body(HOST, 15))[1] is Change.NOTHING
    assert cache.put(Kind.HOST, body(HOST, 25))[1] is Change.NOTHING
    assert version_of(cache, HOST) == "20"


# -- listings --------------------------------------------------------------------------------------------------------


def test_an_object_that_a_listing_lacks_is_removed() -> None:
    cache = filled()
    before = cache.versions(Kind.HOST)

    assert cache.replace_all(Kind.HOST, [], before) == {HOST, ATTACHMENT}
    assert cache.get(HOST) is None
    assert cache.get(ATTACHMENT) is not None


def test_a_listing_that_lacks_an_attachment_requeues_its_host_which_may_have_waited_for_that() -> None:
    cache = filled()

    assert HOST in cache.replace_all(Kind.ATTACHMENT, [], cache.versions(Kind.ATTACHMENT))


def test_an_object_created_while_a_listing_was_in_flight_stays() -> None:
    cache = filled()
    before, other = cache.versions(Kind.HOST), ObjectRef(Kind.HOST, "storage", "created-meanwhile")
    cache.put(Kind.HOST, body(other, 30))

    assert cache.replace_all(Kind.HOST, [body(HOST, 2)], before) == set()
    assert cache.put(Kind.HOST, body(other, 31))[1] is Change.STATUS


def test_an_object_recreated_under_its_name_while_a_listing_was_in_flight_stays() -> None:
    cache = filled()
    before = cache.versions(Kind.HOST)
    cache.remove(HOST, "uid-of-node")
    cache.put(Kind.HOST, body(HOST, 30, uid="second"))

    assert cache.replace_all(Kind.HOST, [body(HOST, 2)], before) == set()
    assert version_of(cache, HOST) == "30"


def test_a_listing_returns_only_the_objects_whose_desired_state_changed() -> None:
    cache = filled()
    other = ObjectRef(Kind.HOST, "storage", "other")
    listing = [body(HOST, 40, status={"name": "x"}), body(other, 41)]

    assert cache.replace_all(Kind.HOST, listing, cache.versions(Kind.HOST)) == {other}


def test_after_a_cluster_restore_a_listing_is_accepted_although_its_versions_are_older() -> None:
    cache = filled()
    cache.put(Kind.HOST, body(HOST, 900, status={"name": "new"}))

    restored = body(HOST, 400, metadata={"annotations": {"flashsystem.io/paused": "true"}})
    assert cache.replace_all(Kind.HOST, [restored], cache.versions(Kind.HOST)) == {HOST, ATTACHMENT}
    assert version_of(cache, HOST) == "400"
    assert cache.put(Kind.HOST, body(HOST, 401))[1] is Change.DESIRED


def test_after_a_cluster_restore_an_object_that_was_removed_is_present_again() -> None:
    cache = filled()
    cache.remove(HOST)
    cache.put(Kind.HOST, body(HOST, 900, uid="second"))

    assert cache.replace_all(Kind.HOST, [body(HOST, 400)], cache.versions(Kind.HOST)) == {HOST, ATTACHMENT}
    assert version_of(cache, HOST) == "400"


def test_a_listing_does_not_undo_a_watch_event_that_arrived_while_it_was_in_flight() -> None:
    cache = filled()
    before = cache.versions(Kind.HOST)
    cache.put(Kind.HOST, body(HOST, 900, status={"name": "new"}))

    assert cache.replace_all(Kind.HOST, [body(HOST, 400)], before) == set()
    assert version_of(cache, HOST) == "900"


# -- what counts as a change of the desired state --------------------------------------------------------------------


def test_our_own_status_and_finalizer_do_not_change_the_desired_state() -> None:
    cache = filled()
    status = {"conditions": [], "observedGeneration": 1}

    assert cache.put(Kind.HOST, body(HOST, 20, status=status))[1] is Change.STATUS
    assert cache.put(Kind.HOST, body(HOST, 21, status=status, metadata={"finalizers": [FINALIZER]}))[1] is Change.STATUS


def test_a_change_by_a_user_changes_the_desired_state() -> None:
    changes: list[dict[str, Any]] = [
        {"generation": 2},
        {"generation": 2, "annotations": {"flashsystem.io/paused": "true"}},
        {"generation": 2, "finalizers": ["example.com/in-use"]},
        {"generation": 2, "deletionTimestamp": "2026-01-02T00:00:00Z"},
    ]
    cache = filled()

    for version, metadata in enumerate(changes, start=20):
        assert cache.put(Kind.HOST, body(HOST, version, metadata=metadata))[1] is Change.DESIRED


def test_an_unreadable_spec_has_a_reason_and_still_counts_but_is_not_reconciled() -> None:
    cache = filled()
    cache.put(Kind.HOST, body(HOST, 20, spec={"arrayRef": {"name": "array"}, "initiators": {"iscsi": ["none"]}}))

    entry = cache.get(HOST)
    assert entry is not None
    assert entry.resource is None
    assert "spec.initiators.iscsi" in entry.why
    assert cache.hosts_on(ARRAY).keys() == {HOST}
    assert cache.attachments_on(ARRAY).keys() == {ATTACHMENT}
    assert cache.workable_on(ARRAY) == {ATTACHMENT}


def test_an_unreadable_status_does_not_keep_an_object_from_being_reconciled() -> None:
    cache = filled()
    cache.put(Kind.ATTACHMENT, body(ATTACHMENT, 20, status={"volume": {"uid": "no uid"}, "lun": "seven", "host": 3}))

    entry = cache.get(ATTACHMENT)
    assert entry is not None
    assert entry.resource is not None


# -- dependents ------------------------------------------------------------------------------------------------------


def test_an_array_has_its_hosts_and_their_attachments() -> None:
    cache = filled()
    cache.put(Kind.HOST, body(ObjectRef(Kind.HOST, "storage", "else"), 9, spec=_host_on("other-array")))

    assert cache.hosts_on(ARRAY).keys() == {HOST}
    assert cache.attachments_on(ARRAY).keys() == {ATTACHMENT}
    assert cache.array_of(ATTACHMENT) == ARRAY


def test_a_host_is_found_by_the_name_of_the_host_object_created_for_it_whatever_its_array() -> None:
    cache = filled()
    name = host_object_name("this-cluster", "storage", "far", "far")
    cache.put(Kind.HOST, body(ObjectRef(Kind.HOST, "storage", "far"), 4, spec=on_array("second")))

    assert [(each.metadata.name, each.array.name) for each in cache.marked(name)] == [("far", "second")]
    assert cache.marked(HostName("far")) == []
    cache.remove(ObjectRef(Kind.HOST, "storage", "far"))
    assert cache.marked(name) == []


def test_an_attachment_whose_host_is_gone_still_belongs_to_its_array() -> None:
    cache = filled()
    cache.put(Kind.ATTACHMENT, body(ATTACHMENT, 20, status={"array": {"name": "array", "namespace": "storage"}}))
    cache.remove(HOST)

    assert cache.array_of(ATTACHMENT) == ARRAY
    assert cache.attachments_on(ARRAY).keys() == {ATTACHMENT}


def test_hosts_that_claim_one_initiator_requeue_each_other_with_attachments_and_no_other_host() -> None:
    cache = filled()
    twin, unrelated = ObjectRef(Kind.HOST, "storage", "twin"), ObjectRef(Kind.HOST, "storage", "unrelated")
    same = {"arrayRef": {"name": "array"}, "initiators": {"iscsi": ["IQN.1994-05.com.redhat:NODE"]}}
    cache.put(Kind.HOST, body(twin, 20, spec=same))
    cache.put(Kind.HOST, body(unrelated, 21))

    assert cache.dependents(HOST) == {twin, ATTACHMENT}
    assert cache.dependents(twin) == {HOST, ATTACHMENT}


def test_attachments_of_one_volume_requeue_each_other_whether_by_name_or_by_uid() -> None:
    cache = filled()
    by_uid = ObjectRef(Kind.ATTACHMENT, "storage", "by-uid")
    cache.put(Kind.ATTACHMENT, body(by_uid, 20, spec={"hostRef": {"name": "b"}, "volume": {"uid": UID.lower()}}))
    cache.put(Kind.ATTACHMENT, body(ATTACHMENT, 21, status={"volume": {"name": "data", "uid": UID}}))

    assert by_uid in cache.dependents(ATTACHMENT)
    assert ATTACHMENT in cache.dependents(by_uid)


def test_all_objects_of_an_array_and_every_other_array_are_its_dependents() -> None:
    cache = filled()
    other = ObjectRef(Kind.ARRAY, "storage", "other")
    cache.put(Kind.ARRAY, body(other, 20))

    assert cache.dependents(ARRAY) == {other, HOST, ATTACHMENT}


def test_a_volume_and_its_attachments_requeue_each_other_and_it_is_a_dependent_of_its_array() -> None:
    cache = filled()
    cache.put(Kind.VOLUME, body(VOLUME, 20))
    by_ref = {"hostRef": {"name": "node"}, "volume": {"ref": {"name": VOLUME.name}}}
    cache.put(Kind.ATTACHMENT, body(ATTACHMENT, 21, spec=by_ref))

    assert cache.array_of(VOLUME) == ARRAY
    assert cache.dependents(VOLUME) == {ATTACHMENT}
    assert cache.dependents(ATTACHMENT) == {HOST, VOLUME}
    assert VOLUME in cache.dependents(ARRAY)


def test_the_attachments_of_a_volume_are_found_whatever_their_array_is() -> None:
    """One whose host does not exist belongs to no array, but waits for the volume all the same."""
    cache = filled()
    cache.put(Kind.VOLUME, body(VOLUME, 20, status={"uid": UID}))
    far, lost = ObjectRef(Kind.ATTACHMENT, "team", "far"), ObjectRef(Kind.ATTACHMENT, "storage", "lost")
    cache.put(Kind.ATTACHMENT, body(far, 21, spec={"hostRef": {"name": "missing"}, "volume": {"uid": UID}}))
    by_ref = {"hostRef": {"name": "missing"}, "volume": {"ref": {"name": VOLUME.name}}}
    cache.put(Kind.ATTACHMENT, body(lost, 22, spec=by_ref))

    assert [each.ref for each in cache.attachments_of_volume(VOLUME)] == [lost, far]
    assert cache.attachments_on(ARRAY).keys() == {ATTACHMENT}
    assert cache.attachments_of_volume(ObjectRef(Kind.VOLUME, "storage", "none")) == ()


def test_nothing_is_left_of_removed_objects() -> None:
    cache = filled()
    cache.put(Kind.VOLUME, body(VOLUME, 20))
    for ref in (ATTACHMENT, VOLUME, HOST, ARRAY):
        assert cache.remove(ref)

    assert len(cache) == 0
    assert not any(cache.dependents(ref) for ref in (ARRAY, HOST, VOLUME, ATTACHMENT))


def test_a_changed_host_is_found_by_its_new_initiators_only() -> None:
    cache = filled()
    twin = ObjectRef(Kind.HOST, "storage", "twin")
    cache.put(Kind.HOST, body(twin, 20))
    moved = {"arrayRef": {"name": "array"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:twin"]}}
    cache.put(Kind.HOST, body(HOST, 21, spec=moved))

    assert HOST in cache.dependents(twin)
    cache.put(Kind.HOST, body(HOST, 22))
    assert HOST not in cache.dependents(twin)


def _host_on(array: str) -> dict[str, Any]:
    return {"arrayRef": {"name": array}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:else"]}}
