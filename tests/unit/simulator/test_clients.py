"""What other clients of the command line use: the grammar as XML, JSON, Fibre Channel, copies, licences."""

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from flashsystem_operator.simulator import Simulator
from support.plain_ssh import Open, Shell, Start

Modern = Callable[..., Shell]
FIBRE = [
    {"node": "node1", "port_id": 1, "wwpn": "5005076810110001", "virtual_wwpn": "5005076810150001"},
    {"node": "node2", "port_id": 1, "wwpn": "5005076810110002", "virtual_wwpn": "5005076810150002"},
]
HOSTS = [
    {"name": "both", "ports": [{"name": "iqn.a", "logins": 2}, {"name": "iqn.b"}]},
    {"name": "fibre", "ports": [{"kind": "fc", "name": "2100000E1E30E597", "logins": 1}]},
]


@pytest.fixture
def at(start: Start, log_in: Open) -> Modern:
    """Open a session on a modern array of a release, with these sections of a state file."""

    def opened(release: str = "8.6.0.0", **sections: Any) -> Shell:
        return log_in(start({"release": release, **sections}))

    return opened


def commands(shell: Shell) -> dict[str, dict[str, ET.Element]]:
    """The parameters of each command in the XML, by name; the object is the one without a dash."""
    root = ET.fromstring(shell("catxmlspec").stdout)  # noqa: S314 - the simulator's own
    return {
        f"{executable.get('name')} {command.get('name')}": {each.get("name", ""): each for each in command[1:]}
        for executable in root.iter("Executable")
        for command in executable.iter("Command")
    }


def test_the_grammar_as_xml_has_the_commands_and_options_of_the_release(at: Modern) -> None:
    old, new = commands(at("7.8.1.0")), commands(at("8.6.0.0"))

    assert "svcinfo lsip" not in old
    assert "svcinfo lsip" in new
    assert "svctask lsip" not in new
    assert "-portset" not in old["svctask mkhost"]
    assert new["svctask mkhost"]["-portset"].tag == "ValueParam"
    assert new["svctask mkvdiskhostmap"]["-force"].tag == "FlagParam"
    assert new["svctask mkvdiskhostmap"]["-host"].get("required") == "true"


def test_the_grammar_as_xml_names_the_object_as_ibms_clients_do(at: Modern) -> None:
    here = commands(at())

    assert here["svcinfo lshost"]["object_id"].attrib == {"name": "object_id", "noName": "true"}
    assert here["svcinfo lsvdiskhostmap"]["vdisk_name"].get("required") == "true"
    assert "vdisk_id" in here["svctask rmvdiskhostmap"]


def test_a_legacy_array_prints_no_grammar(legacy: Simulator, log_in: Open) -> None:
    assert log_in(legacy)("catxmlspec").status == 127


def test_a_failed_command_leaves_its_exit_status_to_the_echo_after_it(at: Modern) -> None:
    shell = at()

    failed, worked = shell("svcinfo lsvdisk -delim , nope || echo TAG $?"), shell("svcinfo lsiogrp 0 || echo TAG $?")

    assert failed.stdout == "TAG 1\n"
    assert failed.code == "CMMVC5754E"
    assert failed.status == 0
    assert "TAG" not in worked.stdout


@pytest.mark.parametrize("line", ["", "  "])
def test_an_exec_line_without_a_command_is_answered_with_nothing(line: str, shell: Shell) -> None:
    reply = shell(line)

    assert (reply.stdout, reply.stderr, reply.status) == ("", "", 0)


def test_lscluster_lists_the_system_and_shows_it_in_detail(at: Modern) -> None:
    shell = at("8.4.1.0", system={"id_alias": "000002042FFFBEEF"})
    [row] = shell("lscluster -delim !").rows

    assert row["location"] == "local"
    assert row["id_alias"] == "000002042FFFBEEF"
    assert shell(f"lscluster -delim ! {row['id']}").keys == shell("lssystem -delim !").keys
    assert shell("lscluster 0000000000000001").code == "CMMVC5754E"
    assert at("8.7.0.0")("lscluster").status == 127


