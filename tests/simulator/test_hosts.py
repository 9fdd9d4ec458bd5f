"""What the array takes and refuses when hosts are made, changed and removed."""

import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start

IQN = "iqn.1994-05.com.redhat:worker-7"


def test_a_host_that_is_made_is_there_and_one_that_is_removed_leaves_no_trace(shell: Shell, control: Control) -> None:
    before = control.state()

    made = shell(f"svctask mkhost -name worker-7 -iscsiname {IQN}")
    shown = shell("svcinfo lshost -delim ! worker-7").keys
    removed = shell("svctask rmhost worker-7")

    assert made.stdout == "Host, id [0], successfully created\n"
    assert (shown["name"], shown["iscsi_name"], shown["status"]) == ("worker-7", IQN, "offline")
    assert (removed.stdout, removed.stderr, removed.status) == ("", "", 0)
    assert control.state() == before


def test_an_initiator_belongs_to_one_host_whatever_its_case(shell: Shell) -> None:
    shell(f"svctask mkhost -name a -iscsiname {IQN}")

    assert shell(f"svctask mkhost -name b -iscsiname {IQN.upper()}").code == "CMMVC6578E"
    assert shell("svcinfo lshost -delim ! b").code == "CMMVC5754E"


def test_an_initiator_is_shown_as_it_was_typed(shell: Shell) -> None:
    shell(f"svctask mkhost -name a -iscsiname {IQN.upper()}")

    assert shell("svcinfo lshost -delim ! a").keys["iscsi_name"] == IQN.upper()


@pytest.mark.parametrize("word", ["worker-7", "iqn", "iqn.a,iqn.a", "'iqn.a b'", "nqn.2014-08.org:x"])
def test_a_word_that_is_no_initiator_is_refused_like_one_that_is_taken(word: str, shell: Shell) -> None:
    assert shell(f"svctask mkhost -name a -iscsiname {word}").code == "CMMVC6578E"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("7up", "CMMVC6527E"),
        ("-a", "CMMVC6527E"),  # the value of an option may look like an option
        ("'a '", "CMMVC6527E"),
        ("'a/b'", "CMMVC6527E"),
        ("a" * 64, "CMMVC5738E"),
        ("häst", "CMMVC6017E"),
        ("''", "CMMVC6527E"),
    ],
)
def test_a_name_that_is_none_is_refused(name: str, code: str, shell: Shell) -> None:
    assert shell(f"svctask mkhost -iscsiname {IQN} -name {name}").code == code


def test_the_longest_name_and_blanks_inside_are_fine(shell: Shell) -> None:
    assert shell(f"svctask mkhost -iscsiname {IQN} -name {'a' * 63}").status == 0
    assert shell("svctask mkhost -iscsiname iqn.b -name 'my host'").status == 0
    assert shell('svcinfo lshost -delim ! "my host"').keys["name"] == "my host"


def test_ids_are_handed_out_again_lowest_first(shell: Shell) -> None:
    for number in range(3):
        shell(f"svctask mkhost -name h{number} -iscsiname iqn.{number}")
    shell("svctask rmhost h1")

    assert shell("svctask mkhost -name again -iscsiname iqn.again").stdout == "Host, id [1], successfully created\n"
    assert shell("svcinfo lshost -delim ! 1").keys["name"] == "again"


def test_a_host_without_a_name_is_given_one(shell: Shell) -> None:
    shell(f"svctask mkhost -iscsiname {IQN}")

    assert shell("svcinfo lshost -delim ! 0").keys["name"] == "host0"


def test_ports_come_and_go_and_only_the_owner_can_lose_them(shell: Shell) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkhost -name b -iscsiname iqn.b")

    assert shell("svctask addhostport -iscsiname iqn.c,iqn.d a").status == 0
    assert shell("svctask addhostport -iscsiname IQN.B a").code == "CMMVC6578E"
    assert shell("svctask rmhostport -iscsiname iqn.b a").code == "CMMVC6578E"
    assert shell("svctask rmhostport -iscsiname IQN.C a").status == 0
    assert shell("svctask addhostport -iscsiname iqn.x nobody").code == "CMMVC5753E"
    assert shell("svcinfo lshost -delim ! a").stdout.count("iscsi_name!") == 2


