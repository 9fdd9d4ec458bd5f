"""The story, the same for both dialects: what a storage team does in a week, in half a minute."""

from collections.abc import Callable
from typing import Any

from demo import resources, safety
from demo.array import PASSWORD
from demo.steps import Steps

OLD_BOX = "OLD_BOX"
LAST = ("db-data", "fs-worker-1")
"""The attachments that worker-1 has in the end."""


def the_array_becomes_ready(steps: Steps) -> None:
    array = steps.array
    with steps.step("A FlashSystemArray is created and its array is read: it becomes Ready."):
        steps.apply(resources.secret(array, PASSWORD), shown=False)
        steps.apply(resources.array(array))
        steps.wait("condition=Ready", "fsarray/fs")
        steps.kubectl("get", "fsarray")
        status, system = steps.get("fsarray", "fs")["status"], array.state()["system"]
        steps.received()
        steps.so(status["dialect"] == array.dialect.capitalize(), f"its dialect is reported as {status['dialect']}")
        steps.so(status["systemID"] == system["id"], f"its id is reported as {status['systemID']}, not {system['id']}")
        steps.held("Its dialect was found out, its identity is pinned, and nothing on it was changed.")


def the_first_volumes_make_the_host(steps: Steps) -> None:
    with steps.step("A host and two attachments: one host object is made, and two mappings."):
        steps.apply(
            resources.several(
                resources.host("worker-1"),
                resources.attachment("db-data", "worker-1", "db-data"),
                resources.attachment("db-log", "worker-1", "db-log"),
            )
        )
        steps.wait("condition=Ready", "fsattach/db-data", "fsattach/db-log")
        steps.wait("jsonpath={.status.mappings.count}=2", "fshost/worker-1")
        steps.kubectl("get", "fshost,fsattach")
        steps.received("mkhost", "mkvdiskhostmap", "mkvdiskhostmap")
        mapped = steps.array.mappings(_object_of(steps, "worker-1"))
        shown = {name: steps.get("fsattach", name)["status"]["lun"] for name in ("db-data", "db-log")}
        steps.so(mapped == shown, f"the array has {mapped}, the attachments have {shown}")
        steps.held(f"{_object_of(steps, 'worker-1')} was made once and sees {_at(mapped)}.")


def the_connection_is_in_the_status(steps: Steps) -> None:
    with steps.step("The status of the attachment has what the host needs to log in."):
        steps.kubectl("get", "fsattach", "db-data", "--output=jsonpath-as-json={.status.connection}")
        status, array = steps.get("fsattach", "db-data")["status"], steps.array
        connection, portals = status["connection"], {f"{address}:3260" for address in array.portals()}
        uid = next(each["uid"] for each in array.state()["volumes"] if each["name"] == "db-data")
        lun = array.mappings(_object_of(steps, "worker-1"))["db-data"]
        steps.so({each["portal"] for each in connection["targets"]} == portals, f"the array's portals are {portals}")
        steps.so(connection["lun"] == lun, f"the array has it at LUN {lun}")
        steps.so(connection["volumeUID"] == uid, f"the volume's UID is {uid}")
        steps.held("All portals of the array, the LUN and the volume's UID: what iscsiadm and os-brick need.")


def an_administrators_host_is_used_as_it_is(steps: Steps) -> None:
    before = _host(steps, OLD_BOX)
    with steps.step(f"{OLD_BOX} was made by an administrator: it is adopted, and left as it was."):
        steps.apply(
            resources.several(resources.host("old-box"), resources.attachment("old-box-scratch", "old-box", "scratch"))
        )
        steps.wait("condition=Ready", "fsattach/old-box-scratch")
        steps.wait("jsonpath={.status.ownership}=Adopted", "fshost/old-box")
        steps.kubectl(
            "get", "fshost", "old-box", _columns(name="metadata.name", host="status.name", ownership="status.ownership")
        )
        steps.received("mkvdiskhostmap")
        steps.so(_host(steps, OLD_BOX) == before, f"it was {before}, and is {_host(steps, OLD_BOX)}")
        mapped = steps.array.mappings(OLD_BOX)
        steps.so(mapped == {"archive": 0, "scratch": 1}, f"it sees {mapped}")
        steps.held(f"Same name, same initiators; it sees {_at(mapped)}.")


def a_volume_in_use_is_refused(steps: Steps) -> None:
    refused = {"again": "Duplicate", "elsewhere": "VolumeMappedElsewhere"}
    with steps.step("db-data is in use: neither a second resource for it nor another host gets it."):
        steps.apply(
            resources.several(
                resources.attachment("again", "worker-1", "db-data"),
                resources.attachment("elsewhere", "old-box", "db-data"),
            )
        )
        steps.wait("condition=Stalled", *(f"fsattach/{name}" for name in refused))
        ready = "status.conditions[0]"
        steps.kubectl(
            "get",
            "fsattach",
            *refused,
            _columns(name="metadata.name", reason=f"{ready}.reason", why=f"{ready}.message"),
        )
        found = {name: steps.condition("fsattach", name, "Stalled")["reason"] for name in refused}
        steps.so(found == refused, f"the reasons should be {refused}, and are {found}")
        steps.delete("fsattach", *refused)
        steps.received()
        steps.held("Refused, and the message has the remedy; when they were deleted, the mapping of the first stayed.")


