"""Throttles: made by mkthrottle or chvdisk -rate, one for each object."""

import pytest

from flashsystem_operator.simulator import Simulator
from support.plain_ssh import Open, Shell, Start

HOSTS = [{"name": "a"}, {"name": "b", "host_cluster": "hc"}]


@pytest.fixture
def array(start: Start) -> Simulator:
    """Host b is in a host cluster."""
    return start({"hosts": HOSTS, "host_clusters": [{"name": "hc"}]})


@pytest.fixture
def shell(array: Simulator, log_in: Open) -> Shell:
    return log_in(array)


def test_a_throttle_is_listed_with_throttle_id_and_shown_in_detail_with_id(shell: Shell) -> None:
    answer = shell("mkthrottle -type vdisk -vdisk vol1 -iops 5000 -bandwidth 200 -name slow")

    assert answer.stdout == "Throttle, id [0], successfully created.\n"
    assert shell("lsthrottle -delim !").rows == [
        {
            "throttle_id": "0",
            "throttle_name": "slow",
            "object_id": "1",
            "object_name": "vol1",
            "throttle_type": "vdisk",
            "IOPs_limit": "5000",
            "bandwidth_limit_MB": "200",
        }
    ]
    assert list(shell("lsthrottle -delim ! slow").keys)[:2] == ["id", "throttle_name"]
    assert shell("lsthrottle nope").code == "CMMVC5754E"


def test_the_details_of_a_volume_show_its_throttle(shell: Shell) -> None:
    shell("mkthrottle -type vdisk -vdisk vol1 -iops 5000")
    fields = ("throttle_id", "throttle_name", "IOPs_limit", "bandwidth_limit_MB")

    assert [shell("lsvdisk -delim ! vol1").keys[field] for field in fields] == ["0", "throttle0", "5000", ""]
    assert [shell("lsvdisk -delim ! vol0").keys[field] for field in fields] == ["", "", "", ""]


def test_a_rate_of_a_volume_is_a_throttle_in_one_unit_until_it_is_0(shell: Shell) -> None:
    seen = []
    for options in ("-rate 100", "-rate 7 -unitmb"):
        assert shell(f"chvdisk {options} vol0").status == 0
        [row] = shell("lsthrottle -delim !").rows
        seen.append((row["IOPs_limit"], row["bandwidth_limit_MB"]))
    assert shell("chvdisk -rate 0 vol0").status == 0

    assert seen == [("100", ""), ("", "7")]
    assert shell("lsthrottle").stdout == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("-type vdisk -vdisk vol1", "CMMVC8901E"),
        ("-type vdisk -iops 1", "CMMVC8904E"),
        ("-type disk -vdisk vol1 -iops 1", "CMMVC8904E"),
        ("-iops 1", "CMMVC8904E"),
        ("-type vdisk -vdisk vol1 -iops 33554433", "CMMVC8904E"),
        ("-type vdisk -vdisk vol1 -iops few", "CMMVC5716E"),
        ("-type vdisk -vdisk nope -iops 1", "CMMVC8902E"),
        ("-type vdisk -vdisk vol0 -iops 1", "CMMVC8903E"),
        ("-type vdisk -vdisk vol1 -iops 1 -name throttle0", "CMMVC6035E"),
        ("-type host -host nope -iops 1", "CMMVC9159E"),
        ("-type host -host a -iops 1", "CMMVC9160E"),
        ("-type hostcluster -hostcluster nope -iops 1", "CMMVC9162E"),
        ("-type mdiskgrp -mdiskgrp nope -iops 1", "CMMVC9165E"),
        ("-type mdiskgrp -mdiskgrp Pool0 -iops 1", "CMMVC9166E"),
        ("-type offload -bandwidth 1", "CMMVC8905E"),
    ],
)
def test_an_invalid_throttle_is_refused(line: str, code: str, array: Simulator, shell: Shell) -> None:
    for target in ("-type vdisk -vdisk vol0", "-type host -host a", "-type mdiskgrp -mdiskgrp Pool0", "-type offload"):
        assert shell(f"mkthrottle {target} -bandwidth 1").status == 0
    before = array.control.state()

    assert shell(f"mkthrottle {line}").code == code
    assert array.control.state() == before


