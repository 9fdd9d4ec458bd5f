"""The meaning of single columns in the array's answers: levels, dialects, hosts, protection, copies, mappings."""

import re
from typing import Any

import pytest

from flashsystem_operator.array.dialect import objects
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.model import Dialect, Odd, Pool, Protocol, Throttle, Volume
from flashsystem_operator.values import PoolName, Provisioning
from support.rows import ROWS, UID, printed

LINE = "svcinfo something"


def details(pairs: list[tuple[str, str]]) -> str:
    return "".join(f"{key}!{value}\n" for key, value in pairs)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("8.6.0.3 (build 1.0)", (8, 6, 0, 3)),
        ("7.4.0.11 (build 103.29.1609070000)", (7, 4, 0, 11)),
        ("8.4.10.2", (8, 4, 10, 2)),
        ("9.1", (9, 1)),
    ],
)
def test_code_levels_are_compared_as_numbers(code: str, level: tuple[int, ...]) -> None:
    seen = objects.system(details([("id", "0000020421A0BEEF"), ("name", "fs"), ("code_level", code)]), LINE)

    assert (seen.dialect, seen.code_level, seen.code_text) == (Dialect.MODERN, level, code)


@pytest.mark.parametrize(("printed_as", "on"), [("on", True), ("off", False)])
def test_the_legacy_dialect_is_recognized_by_open_access_enabled(printed_as: str, on: bool) -> None:
    text = details([("id", "0000020421a0beef"), ("name", "fs"), ("open_access_enabled", printed_as)])

    seen = objects.system(text, LINE)

    assert (seen.dialect, seen.open_access, seen.id) == (Dialect.LEGACY, on, "0000020421A0BEEF")