def test_the_alias_of_a_system_is_its_id_unless_it_was_set(at: Modern) -> None:
    keys = at()("lssystem -delim !").keys

    assert keys["id_alias"] == keys["id"]


def test_licences_and_capabilities_have_the_keys_that_clients_read(at: Modern) -> None:
    shell = at()

    assert shell("lslicense -delim !").keys["license_compression_enclosures"] == "0"
    assert shell("lsguicapabilities -delim !").keys["license_scheme"] == "flex"
    assert shell("lsguicapabilities -delim !").keys["product_key"]


def test_json_is_a_list_of_rows_or_one_object_of_texts(at: Modern) -> None:
    shell = at()

    rows = json.loads(shell("lsvdisk -bytes -json -filtervalue name=vol1").stdout)

    assert [(row["id"], row["name"], row["capacity"]) for row in rows] == [("1", "vol1", "4294967296")]
    assert json.loads(shell("lshost -json").stdout) == []
    assert json.loads(shell("lssystem -json").stdout)["name"] == "flashsystem7200"
    assert len(json.loads(shell("lsvdisk -json 0").stdout)) == len(["volume", "copy"])


def test_json_puts_blocks_that_repeat_into_a_list(at: Modern) -> None:
    shell = at(hosts=HOSTS)

    host = json.loads(shell("lshost -json both").stdout)
    node = json.loads(shell("lsnode -json node1").stdout)

    assert [(port["iscsi_name"], port["state"]) for port in host["nodes"]] == [
        ("iqn.a", "inactive"),
        ("iqn.b", "offline"),
    ]
    assert host["status"] == "online"
    assert node["iscsi_name"].startswith("iqn.")
    assert [port["port_status"] for port in node["ports"]] == ["active"]


def test_json_is_available_from_release_8_on_and_never_on_legacy_arrays(
    at: Modern, legacy: Simulator, log_in: Open
) -> None:
    assert at("7.8.1.0")("lsvdisk -json").code == "CMMVC5709E"
    assert log_in(legacy)("svcinfo lsvdisk -json").code == "CMMVC5709E"


def test_fibre_channel_ports_are_those_of_a_node(at: Modern) -> None:
    [row] = at("7.6.0.0", fibre_ports=FIBRE)("lsportfc -delim ! -filtervalue node_id=2").rows

    assert (row["node_name"], row["WWPN"], row["status"]) == ("node2", "5005076810110002", "active")


def test_hosts_may_log_in_to_the_virtual_name_of_a_fibre_channel_port(at: Modern) -> None:
    shell = at(fibre_ports=FIBRE, hosts=HOSTS)

    everything = shell("lstargetportfc -delim !").rows
    permitted = shell("lstargetportfc -delim ! -filtervalue current_node_id=1:host_io_permitted=yes").rows

    assert len(everything) == 2 * len(FIBRE)
    assert [row["WWPN"] for row in permitted] == ["5005076810150001"]
    assert permitted[0]["active_login_count"] == "1"


def test_hosts_log_in_to_a_fibre_channel_port_itself_if_it_has_no_virtual_name(at: Modern) -> None:
    ports = [{"node": "node1", "port_id": 1, "wwpn": "5005076810110001"}]
    [row] = at(fibre_ports=ports)("lstargetportfc -delim !").rows

    assert (row["WWPN"], row["host_io_permitted"], row["virtualized"]) == ("5005076810110001", "yes", "no")


def test_members_of_fibre_channel_portsets_are_port_numbers(at: Modern) -> None:
    [row] = at(fibre_ports=FIBRE)("lsfcportsetmember -delim !").rows

    assert (row["fc_io_port_id"], row["portset_id"], row["portset_name"]) == ("1", "64", "portset64")
    assert at("8.4.1.0", fibre_ports=FIBRE)("lsfcportsetmember").status == 127


