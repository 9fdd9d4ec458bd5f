"""Answers that nobody expected: what cannot be read changes nothing and is loud, a refusal keeps the array's words."""

from functools import partial
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import commands
from support.simulated_arrays import last, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Stand, until

GARBLINGS = ["truncated", "binary", "missing_field", "extra_field", "no_header"]
"""Not `empty`: an empty answer is a good one where there is nothing."""
ROWS = {"truncated", "missing_field", "extra_field"}
"""Those after which most rows can be read."""
LISTINGS = ["lsnode", "lshost", "lsvdisk"]


@pytest.mark.parametrize("garble", GARBLINGS)
def test_an_answer_that_cannot_be_read_changes_nothing_and_is_loud(
    stand: Stand, simulator: Simulator, garble: str
) -> None:
    control = simulator.control
    control.admin("svctask mkhost -name other -iscsiname iqn.2001-01.com.example:other")
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    stand.ready(ARRAYS, "array")  # it is the last to be told of
    array, uid = control.state(), stand.status(ATTACHMENTS, "one")["volume"]["uid"]
    connection = stand.status(ATTACHMENTS, "one")["connection"]

    for verb in LISTINGS:
        typed = last(simulator)
        fault = control.fault("garble", verb, line=f"{verb} -delim '!'( -bytes)?$", garble=garble, times=None)
        # Of hosts and volumes whose rows cannot be read each is asked by its id; if that tells all, nothing is lost.
        if garble in ROWS and verb != "lsnode":
            until("each to be asked by its id", partial(asked_by_id_or_told, stand, simulator, verb, typed))
        else:
            until("what cannot be read to be told", lambda: unread(stand))
            assert f"svcinfo {verb}" in unread(stand)
        assert stand.status(ATTACHMENTS, "one")["connection"] == connection
        assert writes(simulator, typed) == []
        control.forget(fault)
        until("it to be read again", lambda: not unread(stand))
        stand.await_reason(ARRAYS, "array", "Ready")
        stand.ready(ATTACHMENTS, "one", "two")

    assert control.state() == array
    assert stand.status(ATTACHMENTS, "one")["volume"] == {
        **stand.status(ATTACHMENTS, "one")["volume"],
        "uid": uid,
        "name": "vol0",
    }


def asked_by_id_or_told(stand: Stand, simulator: Simulator, verb: str, since: int) -> bool:
    typed = commands(simulator, since)
    asked = any(each["verb"] == verb and each["words"][-1].isdecimal() for each in typed)
    return asked or f"svcinfo {verb}" in unread(stand)


def unread(stand: Stand) -> str:
    """What the array says that it cannot read: nothing at all of an answer, or some of its rows."""
    status, said = stand.status(ARRAYS, "array"), stand.condition(ARRAYS, "array")
    rows = status.get("audit", {}).get("unreadable", [])
    whole = said["message"] if said["reason"] == "UnreadableAnswer" else ""
    assert not whole or "Please report this" in whole
    return " ".join((*(each["command"] for each in rows), whole)).strip()


def test_a_listing_that_lost_its_first_line_is_not_taken_for_an_empty_one(stand: Stand, simulator: Simulator) -> None:
    """Of a listing of one object the row is left, which looks like a header without rows."""
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    array, typed = control.state(), last(simulator)

    control.fault("garble", "lshost", line="lshost -delim '!'$", garble="no_header", times=None)
    assert "svcinfo lshost" in stand.await_reason(ARRAYS, "array", "UnreadableAnswer")
    assert writes(simulator, typed) == []
    assert control.state() == array