@pytest.mark.parametrize(
    "pairs",
    [
        [("id", "0000020421A0BEEF"), ("name", "fs")],
        [("id", "0000020421A0BEEF"), ("name", "fs"), ("code_level", "unknown")],
        [("id", "0000020421A0BEEF"), ("name", "fs"), ("code_level", "9" * 5000 + ".1")],
        [("id", "0000020421A0BEEF"), ("name", "fs"), ("open_access_enabled", "maybe")],
        [("id", "12"), ("name", "fs"), ("code_level", "8.6.0.0")],
    ],
)
def test_a_system_that_cannot_be_identified_is_not_guessed(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        objects.system(details(pairs), LINE)


HOST = [("id", "3"), ("name", "a"), ("port_count", "2"), ("status", "online"), ("host_cluster_name", "")]
PORT = [("node_logged_in_count", "1"), ("state", "active")]


def test_a_host_has_every_port_of_every_protocol_and_iscsi_names_in_lower_case() -> None:
    ports = [("iscsi_name", "IQN.1994-05.com.RedHat:A"), *PORT, ("WWPN", "2100000E1E30E597"), *PORT]

    seen = objects.host(details([*HOST, *ports, ("owner_id", ""), ("portset_name", "portset0")]), LINE)

    assert [(port.protocol, port.name, port.logins) for port in seen.ports] == [
        (Protocol.ISCSI, "iqn.1994-05.com.redhat:a", 1),
        (Protocol.FC, "2100000E1E30E597", 1),
    ]
    assert (set(seen.iqns), seen.logins, seen.portset) == ({"iqn.1994-05.com.redhat:a"}, 2, "portset0")


@pytest.mark.parametrize("count", ["", "many", "-1", "9" * 5000])
def test_a_login_count_that_is_not_a_number_counts_as_a_login(count: str) -> None:
    ports = [("iscsi_name", "iqn.a"), ("node_logged_in_count", count), ("WWPN", "21"), ("node_logged_in_count", "0")]

    seen = objects.host(details([*HOST, *ports]), LINE)

    assert [port.logged_in for port in seen.ports] == [True, False]
    assert seen.logins == 1


@pytest.mark.parametrize(
    ("keys", "minutes"),
    [
        ([("vdisk_protection_time", "15"), ("vdisk_protection_enabled", "yes")], 15),
        ([("vdisk_protection_time", "15"), ("vdisk_protection_enabled", "no")], None),
        ([("open_access_enabled", "off")], None),
    ],
    ids=["on", "off", "legacy has no volume protection"],
)
def test_volume_protection_is_on_if_the_system_reports_it_as_enabled(
    keys: list[tuple[str, str]], minutes: int | None
) -> None:
    assert objects.protection_time(details(keys), LINE) == minutes


def test_a_protection_time_that_is_missing_is_not_guessed() -> None:
    with pytest.raises(Unreadable):
        objects.protection_time(details([("vdisk_protection_enabled", "yes")]), LINE)


def test_a_mirrored_volume_is_in_the_pools_of_its_copies() -> None:
    copies = [("mdisk_grp_name", "p1"), ("copy_id", "1"), ("mdisk_grp_name", "p2"), ("mdisk_grp_name", "p1")]

    assert objects.pools_of_volume(details([("mdisk_grp_name", "many"), *copies]), LINE) == ("p1", "p2")


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param([("iscsi_name", "iqn.a"), *PORT], id="one is missing"),
        pytest.param(
            [("iscsi_name", "iqn.a"), ("iscsi_name", "iqn.b"), *PORT],
            id="login count and state are missing for one of them",
        ),
        pytest.param([("iscsi_name", "iqn.a"), ("iscsi_name", "iqn.b")], id="login counts are missing"),
    ],
)
def test_a_host_whose_ports_are_not_all_understood_is_unreadable(ports: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        objects.host(details([*HOST, *ports]), LINE)


@pytest.mark.parametrize(
    ("ports", "found"),
    [
        pytest.param(
            [("ibgid", "fe80::1"), *PORT, ("iscsi_name", "iqn.a"), *PORT],
            [(Protocol.OTHER, "fe80::1"), (Protocol.ISCSI, "iqn.a")],
            id="of an unknown kind",
        ),
        pytest.param(
            [("iSCSI_name", "iqn.a"), *PORT, ("SAS_WWPN", "5000"), *PORT],
            [(Protocol.ISCSI, "iqn.a"), (Protocol.SAS, "5000")],
            id="spelled as in the 8.7 guide",
        ),
        pytest.param(
            [("iscsi_name", "iqn.a"), ("auth", "none"), *PORT, ("new", "x"), ("iscsi_name", "iqn.b"), *PORT],
            [(Protocol.ISCSI, "iqn.a"), (Protocol.ISCSI, "iqn.b")],
            id="with additional keys in and between their blocks",
        ),
    ],
)
def test_ports_of_other_releases_are_read(ports: list[tuple[str, str]], found: list[tuple[Protocol, str]]) -> None:
    seen = objects.host(details([*HOST, *ports]), LINE)

    assert [(port.protocol, port.name) for port in seen.ports] == found


def test_a_mirrored_volume_is_read_from_its_own_keys_and_not_those_of_its_copies() -> None:
    own = [("id", "0"), ("name", "v"), ("IO_group_name", "io_grp0"), ("capacity", "1024"), ("vdisk_UID", UID)]

    seen = objects.volume(details([*own, ("copy_id", "0"), ("capacity", "9"), ("name", "copy")]), LINE)

    assert (seen.name, seen.capacity, seen.uid) == ("v", 1024, UID)


DETAILED = """
id!24
name!data
IO_group_id!0
IO_group_name!io_grp0
status!online
mdisk_grp_id!2
mdisk_grp_name!site1pool1
capacity!1073741824
type!striped
formatted!yes
formatting!no
FC_id!
FC_name!
RC_id!
RC_name!
vdisk_UID!60050768108180ED700000000000002E
preferred_node_id!1
fast_write_state!empty
cache!readwrite
fc_map_count!0
copy_count!1
se_copy_count!0
RC_change!no
compressed_copy_count!0
access_IO_group_count!2
last_access_time!
parent_mdisk_grp_id!2
parent_mdisk_grp_name!site1pool1
owner_type!none
owner_id!
volume_id!24
volume_name!data
function!
throttle_id!
throttle_name!
IOPs_limit!
bandwidth_limit_MB!
volume_group_id!0
volume_group_name!group1
deduplicated_copy_count!0
protocol!

copy_id!0
status!online
sync!yes
primary!yes
mdisk_grp_id!2
mdisk_grp_name!site1pool1
used_capacity!805306368
real_capacity!1073741824
free_capacity!268435456
se_copy!no
tier!tier_scm
tier_capacity!0
tier!tier0_flash
tier_capacity!1073741824
compressed_copy!no
parent_mdisk_grp_name!site1pool1
deduplicated_copy!no
used_capacity_before_reduction!
"""
"""The detailed view of a volume of release 8.4.2 in the recorded order, with some keys left out."""


def volume(**changes: str) -> Volume:
    """Parse that view with other values; each replaces the first value of its key."""
    text = DETAILED
    for key, value in changes.items():
        text = re.sub(rf"^{key}!.*$", f"{key}!{value}", text, count=1, flags=re.MULTILINE)
    return objects.volume(text, LINE)


def test_the_detailed_view_of_a_volume_has_everything_that_planning_it_needs() -> None:
    seen = volume()

    assert (seen.pool, seen.parent_pool, seen.capacity, seen.used) == ("site1pool1", "site1pool1", 1 << 30, 768 << 20)
    assert (seen.status, seen.formatting, seen.access_io_groups, seen.preferred_node) == ("online", False, 2, "1")
    assert (seen.provisioning, seen.volume_group) == (Provisioning.THICK, "group1")
    assert (seen.flashcopy_maps, seen.snapshots, seen.why_kept) == (0, None, "")
    assert seen.throttle == Throttle()


@pytest.mark.parametrize(
    ("changes", "provisioning"),
    [
        pytest.param({"se_copy_count": "1"}, Provisioning.THIN, id="thin"),
        pytest.param({"compressed_copy_count": "1"}, Provisioning.COMPRESSED, id="compressed does not count as thin"),
        pytest.param(
            {"se_copy_count": "1", "deduplicated_copy": "yes"}, Provisioning.THIN_DEDUPLICATED, id="deduplicated"
        ),
        pytest.param(
            {"compressed_copy_count": "1", "deduplicated_copy": "yes"},
            Provisioning.COMPRESSED_DEDUPLICATED,
            id="compressed and deduplicated",
        ),
        pytest.param({"copy_count": "2", "se_copy_count": "1"}, None, id="two copies that differ"),
        pytest.param({"copy_count": ""}, None, id="not shown"),
    ],
)
def test_the_provisioning_of_a_volume_is_that_of_all_its_copies(
    changes: dict[str, str], provisioning: Provisioning | None
) -> None:
    assert volume(**changes).provisioning == provisioning


def test_a_listing_does_not_show_whether_a_thin_volume_is_deduplicated() -> None:
    counts = {"copy_count": "1", "se_copy_count": "1", "compressed_copy_count": "0"}
    (thin,) = objects.volumes(printed({**ROWS["lsvdisk"], **counts}), LINE)
    (thick,) = objects.volumes(printed({**ROWS["lsvdisk"], **counts, "se_copy_count": "0"}), LINE)

    assert isinstance(thin, Volume)
    assert isinstance(thick, Volume)
    assert (thin.provisioning, thick.provisioning) == (None, Provisioning.THICK)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"fc_map_count": "2"}, "is part of a FlashCopy mapping"),
        ({"RC_id": "26", "RC_name": "rcrel7", "function": "master"}, "is in a remote-copy relationship"),
        ({"RC_change": "yes"}, "is a change volume of a remote-copy relationship"),
        ({"function": "aux"}, "is replicated (aux)"),
        ({"volume_id": "7"}, "is a copy of a HyperSwap volume"),
        ({"owner_type": "vvol"}, "belongs to a system object of type vvol"),
    ],
)
def test_a_volume_that_must_not_be_deleted_shows_why(changes: dict[str, str], why: str) -> None:
    assert volume(**changes).why_kept == why


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("snapshot_count", "1", "has snapshots"),
        ("safeguarded_snapshot_count", "1", "has snapshots"),
        ("replication_mode", "production", "is replicated by policy (production)"),
        ("fc_map_count", "1", "is part of a FlashCopy mapping"),
        ("snapshot_count", "0", ""),
        ("replication_mode", "", ""),
    ],
)
def test_a_listing_shows_it_too(column: str, value: str, why: str) -> None:
    (seen,) = objects.volumes(printed({**ROWS["lsvdisk"], "snapshot_count": "0", column: value}), LINE)

    assert isinstance(seen, Volume)
    assert seen.why_kept == why


