"""The meaning of single columns in the array's answers: levels, dialects, hosts, protection, copies, mappings."""

from typing import Any

import pytest

from flashsystem_operator.array.dialect import objects
from flashsystem_operator.array.errors import Unreadable
from flashsystem_operator.array.model import Dialect, Odd, Protocol
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