@pytest.mark.parametrize("verb", ["lshost", "lsvdisk", "lshostvdiskmap"])
def test_an_empty_listing_is_not_believed_to_mean_that_everything_is_gone(
    stand: Stand, simulator: Simulator, verb: str
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    array = control.state()

    fault = control.fault("garble", verb, line=f"{verb} -delim '!'( -bytes)?$", garble="empty", times=None)
    _two_looks(simulator)
    stand.delete(ATTACHMENTS, "two", wait=False)
    _two_looks(simulator)
    control.forget(fault)

    stand.gone(ATTACHMENTS, "two")
    until("the first to be said to be there", lambda: stand.condition(ATTACHMENTS, "one")["status"] == "True")
    array["mappings"] = [each for each in array["mappings"] if each["volume"] == "vol0"]
    assert control.state() == array


def _two_looks(simulator: Simulator) -> None:
    seen = last(simulator)
    until(
        "two more looks",
        lambda: sum("lssystem" in entry["line"] for entry in simulator.control.log(seen)) > 1,
    )


def test_an_answer_to_a_write_that_cannot_be_read_is_followed_by_a_look(stand: Stand, simulator: Simulator) -> None:
    """Some systems end a command with success and words of refusal: only a look tells which was right."""
    control = simulator.control
    stand.array(simulator)
    stand.ready(ARRAYS, "array")

    control.fault("refuse", "mkvdiskhostmap", code="CMMVC5999E", exit=0)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    stand.ready(ATTACHMENTS, "one")
    assert [each["volume"] for each in control.state()["mappings"]] == ["vol0"]


def test_a_refusal_of_unknown_code_passes_through_in_the_arrays_own_words(stand: Stand, simulator: Simulator) -> None:
    control = simulator.control
    words = "Les ressources ne sont pas disponibles : réessayez plus tard"
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    stand.ready(ARRAYS, "array")

    fault = control.fault("refuse", "mkvdiskhostmap", code="CMMVC9998E", text=words, times=None)
    stand.apply(stand.attachment("one", "worker-1", "vol0"))
    said = stand.await_reason(ATTACHMENTS, "one", "RefusedByArray")
    assert f"CMMVC9998E {words}" in said
    assert "mkvdiskhostmap" in said

    control.forget(fault)
    stand.ready(ATTACHMENTS, "one")
    control.change("system", vdisk_protection_enabled="no")  # while it is on, it may be what refuses
    fault = control.fault("refuse", "rmvdiskhostmap", code="CMMVC9997E", text=words, times=None)
    stand.delete(ATTACHMENTS, "one", wait=False)
    assert f"CMMVC9997E {words}" in stand.await_reason(ATTACHMENTS, "one", "RefusedByArray")

    control.forget(fault)
    stand.gone(ATTACHMENTS, "one")
    assert control.state()["mappings"] == []


def test_a_look_that_is_refused_is_told_in_the_arrays_own_words_until_it_succeeds(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.ready(ARRAYS, "array")

    fault = control.fault("refuse", "lsvdisk", code="CMMVC9996E", text="Ni oui ni non", times=None)
    assert "CMMVC9996E Ni oui ni non" in stand.await_reason(ARRAYS, "array", "RefusedByArray")
    control.forget(fault)
    stand.await_reason(ARRAYS, "array", "Ready")


@pytest.mark.parametrize(
    ("banner", "status"), [("", 0), ("", 1), ("*** authorised use only: CMMVC is not for you ***", 0)]
)
def test_a_warning_means_that_it_was_done(stand: Stand, simulator: Simulator, banner: str, status: int) -> None:
    control = simulator.control
    control.change("rules", banner=banner)
    stand.array(simulator)
    stand.ready(ARRAYS, "array")
    for verb in ("mkhost", "mkvdiskhostmap", "rmvdiskhostmap", "rmhost"):
        text = "The virtualized storage capacity is near the limit."
        control.fault("warn", verb, code="CMMVC6372W", text=text, exit=status)

    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")
    stand.delete(ATTACHMENTS, "one")
    stand.delete(HOSTS, "worker-1")

    assert [line.split()[0] for line in writes(simulator)] == ["mkhost", "mkvdiskhostmap", "rmvdiskhostmap", "rmhost"]
    assert control.state()["hosts"] == []


def test_a_full_host_and_a_full_array_are_told_in_the_arrays_own_words_and_filled_when_there_is_room(
    stand: Stand, simulator: Simulator
) -> None:
    control = simulator.control
    control.change("limits", luns_per_host=2, hosts=1)
    stand.array(simulator)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))
    stand.ready(ATTACHMENTS, "one")

    stand.apply(stand.attachment("full", "worker-1", "vol1", lun=1999))
    assert "CMMVC" in stand.await_reason(ATTACHMENTS, "full", "RefusedByArray")
    stand.apply(stand.host("worker-2"), stand.attachment("no-host", "worker-2", "vol2"))
    assert "CMMVC8991E" in stand.await_reason(ATTACHMENTS, "no-host", "RefusedByArray")
    assert len(control.state()["hosts"]) == 1

    control.change("limits", luns_per_host=2048, hosts=1024)
    stand.ready(ATTACHMENTS, "full", "no-host")
    assert _luns(control.state()) == {"vol0": 1, "vol1": 1999, "vol2": 1}


def _luns(array: dict[str, Any]) -> dict[str, int]:
    return {each["volume"]: each["lun"] for each in array["mappings"]}
