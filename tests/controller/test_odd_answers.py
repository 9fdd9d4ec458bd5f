"""Unexpected replies: unreadable output changes nothing and is reported, a refusal is reported verbatim."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.garbled_listings import GARBLINGS, garble_the_listings
from support.simulated_arrays import last, writes
from support.stand import ARRAYS, ATTACHMENTS, HOSTS, Namespace, until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("garble", GARBLINGS)
def test_unreadable_output_changes_nothing_and_is_reported(stand: Namespace, simulator: Simulator, garble: str) -> None:
    garble_the_listings(stand, simulator, garble)


def test_a_listing_that_lost_its_first_line_is_not_taken_for_an_empty_one(
    stand: Namespace, simulator: Simulator
) -> None:
    """In a listing of one object only the row remains, which looks like a header without rows."""
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
def test_an_empty_listing_is_not_taken_to_mean_that_everything_is_gone(
    stand: Namespace, simulator: Simulator, verb: str
) -> None:
    control = simulator.control
    stand.array(simulator, resyncInterval="1s")
    stand.apply(
        stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"), stand.attachment("two", "worker-1", "vol1")
    )
    stand.ready(ATTACHMENTS, "one", "two")
    array = control.state()

    fault = control.fault("garble", verb, line=f"{verb} -delim '!'( -bytes)?$", garble="empty", times=None)
    _await_two_reads(simulator)
    stand.delete(ATTACHMENTS, "two", wait=False)
    _await_two_reads(simulator)
    control.forget(fault)

    stand.gone(ATTACHMENTS, "two")
    until("the first to be reported as attached", lambda: stand.condition(ATTACHMENTS, "one")["status"] == "True")
    array["mappings"] = [each for each in array["mappings"] if each["volume"] == "vol0"]
    assert control.state() == array


def _await_two_reads(simulator: Simulator) -> None:
    start = last(simulator)
    until(
        "two more reads",
        lambda: sum("lssystem" in entry["line"] for entry in simulator.control.log(start)) > 1,
    )


def test_unreadable_output_of_a_write_is_followed_by_a_read(stand: Namespace, simulator: Simulator) -> None:
    """Some systems exit with 0 and print a refusal: only a read shows which of the two is true."""
    control = simulator.control
    stand.array(simulator)
    stand.ready(ARRAYS, "array")

    control.fault("refuse", "mkvdiskhostmap", code="CMMVC5999E", exit=0)
    stand.apply(stand.host("worker-1"), stand.attachment("one", "worker-1", "vol0"))

    stand.ready(ATTACHMENTS, "one")
    assert [each["volume"] for each in control.state()["mappings"]] == ["vol0"]


def test_a_refusal_with_an_unknown_code_is_reported_with_the_arrays_own_text(
    stand: Namespace, simulator: Simulator
) -> None:
    control = simulator.control
    text = "Les ressources ne sont pas disponibles : réessayez plus tard"
    stand.array(simulator)
    stand.apply(stand.host("worker-1"))
    stand.ready(ARRAYS, "array")

    fault = control.fault("refuse", "mkvdiskhostmap", code="CMMVC9998E", text=text, times=None)
    stand.apply(stand.attachment("one", "worker-1", "vol0"))
    message = stand.await_reason(ATTACHMENTS, "one", "RefusedByArray")
    assert f"CMMVC9998E {text}" in message
    assert "mkvdiskhostmap" in message

    control.forget(fault)
    stand.ready(ATTACHMENTS, "one")
    control.change("system", vdisk_protection_enabled="no")  # while it is on, it may be the cause of a refusal
    fault = control.fault("refuse", "rmvdiskhostmap", code="CMMVC9997E", text=text, times=None)
    stand.delete(ATTACHMENTS, "one", wait=False)
    assert f"CMMVC9997E {text}" in stand.await_reason(ATTACHMENTS, "one", "RefusedByArray")

    control.forget(fault)
    stand.gone(ATTACHMENTS, "one")
    assert control.state()["mappings"] == []


def test_a_refused_read_is_reported_with_the_arrays_own_text_until_it_succeeds(
    stand: Namespace, simulator: Simulator
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
def test_a_warning_means_that_the_command_was_done(
    stand: Namespace, simulator: Simulator, banner: str, status: int
) -> None:
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


def test_a_full_host_and_a_full_array_are_reported_verbatim_and_filled_when_there_is_room(
    stand: Namespace, simulator: Simulator
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
