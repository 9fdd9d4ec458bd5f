"""Values are validated where they enter. tests/unit/api checks that the schemas of the API match."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.values import (
    host_name,
    iqn,
    is_nguid,
    lun,
    nguid,
    pool_name,
    system_id,
    volume_name,
    volume_uid,
)

UID = "6005076810CA0166C00000000000019F"
NAMES = [volume_name, host_name, pool_name]


@pytest.mark.parametrize("read", NAMES)
@pytest.mark.parametrize("name", ["a", "_", "pvc-a", "DB data", "a.b_c-d", "volume-" + "x" * 56, "A1", "a-"])
def test_a_name_that_the_array_accepts_is_accepted(read: Callable[[str], str], name: str) -> None:
    assert read(name) == name


@pytest.mark.parametrize("read", NAMES)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 64,
        "1st",
        "-a",
        " a",
        "a ",
        ".a",
        "a\n",
        "a\nb",
        "a\tb",
        "$(reboot)",
        "`reboot`",
        "a;b",
        "a'b",
        'a"b',
        "a!b",
        "a,b",
        "a:b",
        "a/b",
        "ä",
        "a\u00a0b",
        "a\x00",
        "\uff41",
    ],
)
def test_a_name_that_the_array_refuses_is_refused_with_the_allowed_characters(
    read: Callable[[str], str], name: str
) -> None:
    with pytest.raises(ValueError, match="1 to 63 letters, digits"):
        read(name)


@given(st.text())
def test_an_accepted_name_contains_no_shell_metacharacter(text: str) -> None:
    try:
        name = volume_name(text)
    except ValueError:
        return
    assert name == text
    assert name.isascii()
    assert name.isprintable()
    assert not set(name) & set("!$`;&|<>(){}[]*?~#'\"\\/,:=")
    assert not name.startswith("-")


def test_a_volume_uid_is_the_same_in_upper_and_lower_case() -> None:
    assert volume_uid(UID.lower()) == volume_uid(UID) == UID


@pytest.mark.parametrize(
    "text", ["", UID[1:], UID + "0", "0x" + UID[2:], UID[:-1] + "G", "\ufb00" * 16, UID + "\n", "naa." + UID]
)
def test_an_invalid_volume_uid_is_refused_and_the_message_names_where_to_find_one(text: str) -> None:
    with pytest.raises(ValueError, match="lsvdisk"):
        volume_uid(text)


def test_a_system_id_is_the_same_in_upper_and_lower_case() -> None:
    assert system_id("0000020421a0beef") == "0000020421A0BEEF"


@pytest.mark.parametrize("text", ["", "0000020421A0BEE", "0000020421A0BEEF0", "0000020421A0BEEG", "\ufb00" * 8])
def test_an_invalid_system_id_is_refused_and_the_message_names_where_to_find_one(text: str) -> None:
    with pytest.raises(ValueError, match="lssystem"):
        system_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "iqn.1994-05.com.redhat:2e358e438b8a",
        "iqn.1993-08.org.debian:01:222",
        "iqn.1991-05.com.microsoft:host.example.com",
        "iqn.localhost.hostid.7f000002",
        "iqn.lpar-1.example.com.hostid.0a010203",
        "iqn.0.com.example:lpar-1",
        "iqn.0.com.example",
        "iqn.2001-04.com.example",
        "eui.02004567a425678d",
        "naa.52004567ba64678d",
        "naa.62004567ba64678d0123456789abcdef",
        "iqn.2001-04.com.example:" + "x" * 199,
    ],
)
def test_an_initiator_is_the_same_in_upper_and_lower_case(text: str) -> None:
    assert iqn(text.upper()) == iqn(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "iqn.",
        "iqn.1994.com.redhat:x",
        "iqn.localhost.hostid.7f00000",
        "iqn.hostid.7f000002",
        "iqn.1994-05.",
        "iqn.1994-05.com.redhat:",
        "iqn.1994-05.com.redhat:a,iqn.1994-05.com.redhat:b",
        "iqn.1994-05.com.redhat:a b",
        "iqn.1994-05.com.redhat:$(reboot)",
        "iqn.1994-05.com.redhat:a\n",
        "eui.02004567a425678",
        "naa.52004567ba64678d0",
        "2100000e1e30e597",
        "iqn.2001-04.com.example:\u212a",
        "iqn.2001-04.com.example:" + "x" * 200,
    ],
)
def test_an_invalid_initiator_is_refused_and_the_message_names_where_to_find_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"initiatorname\.iscsi"):
        iqn(text)


@given(st.integers())
def test_a_lun_is_0_to_2047(number: int) -> None:
    if 0 <= number <= 2047:
        assert lun(number) == number
    else:
        with pytest.raises(ValueError, match="0 to 2047"):
            lun(number)


def test_the_nguid_of_a_volume_that_is_mapped_over_nvme_is_derived_from_its_uid() -> None:
    assert nguid(volume_uid(UID)) == "C00000000000019F" + "005076" + "0" + "810CA0166"


def test_an_nguid_is_told_from_a_uid() -> None:
    assert is_nguid(nguid(volume_uid(UID)))
    assert not is_nguid(volume_uid(UID))
