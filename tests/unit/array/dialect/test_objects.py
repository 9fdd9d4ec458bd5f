"""Output of the array, read into facts. Text that cannot be read is an error, never a shorter result."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.array.dialect import objects, portals
from flashsystem_operator.array.errors import Refused, Unreadable
from flashsystem_operator.array.model import Dialect, Node, Odd, Portset
from flashsystem_operator.array.queries import Query
from flashsystem_operator.array.ssh.transport import Reply
from flashsystem_operator.values import PoolName
from support.in_process import Answers, connected
from support.rows import ROWS, printed
from support.transcripts import Transcript, transcripts

LINE = "svcinfo something"
NODES = tuple(
    Node(str(n), f"node{n}", online=True, status="online", iqn=f"iqn.{n}", io_group="io_grp0", config_node=n == 1)
    for n in (0, 1, 2, 3, 4)
)
Read = Callable[[str, str], object]


def pool(text: str, line: str) -> object:
    return objects.pool(text, line, PoolName("mdiskgrp0"))


def lsip(text: str, line: str) -> object:
    return portals.from_lsip(text, line, NODES, (Portset("portset0", "host"),), [])


def lsportip(text: str, line: str) -> object:
    return portals.from_lsportip(text, line, NODES, Dialect.MODERN, [])


def lsportset(text: str, line: str) -> object:
    return portals.portsets(text, line, [])


LISTINGS: Mapping[str, Read] = {
    "lsnode": objects.nodes,
    "lsvdisk": objects.volumes,
    "lsmdiskgrp": objects.pools,
    "lshost": objects.host_rows,
    "lshostvdiskmap": objects.mappings_by_host,
    "lsvdiskhostmap": objects.mappings_by_volume,
    "lshostclustervolumemap": objects.host_clusters_by_volume,
    "lsportset": lsportset,
    "lsip": lsip,
    "lsportip": lsportip,
}
DETAILS: Mapping[str, Read] = {
    "lssystem": objects.system,
    "lshost": objects.host,
    "lsvdisk": objects.volume,
    "lsmdiskgrp": pool,
}


# -- the recorded exchanges ------------------------------------------------------------------------------------------


def reader(transcript: Transcript) -> Read | None:
    """Return the reader for the output of a transcript: of a detailed view if the command names an object."""
    arguments = [each for each in transcript.command.split() if not each.startswith(("-", "!"))]
    listing = len(arguments) <= 2 or transcript.verb in ("lshostvdiskmap", "lsvdiskhostmap")
    return (LISTINGS if listing and transcript.verb != "lssystem" else DETAILS).get(transcript.verb)


ODD = ("login-failed-on-stdout", "modern-lshost-marker")
"""These are not views: a login that is refused too late, and a request of another client for the exit status."""
RECORDED = [each for each in transcripts() if each.exit == 0 and each.name not in ODD]


@pytest.mark.parametrize("transcript", [each for each in RECORDED if reader(each)], ids=lambda each: each.name)
def test_every_recorded_view_is_read(transcript: Transcript) -> None:
    read = reader(transcript)
    assert read is not None
    # The operator never requests sizes that are rounded for display.
    in_bytes = transcript.stdout.replace("!4.00GB!", "!4294967296!")

    found = read(in_bytes, transcript.command)

    rows = max(0, len(in_bytes.splitlines()) - 1)
    assert not isinstance(found, tuple) or not any(isinstance(each, Odd) for each in found)
    assert not isinstance(found, tuple) or len(found) == rows or transcript.verb in ("lsportip", "lsip")


def test_a_size_that_was_rounded_for_display_is_unreadable() -> None:
    (transcript,) = transcripts("lsvdisk")

    (found,) = objects.volumes(transcript.stdout, transcript.command)

    assert isinstance(found, Odd)
    assert found.why == "capacity is '4.00GB', not a number"


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
    {cell for each in transcripts() for text in each.stdout.splitlines() for cell in text.split("!") if len(cell) < 40}
)
table = st.lists(
    st.lists(st.one_of(st.sampled_from(KNOWN), st.text(max_size=4)), min_size=1, max_size=8).map("!".join), max_size=5
).map("\n".join)


@pytest.mark.parametrize("read", [*LISTINGS.values(), *DETAILS.values()], ids=[*LISTINGS, *(f"{d} X" for d in DETAILS)])
@given(text=st.one_of(st.text(), table))
def test_any_text_is_read_or_reported_as_unreadable(read: Read, text: str) -> None:
    try:
        read(text, LINE)
    except Unreadable:
        return


@given(st.data())
def test_a_partly_changed_recorded_view_is_read_or_reported_as_unreadable(data: st.DataObject) -> None:
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

NEEDED: Mapping[str, set[str]] = {
    "lsnode": {"name", "status", "IO_group_name", "config_node", "iscsi_name"},
    "lsvdisk": {"name", "capacity", "vdisk_UID"},
    "lshost": {"name"},
    "lshostvdiskmap": {"name", "SCSI_id", "vdisk_name", "vdisk_UID", "host_cluster_name"},
    "lsvdiskhostmap": {"name", "SCSI_id", "host_name", "vdisk_UID"},
    "lsportset": {"name", "type"},
    "lsip": {"node_id", "portset_name", "IP_address"},
    "lsportip": {"node_id", "IP_address", "state"},
}


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
