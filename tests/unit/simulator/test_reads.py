"""Lists and details: options of the read verbs, filters, and what each release shows."""

import pytest

from flashsystem_operator.simulator import Control, Simulator
from support.plain_ssh import Open, Shell, Start


def test_without_a_separator_columns_are_padded_by_blanks(shell: Shell) -> None:
    header, first, *_ = shell("svcinfo lsvdisk").stdout.splitlines()

    assert header.split()[:2] == ["id", "name"]
    assert first.index("vol0") == header.index("name")


def test_header_and_keys_can_be_left_out(shell: Shell) -> None:
    assert shell("svcinfo lsvdisk -delim ! -nohdr").stdout.startswith("0!vol0!")
    assert shell("svcinfo lsvdisk -delim ! -nohdr 0").stdout.startswith("0\nvol0\n")


def test_sizes_are_rounded_unless_bytes_are_requested(shell: Shell) -> None:
    assert shell("svcinfo lsvdisk -delim ! vol0").keys["capacity"] == "1.00GB"
    assert shell("svcinfo lsvdisk -bytes -delim ! vol0").keys["capacity"] == "1073741824"
    assert shell("svcinfo lshost -bytes").code == "CMMVC5709E"


def test_an_empty_list_prints_nothing_or_its_header_as_configured(shell: Shell, control: Control) -> None:
    nothing = shell("svcinfo lshost -delim !")
    control.change("rules", empty_list_header=True)

    assert (nothing.stdout, nothing.stderr, nothing.status) == ("", "", 0)
    assert shell("svcinfo lshost -delim !").stdout.startswith("id!name!")


@pytest.mark.parametrize("option", ["-delim !!", "-delim ''"])
def test_a_separator_is_one_character(option: str, shell: Shell) -> None:
    assert shell(f"svcinfo lsvdisk {option}").code == "CMMVC6004E"


@pytest.mark.parametrize(
    ("filtervalue", "names"),
    [
        ("name=vol1", ["vol1"]),
        ("name=vol*", ["vol0", "vol1", "vol2", "vol3", "vol4"]),
        ("id=3:status=online", ["vol3"]),
        ("id=3:status=offline", []),
        ("name=*3", ["vol3"]),
        ("id<2", ["vol0", "vol1"]),
        ("id>3", ["vol4"]),
        ("id>=2:id<=3", ["vol2", "vol3"]),
        ("name=nothing", []),
    ],
)
def test_a_filter_returns_the_rows_that_match_all_its_conditions(
    filtervalue: str, names: list[str], shell: Shell
) -> None:
    reply = shell(f"svcinfo lsvdisk -delim ! -nohdr -filtervalue '{filtervalue}'")

    assert reply.status == 0
    assert [line.split("!")[1] for line in reply.stdout.splitlines()] == names


@pytest.mark.parametrize(
    "filtervalue", ["colour=red", "name", "name=v*l*", "name=v*l", "name=*o*", "id>many", "colour>1"]
)
def test_an_invalid_filter_is_refused(filtervalue: str, shell: Shell) -> None:
    assert shell(f"svcinfo lsvdisk -filtervalue '{filtervalue}'").code == "CMMVC5741E"


def test_the_filterable_attributes_can_be_listed(shell: Shell) -> None:
    assert "vdisk_UID" in shell("svcinfo lsvdisk -filtervalue?").stdout.splitlines()


def test_mapping_lists_take_no_filter(modern: Simulator, log_in: Open) -> None:
    assert log_in(modern)("lshostvdiskmap -filtervalue name=a").code == "CMMVC5709E"


def test_legacy_filters_no_hosts_and_lists_no_mappings_without_an_object_unless_allowed(
    legacy: Simulator, log_in: Open
) -> None:
    shell = log_in(legacy)
    shell("svctask mkhost -name a -iscsiname iqn.a")
    shell("svctask mkvdiskhostmap -host a vol0")

    refused = shell("svcinfo lshost -filtervalue name=a").code, shell("svcinfo lshostvdiskmap -delim !").code
    legacy.control.change("rules", host_filters=True, map_list_without_object=True)

    assert refused == ("CMMVC5709E", "CMMVC5701E")
    assert shell("svcinfo lshost -delim ! -filtervalue name=a").rows[0]["name"] == "a"
    assert shell("svcinfo lshostvdiskmap -delim !").rows[0]["vdisk_name"] == "vol0"


