"""Faults strike the command they were ordered for, as often as ordered, before or after its effect."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from flashsystem_operator.simulator import Control, ControlError, Simulator
from support.plain_ssh import Open, Printed, Shell, answer

CREATE = "svctask mkhost -name a -iscsiname iqn.a"


def hosts(control: Control) -> list[str]:
    return [host["name"] for host in control.state()["hosts"]]


def test_a_refusal_strikes_once_and_changes_nothing(shell: Shell, control: Control) -> None:
    control.fault("refuse", "mkhost", code="CMMVC6035E", text="Nein.", exit=3)

    assert shell("svcinfo lshost") == Printed("", "", 0)
    assert shell(CREATE) == Printed("", "CMMVC6035E Nein.\n", 3)
    assert hosts(control) == []
    assert shell(CREATE).status == 0


def test_a_refusal_without_a_text_has_the_text_of_the_array(shell: Shell, control: Control) -> None:
    control.fault("refuse", code="CMMVC5753E")

    assert shell(CREATE).stderr == "CMMVC5753E The specified object does not exist or is not a suitable candidate.\n"


def test_a_fault_strikes_as_often_as_ordered_after_as_many_as_skipped(shell: Shell, control: Control) -> None:
    fault = control.fault("refuse", "lshost", code="CMMVC9999E", times=2, skip=1)

    assert [shell("svcinfo lshost").status for _ in range(4)] == [0, 1, 1, 0]
    assert control.wait(fault, "spent")["struck"] == 2


def test_an_unlimited_fault_strikes_until_it_is_forgotten(shell: Shell, control: Control) -> None:
    fault = control.fault("refuse", code="CMMVC9999E", times=None)

    assert {shell("svcinfo lshost").status for _ in range(5)} == {1}
    control.forget(fault)
    assert shell("svcinfo lshost").status == 0
    assert control.faults() == []


def test_a_fault_can_match_the_whole_line(shell: Shell, control: Control) -> None:
    control.fault("refuse", "lsvdisk", line=r"vol[12]$", code="CMMVC9999E")

    assert [shell(f"svcinfo lsvdisk vol{number}").status for number in (0, 1, 2)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("order", "status"), [({}, 0), ({"exit": 1}, 1)], ids=["as documented", "as observed by drivers"]
)
def test_a_warning_comes_with_the_effect(order: dict[str, int], status: int, shell: Shell, control: Control) -> None:
    control.fault("warn", "mkhost", code="CMMVC6372W", **order)

    reply = shell(CREATE)

    assert (reply.stdout, reply.code, reply.status) == ("Host, id [0], successfully created\n", "CMMVC6372W", status)
    assert hosts(control) == ["a"]


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["a"])])
def test_a_cut_connection_leaves_the_effect_undone_or_done(
    when: str, left: list[str], shell: Shell, control: Control
) -> None:
    control.fault("cut", "mkhost", when=when)

    assert shell(CREATE).status == -1
    shell.transport.join(5)
    assert not shell.transport.is_active()
    assert hosts(control) == left
    assert control.log()[-1]["end"] == "cut"


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["a"])])
def test_a_dropped_channel_has_no_exit_status_and_spares_the_connection(
    when: str, left: list[str], shell: Shell, control: Control
) -> None:
    control.fault("drop", "mkhost", when=when)

    assert shell(CREATE) == Printed("", "", -1)
    assert hosts(control) == left
    assert shell("svcinfo lsvdisk").status == 0


@pytest.mark.parametrize(("when", "meanwhile"), [("before", []), ("after", ["a"])])
def test_a_held_command_waits_until_it_is_released(
    when: str, meanwhile: list[str], shell: Shell, control: Control
) -> None:
    fault = control.fault("hold", "mkhost", when=when)

    channel = shell.send(CREATE)
    held = control.wait(fault)
    seen = hosts(control), channel.exit_status_ready()
    released = control.release(fault)

    assert (held["state"], held["holding"]) == ("holding", [control.log()[-1]["exec"]])
    assert seen == (meanwhile, False)
    assert released == 1
    assert answer(channel).status == 0
    assert hosts(control) == ["a"]


def test_other_commands_go_on_while_one_is_held(shell: Shell, control: Control) -> None:
    fault = control.fault("hold", "mkhost", when="after")
    channel = shell.send(CREATE)
    control.wait(fault)

    assert shell("svctask mkhost -name b -iscsiname iqn.b").status == 0

    control.release(fault)
    assert answer(channel).status == 0


@pytest.mark.parametrize(("dies", "left"), [(False, ["a"]), (True, [])])
def test_a_held_command_goes_on_after_its_connection_died_unless_ordered_otherwise(
    dies: bool, left: list[str], shell: Shell, control: Control, either: Simulator, log_in: Open
) -> None:
    fault = control.fault("hold", "mkhost", dies_with_connection=dies)
    done = control.fault("delay", "lshost", seconds=0)
    shell.send(CREATE)
    control.wait(fault)

    shell.close()
    while control.sessions():
        control.health()
    control.release(fault)
    log_in(either)("svcinfo lshost")

    control.wait(done, "spent")
    assert hosts(control) == left


def test_many_commands_are_held_and_released_together(shell: Shell, control: Control) -> None:
    fault = control.fault("hold", "mkhost", times=64)

    channels = [shell.send(f"svctask mkhost -name h{n} -iscsiname iqn.{n}") for n in range(64)]
    control.wait(fault, "holding")
    while len(control.wait(fault)["holding"]) < 64:
        control.health()

    assert control.release(fault) == 64
    assert {answer(channel).status for channel in channels} == {0}
    assert len(hosts(control)) == 64


def test_a_forgotten_hold_releases_its_command(shell: Shell, control: Control) -> None:
    fault = control.fault("hold", "mkhost")
    channel = shell.send(CREATE)
    control.wait(fault)

    control.forget(fault)

    assert answer(channel).status == 0


def test_a_hung_command_never_answers_and_harms_no_other(shell: Shell, control: Control) -> None:
    fault = control.fault("hang", "mkhost", when="after")
    channel = shell.send(CREATE)
    control.wait(fault, "spent")

    assert shell("svcinfo lshost").status == 0
    assert not channel.exit_status_ready()
    assert hosts(control) == ["a"]
    assert control.log()[0]["exit"] is None


def test_a_delayed_command_is_answered(shell: Shell, control: Control) -> None:
    control.fault("delay", seconds=0.01, when="after")

    assert shell(CREATE).status == 0


def test_several_faults_strike_one_command_in_the_order_of_their_ids(shell: Shell, control: Control) -> None:
    held = control.fault("hold", "mkhost")
    control.fault("refuse", "mkhost", code="CMMVC9999E")
    channel = shell.send(CREATE)
    control.wait(held)
    control.release(held)

    assert answer(channel).code == "CMMVC9999E"


@pytest.mark.parametrize(
    ("garble", "expected"),
    [
        ("empty", ""),
        ("truncated", "id!name!port_count!iogrp_count!"),
        ("missing_field", "0!a!1!4\n"),
        ("extra_field", "0!a!1!4!offline!!!\n"),
        ("no_header", "0!a!1!4!offline\n"),
        ("binary", "\x00\x1b[2J"),
    ],
)
def test_an_answer_can_be_garbled_in_several_ways(garble: str, expected: str, legacy: Simulator, log_in: Open) -> None:
    shell = log_in(legacy)
    shell(CREATE)
    legacy.control.fault("garble", "lshost", garble=garble)

    reply = shell("svcinfo lshost -delim !")

    assert expected in reply.stdout
    assert reply.stdout != "id!name!port_count!iogrp_count!status\n0!a!1!4!offline\n"
    assert reply.status == 0


def test_a_login_can_fail_after_it_was_accepted(shell: Shell, control: Control) -> None:
    control.fault("login_failed_on_stdout")

    assert shell("svcinfo lssystem") == Printed(
        "CMMVC7017E Login has failed because the maximum number of concurrent CLI sessions has been reached.\n", "", 0
    )


def test_no_fault_strikes_commands_of_the_administrator(control: Control) -> None:
    control.fault("refuse", code="CMMVC9999E")

    assert control.admin("svcinfo lsvdisk")["exit"] == 0


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"fault": "earthquake"}, "fault: "),
        ({"fault": "delay"}, "seconds: a delay needs them"),
        ({"fault": "refuse"}, "code: a refuse needs one"),
        ({"fault": "refuse", "code": "5753"}, "code: "),
        ({"fault": "hold", "colour": 1}, "colour: no such field"),
        ({"fault": "hold", "times": 0}, "times: "),
        ({"fault": "hold", "line": "("}, "line: not a regular expression"),
    ],
)
def test_an_invalid_order_is_refused_with_advice(order: dict[str, object], reason: str, control: Control) -> None:
    with pytest.raises(ControlError, match="^" + reason.replace("(", r"\(")) as refused:
        control.fault(**order)  # type: ignore[arg-type] # orders that are wrong on purpose

    assert refused.value.status == 400


def test_commands_of_many_channels_run_in_parallel(modern: Simulator, log_in: Open) -> None:
    sessions = [log_in(modern) for _ in range(4)]

    def create(number: int) -> Printed:
        return sessions[number % 4](f"mkhost -name h{number} -iscsiname iqn.{number}")

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(create, range(96)))

    assert {each.status for each in replies} == {0}
    assert sorted(each.stdout for each in replies) == sorted(
        f"Host, id [{n}], successfully created\n" for n in range(96)
    )