def test_lsfabric_shows_the_initiators_that_are_logged_in(at: Modern) -> None:
    shell = at(fibre_ports=FIBRE, hosts=HOSTS)

    [row] = shell("lsfabric -delim ! -wwpn 2100000e1e30e597").rows

    assert (row["name"], row["local_wwpn"], row["state"]) == ("fibre", "5005076810150001", "active")
    assert shell("lsfabric -delim ! -host fibre").rows == [row]
    assert shell("lsfabric -host both").stdout == ""
    assert shell("lsfabric -host nope").code == "CMMVC5754E"
    assert shell("lsfabric -host both -wwpn 2100000E1E30E597").code == "CMMVC5713E"


def test_an_array_without_fibre_channel_lists_no_such_port(at: Modern) -> None:
    shell = at()

    for verb in ("lsportfc", "lstargetportfc", "lsfcportsetmember", "lsfabric"):
        assert (shell(verb).stdout, shell(verb).status) == ("", 0)


def test_a_fibre_channel_port_needs_an_existing_node(start: Start) -> None:
    with pytest.raises(ValueError, match=r"fibre_ports\.node: there is no node7"):
        start({"fibre_ports": [{**FIBRE[0], "node": "node7"}]})


@pytest.mark.parametrize(("release", "protocol"), [("8.4.1.0", "scsi"), ("8.6.0.0", "scsi"), ("8.7.0.0", "iscsi")])
def test_an_iscsi_host_is_created_without_a_protocol_on_every_release(release: str, protocol: str, at: Modern) -> None:
    shell = at(release)

    assert shell("svctask mkhost -force -iscsiname iqn.a -name a").status == 0
    assert shell("lshost -delim ! a").keys["protocol"] == protocol


@pytest.mark.parametrize(
    ("options", "copies"),
    [
        ("", ["no", "no", "no"]),
        ("-thin", ["yes", "no", "no"]),
        ("-compressed", ["no", "yes", "no"]),
        ("-thin -deduplicated", ["yes", "no", "yes"]),
    ],
)
def test_a_copy_shows_how_it_saves_space(options: str, copies: list[str], at: Modern) -> None:
    shell = at(pools=[{"name": "Pool0", "data_reduction": "yes"}])
    assert shell(f"mkvolume -name v -pool Pool0 -size 1 -unit gb {options}").status == 0

    keys = shell("lsvdisk -delim ! v").keys
    [row] = shell("lsvdiskcopy -delim ! v").rows

    for shown in (keys, row):
        assert [shown[name] for name in ("se_copy", "compressed_copy", "deduplicated_copy")] == copies


def test_copies_are_listed_for_one_volume_or_for_all_and_shown_by_number(at: Modern) -> None:
    shell = at()

    assert [row["vdisk_name"] for row in shell("lsvdiskcopy -delim !").rows] == [f"vol{number}" for number in range(5)]
    assert shell("lsvdiskcopy -delim ! -copy 0 vol1").keys["copy_id"] == "0"
    assert shell("lsvdiskcopy -copy 1 vol1").code == "CMMVC6353E"
    assert shell("lsvdiskcopy nope").code == "CMMVC5754E"


def test_a_client_that_registers_changes_nothing(modern: Simulator, log_in: Open) -> None:
    before = modern.control.state()
    shell = log_in(modern)

    reply = shell("svctask registerplugin -name block.csi -version 1.12 -uniquekey abc -metadata x")

    assert (reply.stdout, reply.status) == ("", 0)
    assert shell("svctask registerplugin -name block.csi").code == "CMMVC5707E"
    assert log_in(modern, "monitor")("svctask registerplugin -name a -version 1 -uniquekey b").status == 1
    assert modern.control.state() == before