def test_a_host_cluster_and_its_hosts_exclude_each_other(shell: Shell) -> None:
    shell("mkthrottle -type host -host b -iops 1")
    with_host = shell("mkthrottle -type hostcluster -hostcluster hc -iops 1").code
    shell("rmthrottle throttle0")
    shell("mkthrottle -type hostcluster -hostcluster hc -iops 1")

    assert with_host == "CMMVC9164E"
    assert shell("mkthrottle -type hostcluster -hostcluster hc -iops 1").code == "CMMVC9163E"
    assert shell("mkthrottle -type host -host b -iops 1").code == "CMMVC9161E"


def test_a_throttle_is_changed_and_removed(shell: Shell) -> None:
    shell("chvdisk -rate 100 vol0")

    assert shell("chthrottle -bandwidth 5 -name slow throttle0").status == 0
    keys = shell("lsthrottle -delim ! slow").keys
    assert (keys["IOPs_limit"], keys["bandwidth_limit_MB"]) == ("100", "5")
    assert shell("chthrottle slow").code == "CMMVC8904E"
    assert shell("chthrottle -iops 1 nope").code == "CMMVC8906E"
    assert shell("rmthrottle slow").status == 0
    assert shell("rmthrottle slow").code == "CMMVC8906E"


@pytest.mark.parametrize(
    ("target", "removal"),
    [
        ("-type vdisk -vdisk vol0", "rmvdisk vol0"),
        ("-type host -host a", "rmhost a"),
        ("-type hostcluster -hostcluster hc", "rmhostcluster -removeallhosts hc"),
    ],
)
def test_a_throttle_is_removed_with_its_object(target: str, removal: str, shell: Shell) -> None:
    assert shell(f"mkthrottle {target} -iops 1").status == 0

    assert shell(removal).status == 0
    assert shell("lsthrottle").stdout == ""


def test_throttles_are_part_of_the_state_and_follow_a_renamed_object(array: Simulator, shell: Shell) -> None:
    shell("mkthrottle -type vdisk -vdisk vol0 -iops 1")
    array.control.change("volume", "vol0", name="data")
    array.control.change("throttle", "throttle0", iops=9)
    state = array.control.state()

    assert [(each["volume"], each["iops"]) for each in state["throttles"]] == [("data", 9)]
    assert array.control.replace(state) == state
    assert shell("lsthrottle -delim !").rows[0]["object_name"] == "data"


@pytest.mark.parametrize(
    ("throttle", "reason"),
    [
        ({"name": "t", "volume": "vol0", "pool": "Pool0"}, "is of several objects"),
        ({"name": "t", "volume": "nope"}, "there is no nope in volumes"),
    ],
)
def test_a_throttle_is_of_one_object_that_exists(throttle: dict[str, str], reason: str, start: Start) -> None:
    with pytest.raises(ValueError, match=reason):
        start({"throttles": [throttle]})


def test_what_mkthrottle_prints_is_configurable_and_it_exists_from_7_7_on(
    array: Simulator, shell: Shell, start: Start, log_in: Open
) -> None:
    array.control.change("rules", mkthrottle_answers=False)
    older = log_in(start({"release": "7.6.0.0"}))
    older("chvdisk -rate 100 vol0")

    assert shell("mkthrottle -type vdisk -vdisk vol0 -iops 1").stdout == ""
    assert older("lsthrottle").status == 127
    assert older("lsvdisk -delim ! vol0").keys["throttling"] == "100"


def test_a_monitor_may_list_throttles_and_not_make_them(array: Simulator, log_in: Open) -> None:
    shell = log_in(array, "monitor")

    assert shell("lsthrottle").status == 0
    assert shell("mkthrottle -type vdisk -vdisk vol0 -iops 1").code == "CMMVC9027E"
