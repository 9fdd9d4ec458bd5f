"""The addresses at which hosts may log in, and whether they can log in now."""

from dataclasses import replace

import pytest

from flashsystem_operator.array.dialect.portals import from_lsip, from_lsportip, portsets
from flashsystem_operator.array.model import Dialect, Node, Odd, Portset

LINE = "svcinfo lsip"
ONE = Node(
    "1", "node1", online=True, status="online", iqn="iqn.1986-03.com.ibm:n1", io_group="io_grp0", config_node=True
)
TWO = replace(ONE, id="2", name="node2", iqn="iqn.1986-03.com.ibm:n2", io_group="io_grp1")
LSIP = "id!node_id!node_name!port_id!portset_id!portset_name!IP_address!prefix!vlan!gateway!owner_id!owner_name\n"
PORTSETS = (Portset("portset0", "host"), Portset("portset1", "replication"), Portset("portset64", "host", "fc"))


def of_lsip(
    *rows: str, nodes: tuple[Node, ...] = (ONE, TWO), odd: list[Odd] | None = None
) -> list[tuple[str, str, bool]]:
    found = from_lsip(LSIP + "\n".join(rows), LINE, nodes, PORTSETS, [] if odd is None else odd)
    return [(each.address, each.iqn, each.usable) for each in found]


def test_an_address_is_a_portal_of_its_node() -> None:
    assert of_lsip("0!1!node1!5!0!portset0!10.0.1.11!24!!!!", "4!2!node2!5!0!portset0!fd00::12!64!!!!") == [
        ("10.0.1.11", ONE.iqn, True),
        ("fd00::12", TWO.iqn, True),
    ]


def test_an_ipv6_address_is_spelled_in_one_way() -> None:
    assert of_lsip("0!1!node1!5!0!portset0!FD00:0000::0012!64!!!!")[0][0] == "fd00::12"


def test_an_address_for_replication_is_not_for_hosts() -> None:
    assert of_lsip("0!1!node1!5!1!portset1!10.0.1.11!24!!!!") == [("10.0.1.11", ONE.iqn, False)]


def test_an_address_of_an_unknown_portset_is_not_for_hosts() -> None:
    assert of_lsip("0!1!node1!5!9!portset9!10.0.1.11!24!!!!") == [("10.0.1.11", ONE.iqn, False)]


@pytest.mark.parametrize("node", [replace(ONE, online=False), replace(ONE, iqn="")])
def test_an_address_of_a_node_that_is_offline_or_has_no_iqn_is_not_usable(node: Node) -> None:
    assert of_lsip("0!1!node1!5!0!portset0!10.0.1.11!24!!!!", nodes=(node,)) == [("10.0.1.11", node.iqn, False)]


def test_a_row_without_an_address_is_no_portal_whatever_its_node() -> None:
    assert of_lsip("0!!!5!0!portset0!!!!!!") == []


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("0!!!1!72!SystemManagement!192.168.1.52!24!!192.168.1.1!!", id="as printed in IBM's 8.7 guide"),
        pytest.param("0!!!1!!!192.168.1.52!24!!192.168.1.1!!", id="without a portset"),
    ],
)
def test_a_management_address_belongs_to_no_node_and_is_no_portal(row: str) -> None:
    assert of_lsip(row, "2!1!node1!5!0!portset0!10.0.1.11!24!!!!") == [("10.0.1.11", ONE.iqn, True)]


def test_an_address_of_an_unknown_node_is_no_portal_and_is_named() -> None:
    odd = list[Odd]()

    assert of_lsip("0!7!node7!5!0!portset0!10.0.1.12!24!!!!", "1!1!node1!5!0!portset0!10.0.1.11!24!!!!", odd=odd) == [
        ("10.0.1.11", ONE.iqn, True)
    ]
    assert [each.why for each in odd] == ["node_id '7' is not among the nodes 1, 2"]