COLUMNS = {
    "6.3.0.0": "id name port_count iogrp_count status",
    "7.2.0.0": "id name port_count iogrp_count status site_id site_name",
    "7.8.1.0": "id name port_count iogrp_count status site_id site_name host_cluster_id host_cluster_name",
    "8.2.0.0": "id name port_count iogrp_count status site_id site_name host_cluster_id host_cluster_name protocol "
    "owner_id owner_name",
    "8.6.0.0": "id name port_count iogrp_count status site_id site_name host_cluster_id host_cluster_name protocol "
    "owner_id owner_name portset_id portset_name",
    "9.1.0.0": "id name port_count iogrp_count status site_id site_name host_cluster_id host_cluster_name protocol "
    "owner_id owner_name portset_id portset_name partition_id partition_name draft_partition_id draft_partition_name "
    "ungrouped_volume_mapping location_system_name",
}


@pytest.mark.parametrize("release", COLUMNS)
def test_the_list_of_hosts_grows_with_the_releases(release: str, start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": release, "hosts": [{"name": "a"}]}))

    assert shell("lshost -delim !").stdout.splitlines()[0].split("!") == COLUMNS[release].split()


@pytest.mark.parametrize(
    ("release", "verb", "there"),
    [
        ("8.4.1.0", "lsip", False),
        ("8.4.2.0", "lsip", True),
        ("8.4.1.0", "lsportset", False),
        ("8.4.2.0", "lsportset", True),
        ("7.6.0.0", "lshostcluster", False),
        ("7.8.0.0", "lshostcluster", True),
        ("8.4.1.0", "lshostiplogin iqn.a", False),
    ],
)
def test_a_verb_is_available_from_its_release_on(
    release: str, verb: str, there: bool, start: Start, log_in: Open
) -> None:
    assert (log_in(start({"release": release}))(verb).status == 0) is there


@pytest.mark.parametrize(
    ("release", "options", "code"),
    [
        ("8.2.0.0", "-iscsiname iqn.a -protocol scsi", "CMMVC5709E"),
        ("8.3.0.0", "-iscsiname iqn.a -protocol scsi", ""),
        ("8.3.0.0", "-iscsiname iqn.a -protocol iscsi", "CMMVC5706E"),
        ("8.4.1.0", "-iscsiname iqn.a -portset portset0", "CMMVC5709E"),
        ("9.1.0.0", "-iscsiname iqn.a -protocol iscsi", ""),
        ("9.1.0.0", "-iscsiname iqn.a", ""),
        ("9.1.0.0", "-hbawwpn 2100000E1E30E597", ""),
    ],
)
def test_an_option_of_mkhost_is_available_from_its_release_on(
    release: str, options: str, code: str, start: Start, log_in: Open
) -> None:
    assert log_in(start({"release": release}))(f"mkhost -name a {options}").code == code


@pytest.mark.parametrize(
    ("release", "line", "code"),
    [
        ("8.6.0.0", "chhost -chapsecret s a", ""),
        ("8.6.0.0", "chhost -hostsecret s a", "CMMVC5709E"),
        ("9.1.0.0", "chhost -hostsecret s a", ""),
        ("9.1.0.0", "chhost -chapsecret s a", "CMMVC5709E"),
        ("8.6.0.0", "rmhostport -force -iscsiname iqn.a a", ""),
        ("8.7.0.0", "rmhostport -force -iscsiname iqn.a a", "CMMVC5709E"),
    ],
)
def test_options_changed_with_the_releases(release: str, line: str, code: str, start: Start, log_in: Open) -> None:
    config = {"release": release, "hosts": [{"name": "a", "ports": [{"name": "iqn.a"}]}]}

    assert log_in(start(config))(line).code == code


def test_lsportip_works_on_releases_with_portsets_and_what_it_lists_is_configurable(
    modern: Simulator, log_in: Open
) -> None:
    shell = log_in(modern)
    stub = shell("lsportip -delim !")
    modern.control.change("rules", lsportip_after_portsets="rows")

    assert (stub.stdout, stub.status) == ("", 0)
    assert [row["IP_address"] for row in shell("lsportip -delim ! -filtervalue failover=no").rows] == [
        "10.0.1.11",
        "10.0.1.12",
    ]


@pytest.mark.parametrize("verbs", ["lsnode", "lsnodecanister", "both"])
def test_either_verb_for_nodes_may_be_missing(verbs: str, modern: Simulator, log_in: Open) -> None:
    modern.control.change("rules", node_verbs=verbs)
    shell = log_in(modern)

    assert (shell("lsnode").status == 0) is (verbs != "lsnodecanister")
    assert (shell("lsnodecanister").status == 0) is (verbs != "lsnode")


def test_a_partner_takes_over_the_addresses_of_a_lost_node(start: Start, log_in: Open) -> None:
    simulator = start({"release": "8.2.0.0"})
    shell = log_in(simulator)
    simulator.control.change("node", "node2", status="offline")

    rows = shell("lsportip -delim !").rows
    taken = [row for row in rows if row["failover"] == "yes"]

    assert [row["IP_address"] for row in rows if row["failover"] == "no"] == ["10.0.1.11"]
    assert [(row["node_name"], row["IP_address"], row["link_state"]) for row in taken] == [
        ("node1", "10.0.1.12", "active")
    ]


def test_the_details_of_a_port_number_have_a_record_for_every_such_port(start: Start, log_in: Open) -> None:
    records = log_in(start({"release": "8.2.0.0"}))("lsportip -delim ! 5").stdout.split("\n\n")

    assert [record.splitlines()[1] for record in records] == ["node_id!1", "node_id!1", "node_id!2", "node_id!2"]


@pytest.mark.parametrize(
    "line", ["lsnode 1", "lsmdiskgrp 0", "lsiogrp 0", "lsip 0", "lsportset portset0", "lscurrentuser", "lssystem"]
)
def test_details_need_no_separator(line: str, modern: Simulator, log_in: Open) -> None:
    assert log_in(modern)(line).stdout.split(" ")[0] in {"id", "name"}


@pytest.mark.parametrize(
    "line", ["lsnode x", "lsmdiskgrp x", "lsiogrp x", "lsip 9", "lsportset x", "lsvdisk x", "lshost x", "lshostiogrp x"]
)
def test_details_of_missing_objects_are_refused(line: str, modern: Simulator, log_in: Open) -> None:
    assert log_in(modern)(line).code == "CMMVC5754E"


def test_message_texts_are_configurable_and_codes_stay_the_same(modern: Simulator, log_in: Open) -> None:
    shell = log_in(modern)
    modern.control.change("rules", banner="*** restricted shell ***", texts={"CMMVC5754E": "Das Objekt gibt es nicht."})

    assert shell("lshost x").stderr == "*** restricted shell ***\nCMMVC5754E Das Objekt gibt es nicht.\n"


DETAILS = {
    "8.6.0.0": "id name port_count type mask iogrp_count status site_id site_name host_cluster_id host_cluster_name "
    "protocol status_policy status_site iscsi_name node_logged_in_count state owner_id owner_name portset_id "
    "portset_name",
    "8.7.0.0": "id name port_count type iogrp_count status site_id site_name host_cluster_id host_cluster_name "
    "protocol status_policy status_site iscsi_name node_logged_in_count state owner_id owner_name portset_id "
    "portset_name partition_id partition_name draft_partition_id draft_partition_name ungrouped_volume_mapping "
    "location_system_name",
    "9.1.0.0": "id name port_count type iogrp_count status site_id site_name host_cluster_id host_cluster_name "
    "protocol status_policy status_site io_activity_status discovery_status iscsi_name node_logged_in_count state "
    "owner_id owner_name portset_id portset_name partition_id partition_name location1_status location2_status "
    "draft_partition_id draft_partition_name ungrouped_volume_mapping auto_storage_discovery location_system_name "
    "auth_method host_username storage_username host_secret storage_secret offline_alert_suppressed",
}


@pytest.mark.parametrize("release", DETAILS)
def test_the_details_of_a_host_grow_with_the_releases(release: str, start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": release, "hosts": [{"name": "a", "ports": [{"name": "iqn.a"}]}]}))

    assert [line.split("!")[0] for line in shell("lshost -delim ! a").stdout.splitlines()] == DETAILS[release].split()


def test_a_9_1_array_shows_that_a_host_has_a_secret_but_not_the_secret(start: Start, log_in: Open) -> None:
    shell = log_in(start({"release": "9.1.0.0", "hosts": [{"name": "a", "ports": [{"name": "iqn.a"}]}]}))
    shell("chhost -hostsecret s3cret -hostusername me a")

    keys = shell("lshost -delim ! a").keys
    assert (keys["auth_method"], keys["host_username"], keys["host_secret"]) == ("chap", "me", "yes")
    assert "s3cret" not in str(keys)


def test_three_more_columns_follow_the_secrets_from_8_7_on(start: Start, log_in: Open) -> None:
    hosts = [{"name": "a", "chap_secret": "s3cret", "chap_username": "me"}, {"name": "out", "io_groups": []}]
    simulator = start({"release": "8.7.0.0", "hosts": hosts})
    shell = log_in(simulator)

    [row] = shell("lsiscsiauth -delim !").rows
    assert list(row)[4:] == [
        "iscsi_chap_secret",
        "cluster_iscsi_auth_method",
        "cluster_iscsi_chap_secret",
        "iscsiusername",
    ]
    assert (row["name"], row["iscsi_chap_secret"], row["iscsiusername"]) == ("a", "s3cret", "me")
    simulator.control.change("rules", chap_secrets_hidden=True)
    assert shell("lsiscsiauth -delim !").rows[0]["iscsi_chap_secret"] == "yes"


def test_ports_of_all_hosts_are_listed_at_once_from_8_7_on(start: Start, log_in: Open, modern: Simulator) -> None:
    hosts = [
        {"name": "a", "ports": [{"name": "iqn.a", "logins": 3}, {"name": "iqn.b"}]},
        {"name": "f", "ports": [{"kind": "fc", "name": "2100000E1E30E597"}]},
    ]
    rows = log_in(start({"release": "8.7.0.0", "hosts": hosts}))("lshostports -delim !").rows

    assert [(row["host_name"], row["iscsi_name"], row["WWPN"], row["node_logged_in_count"]) for row in rows] == [
        ("a", "iqn.a", "", "3"),
        ("a", "iqn.b", "", "0"),
        ("f", "", "2100000E1E30E597", "0"),
    ]
    assert log_in(modern)("lshostports").status == 127


def test_from_8_7_on_the_system_has_addresses_without_a_node_and_a_spare_node_without_an_io_group(
    start: Start, log_in: Open
) -> None:
    shell = log_in(start({"release": "8.7.0.0"}))

    [row] = shell("lsip -delim ! -filtervalue portset_name=SystemManagement").rows
    assert (row["node_id"], row["node_name"], row["portset_id"]) == ("", "", "72")
    row = shell("lsnode -delim !").rows[2]
    assert [row[key] for key in ("IO_group_id", "IO_group_name", "iscsi_name", "status")] == ["", "", "", "spare"]
    assert shell("lsiogrp -delim ! 0").keys["node_count"] == "2"


RECORDED = (
    "id name location partnership total_mdisk_capacity space_in_mdisk_grps space_allocated_to_vdisks "
    "total_free_space total_vdiskcopy_capacity total_used_capacity total_overallocation "
    "total_vdisk_capacity total_allocated_extent_capacity statistics_status statistics_frequency "
    "cluster_locale time_zone code_level console_IP id_alias cluster_ntp_IP_address "
    "cluster_isns_IP_address iscsi_auth_method iscsi_chap_secret relationship_bandwidth_limit tier "
    "easy_tier_acceleration has_nas_key layer rc_buffer_size cache_prefetch email_organization "
    "local_fc_port_mask partner_fc_port_mask topology topology_status rc_auth_method "
    "vdisk_protection_time vdisk_protection_enabled product_name odx max_replication_delay "
    "total_reclaimable_capacity physical_capacity physical_free_capacity quorum_mode"
)
"""Keys of lssystem as arrays of 8.2 and 8.4.2 print them."""


def test_the_system_shows_its_keys_in_the_recorded_order(start: Start, log_in: Open) -> None:
    lines = log_in(start({"release": "8.4.1.0"}))("lssystem -delim !").stdout.splitlines()
    keys = [line.split("!")[0] for line in lines]

    assert (
        list(dict.fromkeys(key for key in keys if key not in {"tier_capacity", "tier_free_capacity"}))
        == RECORDED.split()
    )
    assert [line for line in lines if line.startswith("tier!")] == [
        f"tier!{name}" for name in ("tier_scm", "tier0_flash", "tier1_flash", "tier_enterprise", "tier_nearline")
    ]