def test_ports_of_other_protocols_stand_beside(shell: Shell) -> None:
    shell("svctask mkhost -name a -hbawwpn 2100000e1e30e597:2100000E1E30E598")
    shell("svctask addhostport -iscsiname iqn.a a")

    shown = shell("svcinfo lshost -delim ! a").stdout
    assert "WWPN!2100000E1E30E597\n" in shown
    assert "iscsi_name!iqn.a\n" in shown
    assert shell("svctask addhostport -hbawwpn 2100000E1E30E597 a").code == "CMMVC5867E"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("-name a", "CMMVC5707E"),
        ("-iscsiname", "CMMVC5707E"),
        ("-iscsiname iqn.a -hbawwpn 2100000E1E30E597", "CMMVC5713E"),
        ("-iscsiname iqn.a -iscsiname iqn.b", "CMMVC6070E"),
        ("-iscsiname iqn.a stray", "CMMVC6070E"),
        ("-iscsiname iqn.a -colour red", "CMMVC5709E"),
        ("-iscsiname iqn.a -type zebra", "CMMVC5711E"),
        ("-iscsiname iqn.a -iogrp 0:9", "CMMVC5729E"),
        (f"-iscsiname {'iqn.' + 'a' * 2176}", "CMMVC5703E"),
    ],
)
def test_a_command_of_the_wrong_form_changes_nothing(options: str, code: str, shell: Shell, control: Control) -> None:
    before = control.state()

    assert shell(f"svctask mkhost {options}").code == code
    assert control.state() == before


def test_limits_on_hosts_and_ports_are_the_arrays(shell: Shell, control: Control) -> None:
    control.change("limits", hosts=1, ports_per_host=2)

    assert shell("svctask mkhost -name a -iscsiname iqn.a").status == 0
    assert shell("svctask mkhost -name b -iscsiname iqn.b").code == "CMMVC6220E"
    assert shell("svctask addhostport -iscsiname iqn.c,iqn.d a").code == "CMMVC6581E"
    assert shell("svctask addhostport -iscsiname iqn.c a").status == 0


def test_a_host_counts_in_each_of_its_io_groups(start: Start, log_in: Open) -> None:
    shell = log_in(start({"limits": {"iqns_per_io_group": 1}}))

    assert shell("mkhost -name fc -fcwwpn 2100000E1E30E597").status == 0  # has no iSCSI name
    assert shell("mkhost -name a -iscsiname iqn.a -iogrp 0").status == 0
    assert shell("mkhost -name b -iscsiname iqn.b -iogrp 0:1").code == "CMMVC6581E"
    assert shell("mkhost -name b -iscsiname iqn.b -iogrp 1").status == 0
    assert [row["id"] for row in shell("lshostiogrp -delim ! b").rows] == ["1"]
    assert shell("rmhostiogrp -iogrp 0 a").status == 0
    assert shell("addhostiogrp -iogrpall b").status == 0
    assert shell("lshost -delim ! b").keys["iogrp_count"] == "4"


def test_renaming_keeps_everything_but_the_name(shell: Shell) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkhost -name b -iscsiname iqn.b")

    assert shell("svctask chhost -name b a").code == "CMMVC6035E"
    assert shell("svctask chhost -name c a").status == 0
    assert shell("svctask chhost c").code == "CMMVC5707E"
    assert shell("svcinfo lshost -delim ! 0").keys["name"] == "c"
    assert shell("svcinfo lshost -delim ! a").code == "CMMVC5754E"


