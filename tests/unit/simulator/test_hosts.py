"""What the array accepts and refuses when hosts are created, changed and removed."""

import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start

IQN = "iqn.1994-05.com.redhat:worker-7"


def test_a_created_host_exists_and_a_removed_one_leaves_no_trace(shell: Shell, control: Control) -> None:
    before = control.state()

    created = shell(f"svctask mkhost -name worker-7 -iscsiname {IQN}")
    shown = shell("svcinfo lshost -delim ! worker-7").keys
    removed = shell("svctask rmhost worker-7")

    assert created.stdout == "Host, id [0], successfully created\n"
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


@pytest.mark.parametrize("name", ["worker-7", "iqn", "iqn.a,iqn.a", "'iqn.a b'", "nqn.2014-08.org:x"])
def test_an_invalid_initiator_name_is_refused_like_one_in_use(name: str, shell: Shell) -> None:
    assert shell(f"svctask mkhost -name a -iscsiname {name}").code == "CMMVC6578E"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("7up", "CMMVC6527E"),
        ("-a", "CMMVC5708E"),  # it is read as an option
        ("'a '", "CMMVC6527E"),
        ("'a/b'", "CMMVC6527E"),
        ("a" * 64, "CMMVC5738E"),
        ("häst", "CMMVC6017E"),
        ("''", "CMMVC6527E"),
    ],
)
def test_an_invalid_host_name_is_refused(name: str, code: str, shell: Shell) -> None:
    assert shell(f"svctask mkhost -iscsiname {IQN} -name {name}").code == code


def test_the_longest_name_and_inner_blanks_are_accepted(shell: Shell) -> None:
    assert shell(f"svctask mkhost -iscsiname {IQN} -name {'a' * 63}").status == 0
    assert shell("svctask mkhost -iscsiname iqn.b -name 'my host'").status == 0
    assert shell('svcinfo lshost -delim ! "my host"').keys["name"] == "my host"


def test_ids_are_reused_lowest_first(shell: Shell) -> None:
    for number in range(3):
        shell(f"svctask mkhost -name h{number} -iscsiname iqn.{number}")
    shell("svctask rmhost h1")

    assert shell("svctask mkhost -name again -iscsiname iqn.again").stdout == "Host, id [1], successfully created\n"
    assert shell("svcinfo lshost -delim ! 1").keys["name"] == "again"


def test_a_host_without_a_name_gets_one(shell: Shell) -> None:
    shell(f"svctask mkhost -iscsiname {IQN}")

    assert shell("svcinfo lshost -delim ! 0").keys["name"] == "host0"


def test_ports_are_added_and_removed_and_only_from_the_host_that_owns_them(shell: Shell) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkhost -name b -iscsiname iqn.b")

    assert shell("svctask addhostport -iscsiname iqn.c,iqn.d a").status == 0
    assert shell("svctask addhostport -iscsiname IQN.B a").code == "CMMVC6578E"
    assert shell("svctask rmhostport -iscsiname iqn.b a").code == "CMMVC6578E"
    assert shell("svctask rmhostport -iscsiname IQN.C a").status == 0
    assert shell("svctask addhostport -iscsiname iqn.x missing").code == "CMMVC5753E"
    assert shell("svcinfo lshost -delim ! a").stdout.count("iscsi_name!") == 2


def test_a_host_may_have_ports_of_several_protocols(shell: Shell) -> None:
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
        ("-iscsiname", "CMMVC5708E"),
        ("-iscsiname iqn.a -name=-a", "CMMVC6527E"),
        ("-iscsiname iqn.a -name=", "CMMVC6527E"),
        ("-iscsiname iqn.a -force=yes", "CMMVC5709E"),
        ("-iscsiname iqn.a -hbawwpn 2100000E1E30E597", "CMMVC5713E"),
        ("-iscsiname iqn.a -colour red", "CMMVC5709E"),
        ("-iscsiname iqn.a -type zebra", "CMMVC5706E"),
        ("-iscsiname iqn.a -iogrp 0:9", "CMMVC5729E"),
        (f"-iscsiname {'iqn.' + 'a' * 2176}", "CMMVC5703E"),
    ],
)
def test_a_malformed_command_changes_nothing(options: str, code: str, shell: Shell, control: Control) -> None:
    before = control.state()

    assert shell(f"svctask mkhost {options}").code == code
    assert control.state() == before