def test_columns_of_newer_releases_are_unknown_where_the_release_does_not_have_them() -> None:
    (seen,) = objects.volumes(printed(ROWS["lsvdisk"]), LINE)

    assert isinstance(seen, Volume)
    assert (seen.pool, seen.formatting, seen.flashcopy_maps, seen.snapshots, seen.throttle, seen.provisioning) == (
        *[None] * 6,
    )


@pytest.mark.parametrize("column", ["fc_map_count", "snapshot_count", "copy_count", "se_copy_count"])
def test_a_volume_with_a_count_that_is_not_a_number_is_odd(column: str) -> None:
    (odd,) = objects.volumes(printed({**ROWS["lsvdisk"], column: "many"}), LINE)

    assert isinstance(odd, Odd)
    assert odd.why == f"{column} is 'many', not a number"


@pytest.mark.parametrize(
    ("changes", "throttle"),
    [
        ({"throttle_name": "t", "IOPs_limit": "5000"}, Throttle("t", 5000)),
        ({"throttle_name": "t", "IOPs_limit": "0", "bandwidth_limit_MB": "100"}, Throttle("t", None, 100)),
    ],
)
def test_the_limits_of_a_volume_are_those_of_its_throttle(changes: dict[str, str], throttle: Throttle) -> None:
    assert volume(**changes).throttle == throttle


