"""What the array prints, read into facts. Text that we do not understand is loud, never a smaller truth."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.array import dialect, portals
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.state import Dialect, Node, Protocol
from flashsystem_operator.array.transport import Reply
from flashsystem_operator.values import PoolName
from support.in_process import Answers, connected
from support.transcripts import Transcript, transcripts

LINE = "svcinfo something"
UID = "6005076810CA0166C00000000000019F"
NODES = tuple(
    Node(str(n), f"node{n}", online=True, status="online", iqn=f"iqn.{n}", io_group="io_grp0", config_node=n == 1)
    for n in (0, 1, 2, 3, 4)
)
Read = Callable[[str, str], object]


def pool(text: str, line: str) -> object:
    return dialect.pool(text, line, PoolName("mdiskgrp0"))


def lsip(text: str, line: str) -> object:
    return portals.from_lsip(text, line, NODES, {"portset0": "host"})


def lsportip(text: str, line: str) -> object:
    return portals.from_lsportip(text, line, NODES, Dialect.MODERN)


LISTINGS: Mapping[str, Read] = {
    "lsnode": dialect.nodes,
    "lsvdisk": dialect.volumes,
    "lshost": dialect.host_rows,
    "lshostvdiskmap": dialect.mappings_by_host,
    "lsvdiskhostmap": dialect.mappings_by_volume,
    "lsportset": portals.portset_types,
    "lsip": lsip,
    "lsportip": lsportip,
}
DETAILS: Mapping[str, Read] = {
    "lssystem": dialect.system,
    "lshost": dialect.host,
    "lsvdisk": dialect.volume,
    "lsmdiskgrp": pool,
}


# -- the recorded exchanges ------------------------------------------------------------------------------------------


def reader(transcript: Transcript) -> Read | None:
    """The reader of what a transcript printed: a detailed view where an object was asked for."""
    words = [word for word in transcript.command.split() if not word.startswith(("-", "!"))]
    listing = len(words) <= 2 or transcript.verb in ("lshostvdiskmap", "lsvdiskhostmap")
    return (LISTINGS if listing and transcript.verb != "lssystem" else DETAILS).get(transcript.verb)


ODD = ("login-failed-on-stdout", "modern-lshost-marker")
"""No views: a login that is refused too late, and how another client asks for the exit status."""
RECORDED = [each for each in transcripts() if each.exit == 0 and each.name not in ODD]


@pytest.mark.parametrize("transcript", [each for each in RECORDED if reader(each)], ids=lambda each: each.name)
def test_every_recorded_view_is_read(transcript: Transcript) -> None:
    read = reader(transcript)
    assert read is not None
    # We never ask for sizes that are rounded for people.
    in_bytes = transcript.stdout.replace("!4.00GB!", "!4294967296!")

    found = read(in_bytes, transcript.command)

    rows = max(0, len(in_bytes.splitlines()) - 1)
    assert not isinstance(found, tuple) or len(found) == rows or transcript.verb in ("lsportip", "lsip")


def test_a_size_that_was_rounded_for_people_is_unreadable() -> None:
    (transcript,) = transcripts("lsvdisk")

    with pytest.raises(Unreadable, match=r"capacity is '4\.00GB'"):
        dialect.volumes(transcript.stdout, transcript.command)


@pytest.mark.parametrize("transcript", transcripts(), ids=lambda each: each.name)
def test_every_recorded_answer_is_sorted_by_what_to_do_next(transcript: Transcript) -> None:
    session = connected(Answers(lambda _: Reply(transcript.stdout, transcript.stderr, transcript.exit)), greeted=False)
    query: Query[str] = Query("ls", lambda text, _: text)

    if transcript.name.startswith("refused-"):
        with pytest.raises(Refused) as refused:
            session.ask(query)
        assert refused.value.code == f"CMMVC{transcript.name.split('-')[1]}E"
    elif transcript.name not in ODD:
        assert session.ask(query) == transcript.stdout
    session.close()


# -- any text --------------------------------------------------------------------------------------------------------

KNOWN = sorted(
    {word for each in transcripts() for text in each.stdout.splitlines() for word in text.split("!") if len(word) < 40}
)
table = st.lists(
    st.lists(st.one_of(st.sampled_from(KNOWN), st.text(max_size=4)), min_size=1, max_size=8).map("!".join), max_size=5
).map("\n".join)


@pytest.mark.parametrize("read", [*LISTINGS.values(), *DETAILS.values()], ids=[*LISTINGS, *(f"{d} X" for d in DETAILS)])
@given(text=st.one_of(st.text(), table))
def test_any_text_is_read_or_said_to_be_unreadable(read: Read, text: str) -> None:
    try:
        read(text, LINE)
    except Unreadable:
        return


@given(st.data())
def test_a_recorded_view_with_a_piece_of_it_changed_is_read_or_said_to_be_unreadable(data: st.DataObject) -> None:
    transcript = data.draw(st.sampled_from([each for each in RECORDED if reader(each) and each.stdout]))
    text, read = transcript.stdout, reader(transcript)
    assert read is not None
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    changed = text[:start] + data.draw(st.text(max_size=3)) + text[end:]

    try:
        read(changed, LINE)
    except Unreadable:
        return


# -- columns ---------------------------------------------------------------------------------------------------------

ROWS: Mapping[str, Mapping[str, str]] = {
    "lsnode": {
        "id": "1",
        "name": "node1",
        "status": "online",
        "IO_group_name": "io_grp0",
        "config_node": "yes",
        "iscsi_name": "iqn.1",
    },
    "lsvdisk": {"id": "0", "name": "vol 0", "IO_group_name": "io_grp0", "capacity": "1024", "vdisk_UID": UID},
    "lshost": {"id": "0", "name": "a", "port_count": "2", "host_cluster_name": "c", "portset_name": "p"},
    "lshostvdiskmap": {
        "id": "3",
        "name": "a",
        "SCSI_id": "7",
        "vdisk_name": "vol 0",
        "vdisk_UID": UID,
        "mapping_type": "shared",
        "host_cluster_name": "c",
    },
    "lsvdiskhostmap": {"id": "0", "name": "vol 0", "SCSI_id": "7", "host_name": "a", "vdisk_UID": UID},
    "lsportset": {"id": "0", "name": "portset0", "type": "host"},
    "lsip": {"id": "0", "node_id": "1", "portset_name": "portset0", "IP_address": "10.0.0.1"},
    "lsportip": {"id": "1", "node_id": "1", "IP_address": "10.0.0.1", "state": "online", "host": "yes"},
}
NEEDED: Mapping[str, set[str]] = {
    "lsnode": {"name", "status", "IO_group_name", "config_node", "iscsi_name"},
    "lsvdisk": {"name", "capacity", "vdisk_UID"},
    "lshost": {"name", "port_count"},
    "lshostvdiskmap": {"name", "SCSI_id", "vdisk_name", "vdisk_UID", "host_cluster_name"},
    "lsvdiskhostmap": {"name", "SCSI_id", "host_name", "vdisk_UID"},
    "lsportset": {"name", "type"},
    "lsip": {"node_id", "portset_name", "IP_address"},
    "lsportip": {"node_id", "IP_address", "state"},
}


def printed(row: Mapping[str, str]) -> str:
    return "!".join(row) + "\n" + "!".join(row.values()) + "\n"


@pytest.mark.parametrize("verb", sorted(LISTINGS))
@given(data=st.data())
def test_columns_in_any_order_and_new_ones_between_them_do_not_matter(verb: str, data: st.DataObject) -> None:
    plain = LISTINGS[verb](printed(ROWS[verb]), LINE)
    cells = [*ROWS[verb].items(), ("partition_name", "x"), ("Status", "y"), ("NAME", "z")]

    assert LISTINGS[verb](printed(dict(data.draw(st.permutations(cells)))), LINE) == plain


@pytest.mark.parametrize(("verb", "column"), [(verb, column) for verb in NEEDED for column in sorted(NEEDED[verb])])
def test_a_needed_column_that_is_missing_is_unreadable_and_named(verb: str, column: str) -> None:
    with pytest.raises(Unreadable, match=column):
        LISTINGS[verb](printed({key: cell for key, cell in ROWS[verb].items() if key != column}), LINE)


@pytest.mark.parametrize("verb", sorted(LISTINGS))
def test_a_listing_that_lost_its_header_is_not_a_shorter_one(verb: str) -> None:
    with pytest.raises(Unreadable, match="no header"):
        LISTINGS[verb](printed(ROWS[verb]).splitlines()[1], LINE)


# -- one by one ------------------------------------------------------------------------------------------------------


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
    seen = dialect.system(details([("id", "0000020421A0BEEF"), ("name", "fs"), ("code_level", code)]), LINE)

    assert (seen.dialect, seen.code_level, seen.code_text) == (Dialect.MODERN, level, code)


@pytest.mark.parametrize(("printed_as", "on"), [("on", True), ("off", False)])
def test_the_legacy_dialect_is_known_by_its_open_access(printed_as: str, on: bool) -> None:
    text = details([("id", "0000020421a0beef"), ("name", "fs"), ("open_access_enabled", printed_as)])

    seen = dialect.system(text, LINE)

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
def test_a_system_that_cannot_be_told_is_not_guessed(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        dialect.system(details(pairs), LINE)


HOST = [("id", "3"), ("name", "a"), ("port_count", "2"), ("status", "online"), ("host_cluster_name", "")]
PORT = [("node_logged_in_count", "1"), ("state", "active")]


def test_a_host_has_every_port_of_every_protocol_and_initiators_are_folded() -> None:
    ports = [("iscsi_name", "IQN.1994-05.com.RedHat:A"), *PORT, ("WWPN", "2100000E1E30E597"), *PORT]

    seen = dialect.host(details([*HOST, *ports, ("owner_id", ""), ("portset_name", "portset0")]), LINE)

    assert [(port.protocol, port.name, port.logins) for port in seen.ports] == [
        (Protocol.ISCSI, "iqn.1994-05.com.redhat:a", 1),
        (Protocol.FC, "2100000E1E30E597", 1),
    ]
    assert (set(seen.iqns), seen.logins, seen.portset) == ({"iqn.1994-05.com.redhat:a"}, 2, "portset0")


@pytest.mark.parametrize("count", ["", "many", "-1", "9" * 5000])
def test_a_count_of_logins_that_is_no_number_counts_as_a_login(count: str) -> None:
    ports = [("iscsi_name", "iqn.a"), ("node_logged_in_count", count), ("WWPN", "21"), ("node_logged_in_count", "0")]

    seen = dialect.host(details([*HOST, *ports]), LINE)

    assert [port.logged_in for port in seen.ports] == [True, False]
    assert seen.logins == 1


@pytest.mark.parametrize(
    ("keys", "minutes"),
    [
        ([("vdisk_protection_time", "15"), ("vdisk_protection_enabled", "yes")], 15),
        ([("vdisk_protection_time", "15"), ("vdisk_protection_enabled", "no")], None),
        ([("open_access_enabled", "off")], None),
    ],
    ids=["on", "off", "legacy knows no such thing"],
)
def test_volume_protection_is_on_where_the_system_says_so(keys: list[tuple[str, str]], minutes: int | None) -> None:
    assert dialect.protection_time(details(keys), LINE) == minutes


def test_protection_of_unknown_length_is_not_guessed() -> None:
    with pytest.raises(Unreadable):
        dialect.protection_time(details([("vdisk_protection_enabled", "yes")]), LINE)


def test_a_mirrored_volume_is_in_the_pools_of_its_copies() -> None:
    copies = [("mdisk_grp_name", "p1"), ("copy_id", "1"), ("mdisk_grp_name", "p2"), ("mdisk_grp_name", "p1")]

    assert dialect.pools_of_volume(details([("mdisk_grp_name", "many"), *copies]), LINE) == ("p1", "p2")


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param([("iscsi_name", "iqn.a"), *PORT], id="one is missing"),
        pytest.param([("fdmi_name", "x"), *PORT, ("iscsi_name", "iqn.a"), *PORT], id="one is of a kind we do not know"),
        pytest.param([("iscsi_name", "iqn.a"), ("iscsi_name", "iqn.b")], id="nobody says who is logged in"),
    ],
)
def test_a_host_whose_ports_are_not_all_understood_is_unreadable(ports: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        dialect.host(details([*HOST, *ports]), LINE)


def test_a_mirrored_volume_is_the_volume_and_not_its_copies() -> None:
    own = [("id", "0"), ("name", "v"), ("IO_group_name", "io_grp0"), ("capacity", "1024"), ("vdisk_UID", UID)]

    seen = dialect.volume(details([*own, ("copy_id", "0"), ("capacity", "9"), ("name", "copy")]), LINE)

    assert (seen.name, seen.capacity, seen.uid) == ("v", 1024, UID)


def test_a_volume_without_a_uid_cannot_be_told_from_another_and_is_not_there() -> None:
    assert dialect.volumes(printed({**ROWS["lsvdisk"], "vdisk_UID": ""}), LINE) == ()


def mappings(*changes: dict[str, str]) -> tuple[Any, ...]:
    rows = [{**ROWS["lshostvdiskmap"], "mapping_type": "private", "host_cluster_name": "", **each} for each in changes]
    return dialect.mappings_by_host("\n".join(("!".join(rows[0]), *("!".join(row.values()) for row in rows))), LINE)


def test_a_volume_in_several_io_groups_is_one_mapping() -> None:
    assert [each.luns for each in mappings({}, {})] == [(7,)]
    assert [each.luns for each in mappings({}, {"SCSI_id": "3"})] == [(3, 7)]


def test_a_hosts_own_mapping_and_one_through_its_cluster_are_two() -> None:
    shared = {"mapping_type": "shared", "host_cluster_name": "c", "SCSI_id": "3"}

    assert [(each.luns, each.cluster) for each in mappings({}, shared)] == [((7,), ""), ((3,), "c")]


def test_a_members_private_mapping_is_its_own_though_its_cluster_is_shown() -> None:
    assert [each.cluster for each in mappings({"host_cluster_name": "c"})] == [""]


@pytest.mark.parametrize("change", [{"mapping_type": "new"}, {"SCSI_id": "2048"}, {"SCSI_id": ""}, {"vdisk_UID": "x"}])
def test_a_mapping_that_is_not_understood_is_not_left_out(change: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        mappings({}, change)