@pytest.mark.parametrize(
    ("release", "twice", "two_objects"),
    [("7.8.1.0", "CMMVC6070E", "CMMVC6070E"), ("8.6.0.0", "CMMVC5737E", "CMMVC5744E")],
)
def test_old_releases_have_one_code_for_the_wrong_number_of_arguments(
    release: str, twice: str, two_objects: str, start: Start, log_in: Open
) -> None:
    shell = log_in(start({"release": release}))

    assert shell("mkhost -iscsiname iqn.a -iscsiname iqn.b").code == twice
    assert shell("mkhost -iscsiname iqn.a extra").code == two_objects
    assert shell("lshost a b").code == two_objects


def test_a_value_may_follow_an_equals_sign_and_the_object_may_follow_two_dashes(shell: Shell) -> None:
    assert shell("svctask mkhost -iscsiname=iqn.a -name=a").status == 0
    assert shell("svcinfo lshost -delim=! -- a").keys["iscsi_name"] == "iqn.a"
    assert shell("svcinfo lshost -- -a").code == "CMMVC5754E"


def test_messages_can_be_suppressed_also_for_commands_without_a_message(shell: Shell) -> None:
    assert shell("svctask mkhost -nomsg -iscsiname iqn.a -name a").stdout == "0\n"
    assert shell("svctask mkvdiskhostmap -quiet -host a -scsi 3 vol0").stdout == "3\n"
    assert shell("svctask chhost -nomsg -name b a").stdout == ""
    assert shell("svcinfo lshost -nohdr -delim ! -quiet").stdout.startswith("0!b!")


@pytest.mark.parametrize("option", ["-h", "'-?'"])
def test_help_is_printed_and_nothing_is_changed(option: str, shell: Shell, control: Control) -> None:
    before = control.state()

    reply = shell(f"svctask rmhost {option}")

    assert (reply.stdout.split()[0], reply.stderr, reply.status) == ("rmhost", "", 0)
    assert "-force" in reply.stdout
    assert control.state() == before


@pytest.mark.parametrize(
    ("limits", "line", "code"),
    [
        ({"hosts": 1}, "mkhost -name b -iscsiname iqn.b", "CMMVC8991E"),
        ({"hosts_per_io_group": 1}, "mkhost -name b -iscsiname iqn.b", "CMMVC8994E"),
        ({"iqns": 2}, "mkhost -name b -iscsiname iqn.b,iqn.c", "CMMVC6988E"),
        ({"iqns_per_io_group": 2}, "mkhost -name b -iscsiname iqn.b,iqn.c", "CMMVC9326E"),
        ({"ports_per_host": 2}, "addhostport -iscsiname iqn.b,iqn.c a", "CMMVC6999E"),
        ({"iqns": 2}, "addhostport -iscsiname iqn.b,iqn.c a", "CMMVC6988E"),
        ({"ports_per_host": 1}, "mkhost -name b -hbawwpn 2100000E1E30E597:2100000E1E30E598", "CMMVC8996E"),
    ],
)
def test_each_limit_has_its_own_code(
    limits: dict[str, int], line: str, code: str, shell: Shell, control: Control
) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    control.change("limits", **limits)
    full = shell(f"svctask {line}").code
    control.change("limits", **dict.fromkeys(limits, 0))

    assert full == code
    assert shell(f"svctask {line}").status == 0


def test_a_host_counts_in_each_of_its_io_groups(start: Start, log_in: Open) -> None:
    shell = log_in(start({"limits": {"iqns_per_io_group": 1}}))

    assert shell("mkhost -name fc -fcwwpn 2100000E1E30E597").status == 0  # has no iSCSI name
    assert shell("mkhost -name a -iscsiname iqn.a -iogrp 0").status == 0
    assert shell("mkhost -name b -iscsiname iqn.b -iogrp 0:1").code == "CMMVC9326E"
    assert shell("mkhost -name b -iscsiname iqn.b -iogrp 1").status == 0
    assert [row["id"] for row in shell("lshostiogrp -delim ! b").rows] == ["1"]
    assert shell("addhostiogrp -iogrpall b").code == "CMMVC9326E"
    assert shell("rmhostiogrp -iogrp 0 a").status == 0
    assert shell("addhostiogrp -iogrpall b").status == 0
    assert shell("lshost -delim ! b").keys["iogrp_count"] == "4"


def test_renaming_keeps_everything_but_the_name(shell: Shell) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkhost -name b -iscsiname iqn.b")

    assert shell("svctask chhost -name b a").code == "CMMVC6035E"
    assert shell("svctask chhost -name c a").status == 0
    assert shell("svctask chhost c").code == "CMMVC5733E"
    assert shell("svcinfo lshost -delim ! 0").keys["name"] == "c"
    assert shell("svcinfo lshost -delim ! a").code == "CMMVC5754E"


