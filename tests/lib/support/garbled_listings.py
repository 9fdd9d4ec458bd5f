"""Listings that the operator cannot read: nothing changes, and they are reported."""

from functools import partial

from flashsystem_operator.simulator import Simulator
from support.array_state import commands
from support.simulated_arrays import last, writes
from support.stand import ARRAYS, ATTACHMENTS, Namespace, until

GARBLINGS = ["truncated", "binary", "missing_field", "extra_field", "no_header"]
"""Without `empty`: empty output is correct where nothing exists."""
ROWS = {"truncated", "missing_field", "extra_field"}
"""Kinds of garbled output of which most rows remain readable."""
LISTINGS = ["lsnode", "lshost", "lsvdisk"]


def garble_the_listings(stand: Namespace, simulator: Simulator, garble: str) -> None:
    control = simulator.control
    control.admin("svctask mkhost -name other -iscsiname iqn.2001-01.com.example:other")
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    stand.ready(ARRAYS, "array")  # its status is written last
    array, uid = control.state(), stand.status(ATTACHMENTS, "one")["volume"]["uid"]
    connection = stand.status(ATTACHMENTS, "one")["connection"]

    for verb in LISTINGS:
        typed = last(simulator)
        fault = control.fault("garble", verb, line=f"{verb} -delim '!'( -bytes)?$", garble=garble, times=None)
        # Hosts and volumes with unreadable rows are read by id; if that succeeds, nothing is lost.
        if garble in ROWS and verb != "lsnode":
            until("each object to be read by its id", partial(read_by_id_or_reported, stand, simulator, verb, typed))
        else:
            until("the unreadable output to be reported", lambda: unreadable_commands(stand))
            assert f"svcinfo {verb}" in unreadable_commands(stand)
        assert stand.status(ATTACHMENTS, "one")["connection"] == connection
        assert writes(simulator, typed) == []
        control.forget(fault)
        until("the output to be readable again", lambda: not unreadable_commands(stand))
        stand.await_reason(ARRAYS, "array", "Ready")
        stand.ready(ATTACHMENTS, "one", "two")

    assert control.state() == array
    assert stand.status(ATTACHMENTS, "one")["volume"] == {
        **stand.status(ATTACHMENTS, "one")["volume"],
        "uid": uid,
        "name": "vol0",
    }


def read_by_id_or_reported(stand: Namespace, simulator: Simulator, verb: str, since: int) -> bool:
    typed = commands(simulator, since)
    by_id = any(each["verb"] == verb and each["words"][-1].isdecimal() for each in typed)
    return by_id or f"svcinfo {verb}" in unreadable_commands(stand)


def unreadable_commands(stand: Namespace) -> str:
    """The commands with unreadable output in the array's status: the whole output, or some of its rows."""
    status, ready = stand.status(ARRAYS, "array"), stand.condition(ARRAYS, "array")
    rows = status.get("audit", {}).get("unreadable", [])
    whole = ready["message"] if ready["reason"] == "UnreadableAnswer" else ""
    assert not whole or "Please report this" in whole
    return " ".join((*(each["command"] for each in rows), whole)).strip()