def a_shared_volume_is_seen_by_both(steps: Steps) -> None:
    with steps.step("cluster-fs is made for several hosts: both attachments are Shared, and both get it."):
        steps.apply(
            resources.several(
                resources.attachment("fs-worker-1", "worker-1", "cluster-fs", "Shared"),
                resources.attachment("fs-old-box", "old-box", "cluster-fs", "Shared"),
            )
        )
        steps.wait("condition=Ready", "fsattach/fs-worker-1", "fsattach/fs-old-box")
        steps.kubectl("get", "fsattach", "fs-worker-1", "fs-old-box")
        sent = steps.received("mkvdiskhostmap", "mkvdiskhostmap")
        forced = ["-force" in command for command in sent]
        steps.so(forced == [False, True], f"-force was used in {[command for command in sent if '-force' in command]}")
        seen = {each["host"] for each in steps.array.state()["mappings"] if each["volume"] == "cluster-fs"}
        steps.so(seen == {OLD_BOX, _object_of(steps, "worker-1")}, f"it is seen by {seen}")
        steps.held("Only the second mapping of a Shared volume is ever made with -force; nothing else is.")


def a_machine_that_is_logged_in_keeps_its_last_volumes(steps: Steps) -> None:
    with steps.step("worker-1 is logged in, and all its attachments are deleted: none of its volumes is taken away."):
        before = steps.array.mappings(_object_of(steps, "worker-1"))
        steps.array.control.change("host_port", resources.iqn("worker-1"), logins=2)
        steps.kubectl("delete", "fsattach", *LAST, "--wait=false")
        steps.wait("condition=DetachBlocked", *(f"fsattach/{name}" for name in LAST))
        blocked = 'status.conditions[?(@.type=="DetachBlocked")].message'
        steps.kubectl("get", "fsattach", LAST[0], _columns(name="metadata.name", why=blocked))
        steps.received()
        mapped = steps.array.mappings(_object_of(steps, "worker-1"))
        steps.so(mapped == before, f"it saw {before}, and sees {mapped}")
        message = steps.condition("fsattach", LAST[0], "DetachBlocked")["message"]
        steps.so("2 sessions" in message, f"the message is {message}")
        steps.held(f"Nothing was unmapped under its 2 sessions: it sees {_at(mapped)}.")


def the_last_goes_and_the_host_with_it(steps: Steps) -> None:
    with steps.step(
        "worker-1 logs out: its attachments are removed without further action, and so is its host object."
    ):
        name = _object_of(steps, "worker-1")
        steps.array.control.change("host_port", resources.iqn("worker-1"), logins=0)
        # It would be seen within 15 seconds; the annotation requests a reconciliation at once.
        steps.kubectl("annotate", "fsattach", *LAST, "flashsystem.io/reconcile-requested-at=now")
        steps.wait("delete", *(f"fsattach/{each}" for each in LAST))
        steps.wait("jsonpath={.status.conditions[0].reason}=NotNeeded", "fshost/worker-1")
        steps.kubectl("get", "fshost")
        steps.received("rmvdiskhostmap", "rmvdiskhostmap", "rmhost")
        left = [host["name"] for host in steps.array.state()["hosts"]]
        steps.so(left == [OLD_BOX], f"the array has the host objects {left}")
        steps.held(f"{name} is gone; {OLD_BOX}, which the administrator created, is not.")


def nothing_is_left(steps: Steps) -> None:
    with steps.step("Everything is deleted at once: the array is as it was before."):
        steps.delete(resources.KINDS, "--all")
        steps.kubectl("get", resources.KINDS)
        sent = steps.received("rmvdiskhostmap", "rmvdiskhostmap")
        steps.so(all(OLD_BOX in command for command in sent), f"it received {sent}")
        after = steps.array.state()
        differ = {key for key in after if after[key] != steps.array.began[key]}
        steps.so(after == steps.array.began, f"these parts of its state differ: {', '.join(sorted(differ))}")
        steps.held(f"Its state is the one it began with, after {len(steps.changes)} commands that changed something.")


STORY: tuple[Callable[[Steps], None], ...] = (
    the_array_becomes_ready,
    safety.the_audit_lists_what_no_resource_explains,
    the_first_volumes_make_the_host,
    the_connection_is_in_the_status,
    an_administrators_host_is_used_as_it_is,
    a_volume_in_use_is_refused,
    a_shared_volume_is_seen_by_both,
    safety.a_plan_is_what_is_done,
    safety.a_change_by_an_administrator_is_reverted_where_it_is_safe,
    a_machine_that_is_logged_in_keeps_its_last_volumes,
    the_last_goes_and_the_host_with_it,
    nothing_is_left,
)


def _object_of(steps: Steps, name: str) -> str:
    """The host object in the status of a FlashSystemHost; the array must have it, with exactly its initiator."""
    found = str(steps.get("fshost", name)["status"]["name"])
    ports = [port["name"] for port in _host(steps, found)["ports"]]
    steps.so(ports == [resources.iqn(name)], f"host object {found} has the initiators {ports}")
    return found


def _host(steps: Steps, name: str) -> Any:
    found = [host for host in steps.array.state()["hosts"] if host["name"] == name]
    steps.so(len(found) == 1, f"the array has {len(found)} host objects named {name}")
    return found[0]


def _at(mapped: dict[str, int]) -> str:
    return " and ".join(f"{volume} at LUN {lun}" for volume, lun in sorted(mapped.items(), key=lambda each: each[1]))


def _columns(**paths: str) -> str:
    return "--output=custom-columns=" + ",".join(f"{name.upper()}:.{path}" for name, path in paths.items())