def test_a_host_is_online_with_one_session_regardless_of_the_number_of_nodes(shell: Shell, control: Control) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkvdiskhostmap -host a vol0")

    seen = []
    for logins in (0, 1, 5):
        control.change("host_port", "IQN.A", logins=logins)
        keys = shell("svcinfo lshost -delim ! a").keys
        seen.append((keys["status"], keys["node_logged_in_count"], keys["state"]))

    assert seen == [("offline", "0", "offline"), ("online", "1", "active"), ("online", "5", "active")]


def test_the_status_of_a_host_follows_the_io_groups_of_its_mappings(start: Start, log_in: Open) -> None:
    volumes = [{"name": f"v{group}", "pool": "Pool0", "io_group": group} for group in (0, 1)]
    simulator = start({"volumes": volumes, "hosts": [{"name": "a", "ports": [{"name": "iqn.a"}, {"name": "iqn.b"}]}]})
    shell, control = log_in(simulator), simulator.control

    def seen(*groups: int) -> tuple[str, str]:
        control.change("host_port", "iqn.a", logins=1, login_groups=groups)
        shown = shell("lshost -delim ! a").stdout.splitlines()
        return shown[6].removeprefix("status!"), shown[shown.index("iscsi_name!iqn.a") + 2].removeprefix("state!")

    unmapped = seen(0)
    shell("mkvdiskhostmap -host a v0")
    shell("mkvdiskhostmap -host a v1")

    assert unmapped == ("online", "inactive")
    assert seen(0) == ("degraded", "degraded")
    assert seen(2) == ("degraded", "offline")
    assert seen(0, 1) == ("online", "active")
    assert seen() == ("offline", "offline")


@pytest.mark.parametrize("status", ["degraded", "offline"])
def test_the_status_of_a_host_without_mappings_is_configurable(status: str, shell: Shell, control: Control) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")
    control.change("host_port", "iqn.a", logins=2)
    control.change("rules", unmapped_iscsi_host=status)

    assert shell("svcinfo lshost -delim ! a").keys["status"] == status


def test_the_logins_of_a_fibre_channel_port_are_counted_per_node(shell: Shell, control: Control) -> None:
    shell("svctask mkhost -name a -hbawwpn 2100000E1E30E597")
    shell("svctask mkvdiskhostmap -host a vol0")

    seen = []
    for logins in (0, 1, 2):
        control.change("host_port", "2100000E1E30E597", logins=logins)
        keys = shell("svcinfo lshost -delim ! a").keys
        seen.append((keys["status"], keys["state"]))

    assert seen == [("offline", "offline"), ("degraded", "degraded"), ("online", "active")]


def test_a_secret_is_set_shown_and_cleared(shell: Shell) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")

    shell("svctask chhost -chapsecret s3cret a")
    assert shell("svcinfo lsiscsiauth -delim !").rows[0]["iscsi_chap_secret"] == "s3cret"
    shell("svctask chhost -nochapsecret a")
    assert shell("svcinfo lsiscsiauth -delim !").rows[0]["iscsi_auth_method"] == "none"


def test_the_length_of_a_secret_is_limited_by_the_rules(shell: Shell, control: Control) -> None:
    shell("svctask mkhost -name a -iscsiname iqn.a")

    assert shell(f"svctask chhost -chapsecret {'s' * 80} a").code == "CMMVC5703E"
    assert shell("svctask chhost -chapsecret '' a").code == "CMMVC5703E"
    assert shell("svctask chhost -chapsecret s3cret -nochapsecret a").code == "CMMVC5713E"
    control.change("rules", longest_chap_secret=5, chap_secret_code="CMMVC5738E")
    assert shell("svctask chhost -chapsecret s3cret a").code == "CMMVC5738E"
    assert shell("svcinfo lsiscsiauth -delim !").rows[0]["iscsi_auth_method"] == "none"


def test_a_host_changes_its_portset_and_type(modern: Simulator, log_in: Open) -> None:
    modern.control.replace({**modern.control.state(), "portsets": [{"name": "portset0"}, {"name": "fast"}]})
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a -portset portset0")

    assert shell("chhost -type zebra a").code == "CMMVC5706E"
    assert shell("chhost -type tpgs a").status == 0
    assert shell("chhost -portset fast a").status == 0
    shown = shell("lshost -delim ! a").keys
    assert (shown["type"], shown["portset_name"]) == ("tpgs", "fast")