def test_an_address_of_a_fibre_channel_portset_is_not_for_iscsi_hosts() -> None:
    assert of_lsip("0!1!node1!5!64!portset64!10.0.1.11!24!!!!") == [("10.0.1.11", ONE.iqn, False)]


def test_a_portset_is_read_with_its_type_and_port_type() -> None:
    text = "id!name!type!port_type\n0!portset0!host!\n1!portset1!replication!\n64!portset64!host!fc\n"

    assert portsets(text, LINE, []) == PORTSETS
    assert [each.serves_iscsi for each in PORTSETS] == [True, False, False]


def test_a_release_without_a_port_type_column_has_portsets_for_iscsi_hosts() -> None:
    (found,) = portsets("id!name!type\n0!portset0!host\n", LINE, [])

    assert found.serves_iscsi


# -- lsportip --------------------------------------------------------------------------------------------------------

MODERN = "id!node_id!node_name!IP_address!IP_address_6!state!speed!failover!link_state!host!host_6\n"


def modern(row: str) -> list[tuple[str, bool]]:
    return [(each.address, each.usable) for each in from_lsportip(MODERN + row, LINE, (ONE, TWO), Dialect.MODERN, [])]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        pytest.param("1!1!node1!10.0.0.11!!online!1Gb/s!no!active!yes!", [("10.0.0.11", True)], id="online"),
        pytest.param("1!1!node1!10.0.0.11!!configured!1Gb/s!no!active!yes!", [("10.0.0.11", True)], id="configured"),
        pytest.param("1!1!node1!10.0.0.11!!configured!1Gb/s!no!inactive!yes!", [("10.0.0.11", False)], id="no link"),
        pytest.param("1!1!node1!10.0.0.11!!online!1Gb/s!no!inactive!yes!", [("10.0.0.11", False)], id="a dead link"),
        pytest.param("1!1!node1!10.0.0.11!!online!1Gb/s!no!!yes!", [("10.0.0.11", True)], id="no link state"),
        pytest.param("1!1!node1!10.0.0.11!!online!1Gb/s!no!active!no!", [("10.0.0.11", False)], id="not for hosts"),
        pytest.param(
            "1!1!node1!10.0.0.11!!management_only!1Gb/s!no!active!yes!", [("10.0.0.11", False)], id="other state"
        ),
        pytest.param("1!1!node1!10.0.0.11!!online!1Gb/s!yes!active!yes!", [], id="taken over from the partner node"),
        pytest.param("3!1!node1!!!unconfigured!!no!!!", [], id="unconfigured"),
        pytest.param(
            "1!1!node1!10.0.0.11!fd00:0::11!online!1Gb/s!no!active!no!yes",
            [("10.0.0.11", False), ("fd00::11", True)],
            id="each address has a host column of its own",
        ),
    ],
)
def test_a_port_before_portsets_is_a_portal_if_it_is_up_and_for_hosts(row: str, found: list[tuple[str, bool]]) -> None:
    assert modern(row) == found


LEGACY = "id!node_id!node_name!canister_id!IP_address!IP_address_6!state!speed!failover!link_state!host!host_6\n"


@pytest.mark.parametrize(
    ("row", "usable"),
    [
        pytest.param("1!1!node1!0!10.0.0.11!!online!8G!no!active!!", True, id="its host column is empty"),
        pytest.param("1!1!node1!0!10.0.0.11!!configured!8G!no!active!!", True, id="configured is enough"),
        pytest.param("1!1!node1!0!10.0.0.11!!online!NONE!no!active!!", False, id="a dead port has no speed"),
        pytest.param("1!1!node1!0!10.0.0.11!!online!8G!no!inactive!!", False, id="no link"),
        pytest.param("1!1!node1!0!10.0.0.11!!offline!8G!no!active!!", False, id="another state"),
    ],
)
def test_a_legacy_port_is_usable_depending_on_state_speed_and_link_state(row: str, usable: bool) -> None:
    (portal,) = from_lsportip(LEGACY + row, LINE, (ONE,), Dialect.LEGACY, [])

    assert (portal.address, portal.usable) == ("10.0.0.11", usable)