def test_the_status_of_a_host_follows_its_logins(shell: Shell, control: Control) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")

    seen = []
    for logins in (0, 1, 2):
        control.change("host_port", "IQN.A", logins=logins)
        keys = shell("svcinfo lshost -delim ! a").keys
        seen.append((keys["status"], keys["node_logged_in_count"], keys["state"]))

    assert seen == [("offline", "0", "offline"), ("degraded", "1", "active"), ("online", "2", "active")]


def test_a_secret_is_set_shown_and_taken_away(shell: Shell) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")

    shell("svctask chhost -chapsecret s3cret a")
    assert shell("svcinfo lsiscsiauth -delim !").rows[0]["iscsi_chap_secret"] == "s3cret"
    shell("svctask chhost -nochapsecret a")
    assert shell("svcinfo lsiscsiauth -delim !").rows[0]["iscsi_auth_method"] == "none"


def test_a_secret_has_a_length_that_the_rules_set(shell: Shell, control: Control) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")

    assert shell(f"svctask chhost -chapsecret {'s' * 80} a").code == "CMMVC5703E"
    assert shell("svctask chhost -chapsecret '' a").code == "CMMVC5703E"
    assert shell("svctask chhost -chapsecret s3cret -nochapsecret a").code == "CMMVC5713E"
    control.change("rules", longest_chap_secret=5, chap_secret_code="CMMVC5738E")
    assert shell("svctask chhost -chapsecret s3cret a").code == "CMMVC5738E"
    assert shell("svcinfo lsiscsiauth -delim !").rows[0]["iscsi_auth_method"] == "none"


def test_a_host_changes_its_portset_and_type(start: Start, log_in: Open) -> None:
    portsets = [{"name": "portset0", "is_default": "yes"}, {"name": "fast"}]
    addresses = [
        {"node": "node1", "port_id": 5, "portset": "portset0", "address": "10.0.1.11"},
        {"node": "node2", "port_id": 6, "portset": "fast", "address": "10.0.1.12"},
    ]
    volume = {"name": "busy", "pool": "Pool0", "recent_io": True}
    shell = log_in(simulator := start({"portsets": portsets, "addresses": addresses, "volumes": [volume]}))
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkvdiskhostmap -host a busy")

    assert shell("chhost -type zebra a").code == "CMMVC5711E"
    assert shell("chhost -type tpgs a").status == 0
    simulator.control.change("host_port", "iqn.a", logins=1)
    assert shell("chhost -portset fast a").code == "CMMVC9199E"  # it shares no port, and somebody is logged in
    simulator.control.change("host_port", "iqn.a", logins=0)
    assert shell("chhost -portset fast a").status == 0
    shown = shell("lshost -delim ! a").keys
    assert (shown["type"], shown["portset_name"]) == ("tpgs", "fast")


def test_an_io_group_is_not_taken_from_a_host_that_needs_it(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkvdiskhostmap -host a vol0")

    assert shell("rmhostiogrp -iogrp 0 a").code == "CMMVC5871E"
    assert shell("rmhostiogrp -iogrp io_grp1:2 a").status == 0
    assert [row["name"] for row in shell("lshostiogrp -delim ! a").rows] == ["io_grp0", "io_grp3"]
    assert shell("addhostiogrp -iogrp 9 a").code == "CMMVC5729E"


def test_a_host_joins_the_default_portset_or_the_one_it_names(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")

    assert shell("lshost -delim ! a").keys["portset_name"] == "portset0"
    assert shell("mkhost -name b -iscsiname iqn.b -portset nowhere").code == "CMMVC5868E"
    assert shell("mkhost -name b -iscsiname iqn.b -portset portset1").code == "CMMVC9699E"
    assert shell("mkhost -name b -iscsiname iqn.b -portset portset0").status == 0
    assert shell("lsportset -delim !").rows[0]["host_count"] == "2"


def test_an_initiator_that_is_logged_in_leads_to_its_host(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")

    assert shell("lshostiplogin -delim ! iqn.a").code == "CMMVC5804E"
    modern.control.change("host_port", "iqn.a", logins=1)
    assert shell("lshostiplogin -delim ! iqn.a").keys["host_name"] == "a"