def test_an_io_group_is_not_removed_from_a_host_that_needs_it(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkvdiskhostmap -host a vol0")

    assert shell("rmhostiogrp -iogrp 0 a").code == "CMMVC8999E"
    assert shell("rmhostiogrp -iogrp io_grp1:2 a").status == 0
    assert [row["name"] for row in shell("lshostiogrp -delim ! a").rows] == ["io_grp0", "io_grp3"]
    assert shell("addhostiogrp -iogrp 9 a").code == "CMMVC5729E"
    assert shell("rmhostiogrp -force -iogrp 0 a").status == 0
    assert shell("lshostvdiskmap a").stdout == ""


def test_a_host_gains_io_groups_that_it_lacks_and_loses_those_that_it_has(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a -iogrp 0:1")

    assert shell("addhostiogrp -iogrp 1:2 a").code == "CMMVC8998E"
    assert shell("rmhostiogrp -iogrp 1:2 a").code == "CMMVC8997E"
    assert shell("addhostiogrp -iogrpall a").status == 0
    assert shell("rmhostiogrp -iogrpall a").status == 0
    assert shell("lshostiogrp a").stdout == ""


def test_force_does_not_remove_only_some_of_the_io_groups_that_a_volume_is_accessed_through(
    start: Start, log_in: Open
) -> None:
    volume = {"name": "wide", "pool": "Pool0", "access_io_groups": [0, 1]}
    shell = log_in(start({"volumes": [volume], "hosts": [{"name": "a", "ports": [{"name": "iqn.a"}]}]}))
    shell("mkvdiskhostmap -host a wide")

    assert shell("rmhostiogrp -iogrp 1 a").code == "CMMVC8262E"
    assert shell("rmhostiogrp -force -iogrp 1:2 a").code == "CMMVC8262E"
    assert shell("rmhostiogrp -force -iogrp 0:1 a").status == 0


def test_a_host_joins_the_default_portset_or_the_one_it_names(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")

    assert shell("lshost -delim ! a").keys["portset_name"] == "portset0"
    assert shell("mkhost -name b -iscsiname iqn.b -portset nowhere").code == "CMMVC5868E"
    assert shell("mkhost -name b -iscsiname iqn.b -portset portset1").code == "CMMVC9699E"
    assert shell("mkhost -name b -iscsiname iqn.b -portset portset0").status == 0
    assert shell("lsportset -delim !").rows[0]["host_count"] == "2"


def test_the_logins_of_an_initiator_are_shown_with_its_host(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")

    assert shell("lshostiplogin -delim ! iqn.a").code == "CMMVC5804E"
    modern.control.change("host_port", "iqn.a", logins=3)
    reply = shell("lshostiplogin -delim ! IQN.A")
    assert [reply.keys[key] for key in ("name", "host_id", "host_name", "login_count")] == ["iqn.a", "0", "a", "3"]
    assert [line for line in reply.stdout.splitlines() if line.startswith(("login!", "node_name!", "port_id!"))] == [
        *("login!0", "node_name!node1", "port_id!5"),
        *("login!1", "node_name!node2", "port_id!5"),
        *("login!2", "node_name!node1", "port_id!5"),
    ]
    assert shell("lshostiplogin").code == "CMMVC5701E"


def test_from_8_7_on_all_logins_are_listed(start: Start, log_in: Open) -> None:
    hosts = [{"name": name, "ports": [{"name": f"iqn.{name}", "logins": len(name)}]} for name in ("a", "bb")]
    shell = log_in(start({"release": "8.7.0.0", "hosts": hosts}))

    assert [(row["name"], row["login_count"]) for row in shell("lshostiplogin -delim !").rows] == [
        ("iqn.a", "1"),
        ("iqn.bb", "2"),
    ]
    assert [row["id"] for row in shell("lshostiplogin -delim ! -filtervalue host_name=bb").rows] == ["1"]


@pytest.mark.parametrize(
    ("release", "options", "code"),
    [
        ("8.6.0.0", "-iscsiname iqn.a -protocol nvme", "CMMVC9323E"),
        ("8.6.0.0", "-nqn nqn.a -protocol scsi", "CMMVC9323E"),
        ("8.6.0.0", "-nqn nqn.a -protocol nvme", ""),
        ("8.7.0.0", "-iscsiname iqn.a -protocol fcscsi", "CMMVC9323E"),
        ("8.7.0.0", "-fcwwpn 2100000E1E30E597 -protocol iscsi", "CMMVC9323E"),
        ("8.7.0.0", "-fcwwpn 2100000E1E30E597 -protocol fcscsi", ""),
        ("8.7.0.0", "-saswwpn 2100000E1E30E597 -protocol sas", ""),
        ("8.7.0.0", "-nqn nqn.a", "CMMVC9323E"),
        ("8.7.0.0", "-nqn nqn.a -protocol tcpnvme", ""),
        ("8.7.0.0", "-nqn nqn.a -protocol tcpnvme -type hpux", "CMMVC9324E"),
        ("8.7.0.0", "-iscsiname iqn.a -protocol scsi", ""),
        ("8.7.0.0", "-iscsiname iqn.a -protocol tcp", "CMMVC5706E"),
    ],
)
def test_a_protocol_fits_the_kind_of_port(release: str, options: str, code: str, start: Start, log_in: Open) -> None:
    assert log_in(start({"release": release}))(f"mkhost -name a {options}").code == code


def test_a_protocol_changes_only_without_ports_and_mappings_and_never_from_8_7_on(start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": "8.6.0.0"}))
    shell("mkhost -name a -iscsiname iqn.a")
    shell("mkvdiskhostmap -host a vol0")

    assert shell("chhost -protocol nvme a").code == "CMMVC9332E"
    shell("rmvdiskhostmap -host a vol0")
    assert shell("chhost -protocol nvme a").code == "CMMVC9331E"
    shell("rmhostport -iscsiname iqn.a a")
    assert shell("chhost -protocol nvme a").status == 0
    assert shell("addhostport -iscsiname iqn.a a").code == "CMMVC9337E"
    assert shell("addhostport -nqn nqn.a a").status == 0
    assert shell("chhost -type hpux a").code == "CMMVC9330E"
    newer = log_in(start({"release": "8.7.0.0", "hosts": [{"name": "a"}]}))
    assert newer("chhost -protocol nvme a").code == "CMMVC5709E"


def test_a_member_of_a_host_cluster_keeps_its_protocol(start: Start, log_in: Open) -> None:
    hosts = [{"name": "a", "host_cluster": "hc"}]

    assert (
        log_in(start({"hosts": hosts, "host_clusters": [{"name": "hc"}]}))("chhost -protocol nvme a").code
        == "CMMVC9345E"
    )


def test_from_8_7_on_a_host_has_ports_of_one_kind(start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": "8.7.0.0"}))
    shell("mkhost -name a -iscsiname iqn.a")

    assert shell("addhostport -fcwwpn 2100000E1E30E597 a").code == "CMMVC9546E"
    assert shell("addhostport -nqn nqn.a a").code == "CMMVC9337E"
    assert shell("addhostport -iscsiname iqn.b a").status == 0


def test_an_iscsi_name_that_differs_in_case_is_called_a_duplicate_from_8_7_on(start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": "8.7.0.0"}))
    shell("mkhost -name a -iscsiname iqn.a")

    assert shell("mkhost -name b -iscsiname IQN.A").code == "CMMVC9754E"
    assert shell("mkhost -name b -iscsiname iqn.a").code == "CMMVC6578E"


def test_a_host_without_io_groups_accepts_no_iscsi_name(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    shell("mkhost -name a -iscsiname iqn.a")
    shell("rmhostiogrp -iogrpall a")

    assert shell("addhostport -iscsiname iqn.b a").code == "CMMVC6582E"
    shell("addhostiogrp -iogrp 0 a")
    assert shell("addhostport -iscsiname iqn.b a").status == 0


def test_a_portset_has_the_port_type_of_the_hosts_ports(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)

    assert shell("mkhost -name a -iscsiname iqn.a -portset portset64").code == "CMMVC9781E"
    assert shell("mkhost -name f -fcwwpn 2100000E1E30E597 -portset portset0").code == "CMMVC9781E"
    assert shell("mkhost -name f -fcwwpn 2100000E1E30E597 -portset portset64").status == 0
    assert shell("mkhost -name a -iscsiname iqn.a").status == 0
    assert shell("chhost -portset portset64 a").code == "CMMVC9781E"
    assert shell("chhost -portset portset1 a").code == "CMMVC9699E"


@pytest.mark.parametrize(
    ("release", "port", "code"),
    [
        ("8.6.0.0", "-fcwwpn 2100000E1E30E597", "CMMVC5867E"),
        ("8.7.0.0", "-fcwwpn 2100000E1E30E597", "CMMVC5873E"),
        ("8.7.0.0", "-nqn nqn.b", "CMMVC9340E"),
        ("8.7.0.0", "-iscsiname iqn.b", "CMMVC6578E"),
    ],
)
def test_a_port_that_a_host_does_not_have_is_not_removed(
    release: str, port: str, code: str, start: Start, log_in: Open
) -> None:
    shell = log_in(start({"release": release, "hosts": [{"name": "a", "ports": [{"name": "iqn.a"}]}]}))

    assert shell(f"rmhostport {port} a").code == code
