"""The two output formats of an array, concise and detailed, split without interpreting the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.array.dialect.objects import cell, concise, detailed, first_values, number
from flashsystem_operator.array.errors import Unreadable

LINE = "svcinfo lsthing"
cells = st.text(st.characters(codec="utf-8", exclude_characters="!\n\r"), max_size=8)
columns = st.lists(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), min_size=1, max_size=4, unique=True).map(
    lambda names: [*names[1:], "id", names[0]]
)


@given(columns, st.data())
def test_every_row_is_read_by_its_column_names(header: list[str], data: st.DataObject) -> None:
    row = st.lists(cells, min_size=len(header), max_size=len(header))
    rows = data.draw(st.lists(row, max_size=4))
    text = "".join("!".join(each) + "\n" for each in (header, *rows))

    assert concise(text, LINE) == tuple(dict(zip(header, each, strict=True)) for each in rows)


@pytest.mark.parametrize("text", ["", "\n", "id!name\n", "id!name", "id!name\r\n", "\n\nid!name\n\n"])
def test_an_empty_list_is_read_with_and_without_its_header(text: str) -> None:
    assert concise(text, LINE) == ()


def test_windows_line_ends_are_not_part_of_a_value() -> None:
    assert concise("id!name\r\n1!a\r\n", LINE) == ({"id": "1", "name": "a"},)
    assert detailed("id!1\r\n", LINE) == (("id", "1"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id!name\n1\n", "a row has 1 fields, the header 2"),
        ("id!name\n1!a!b\n", "a row has 3 fields, the header 2"),
        ("id!id\n1!2\n", "its first line is no header: id!id"),
        ("id!!name\n", "no header"),
        ("rbash: lsthing: command not found\nmore!\n", "no header"),
    ],
)
def test_text_that_is_not_a_table_is_reported_as_unreadable(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why) as raised:
        concise(text, LINE)
    assert LINE in str(raised.value)


@pytest.mark.parametrize("text", ["0!vol0!io_grp0\n", "rbash: lsthing: command not found\n"])
def test_a_row_without_its_header_is_not_an_empty_listing(text: str) -> None:
    with pytest.raises(Unreadable, match="no header"):
        concise(text, LINE)


def test_a_truncated_row_is_not_taken_for_a_shorter_list() -> None:
    with pytest.raises(Unreadable):
        concise("id!name!UID\n1!a!x\n2!b", LINE)


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True), cells), max_size=6))
def test_a_detailed_view_keeps_the_order_and_repeated_keys(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"{key}!{value}\n" for key, value in pairs)

    assert detailed(text, LINE) == tuple(pairs)


def test_only_the_first_delimiter_separates_key_and_value() -> None:
    assert detailed("console_IP!10.0.0.1:443!x\nowner!\n", LINE) == (("console_IP", "10.0.0.1:443!x"), ("owner", ""))


@pytest.mark.parametrize("text", ["id\n", "!1\n", "id!1\nname\n"])
def test_a_line_without_a_key_and_a_value_is_reported_as_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="no key and value"):
        detailed(text, LINE)


def test_an_objects_own_value_takes_precedence_over_those_of_its_parts() -> None:
    assert first_values((("status", "online"), ("copy_id", "0"), ("status", "offline"))) == {
        "status": "online",
        "copy_id": "0",
    }


def test_a_missing_column_is_named_with_the_columns_that_are_present() -> None:
    with pytest.raises(Unreadable, match=r"no column 'vdisk_UID', only id, name"):
        cell({"id": "1", "name": "a"}, "vdisk_UID", LINE)


@pytest.mark.parametrize(
    "text", ["", "-1", "1.5", "4.00GB", " 1", "1 ", "\u0663", "\u00b2", "1_000", "9" * 5000, "0x10"]
)
def test_text_that_is_not_a_whole_number_is_reported_as_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="not a number"):
        number({"capacity": text}, "capacity", LINE)


@given(st.integers(0, 2**63))
def test_whole_numbers_are_read(value: int) -> None:
    assert number({"capacity": str(value)}, "capacity", LINE) == value


@given(st.text())
def test_arbitrary_text_is_read_or_reported_as_unreadable(text: str) -> None:
    for read in (concise, detailed):
        try:
            read(text, LINE)
        except Unreadable:
            continue