def test_a_thin_copy_in_a_data_reduction_pool_shows_only_the_size_before_reduction() -> None:
    seen = volume(used_capacity="", used_capacity_before_reduction="4096")

    assert seen.used == 4096


def test_a_pool_is_read_with_its_sizes_and_its_kind() -> None:
    (seen,) = objects.pools(printed(ROWS["lsmdiskgrp"]), LINE)

    assert seen == Pool(
        PoolName("Pool0"), "online", 3573412790272, 1 << 30, 2 << 40, 4 << 40, 1 << 30, data_reduction=False
    )


def test_a_child_pool_of_a_newer_release_has_a_parent_and_may_have_a_provisioning_policy() -> None:
    child = {"name": "child", "type": "child_quotaless", "data_reduction": "yes", "provisioning_policy_name": "policy0"}
    (seen,) = objects.pools(printed({**ROWS["lsmdiskgrp"], **child}), LINE)

    assert isinstance(seen, Pool)
    assert (seen.parent, seen.data_reduction, seen.provisioning_policy) == ("Pool0", True, "policy0")


@pytest.mark.parametrize("column", ["extent_size", "virtual_capacity", "used_capacity"])
def test_a_size_of_a_pool_that_is_only_reported_may_be_unreadable(column: str) -> None:
    (seen,) = objects.pools(printed({**ROWS["lsmdiskgrp"], column: "1.00GB"}), LINE)

    assert isinstance(seen, Pool)
    assert seen.capacity == 3573412790272


def test_one_pool_with_an_unreadable_size_is_odd_and_hides_no_other() -> None:
    header, row = printed(ROWS["lsmdiskgrp"]).splitlines()
    odd, good = objects.pools(f"{header}\n{row.replace('1073741824', '1.00GB')}\n{row}\n", LINE)

    assert isinstance(odd, Odd)
    assert isinstance(good, Pool)


@pytest.mark.parametrize("uid", ["", "600507681084012C"])
def test_a_volume_with_an_unreadable_uid_is_odd_and_identified_by_its_name(uid: str) -> None:
    (odd,) = objects.volumes(printed({**ROWS["lsvdisk"], "vdisk_UID": uid}), LINE)

    assert isinstance(odd, Odd)
    assert odd.words >= {"vol 0"}


def mappings(*changes: dict[str, str]) -> tuple[Any, ...]:
    rows = [{**ROWS["lshostvdiskmap"], "mapping_type": "private", "host_cluster_name": "", **each} for each in changes]
    return objects.mappings_by_host("\n".join(("!".join(rows[0]), *("!".join(row.values()) for row in rows))), LINE)


def test_a_volume_in_several_io_groups_is_one_mapping() -> None:
    assert [each.luns for each in mappings({}, {})] == [(7,)]
    assert [each.luns for each in mappings({}, {"SCSI_id": "3"})] == [(3, 7)]


def test_a_private_mapping_and_one_through_the_host_cluster_are_two_mappings() -> None:
    shared = {"mapping_type": "shared", "host_cluster_name": "c", "SCSI_id": "3"}

    assert [(each.luns, each.cluster) for each in mappings({}, shared)] == [((7,), ""), ((3,), "c")]


def test_a_private_mapping_of_a_member_is_its_own_although_its_host_cluster_is_shown() -> None:
    assert [each.cluster for each in mappings({"host_cluster_name": "c"})] == [""]


@pytest.mark.parametrize("change", [{"mapping_type": "new"}, {"SCSI_id": "2600"}, {"SCSI_id": ""}, {"vdisk_UID": "x"}])
def test_a_mapping_that_cannot_be_read_is_not_omitted(change: dict[str, str]) -> None:
    known, odd = mappings({}, change)

    assert known.luns == (7,)
    assert isinstance(odd, Odd)
    assert odd.host == "a"
    assert odd.words >= {"a", "vol 0"}
