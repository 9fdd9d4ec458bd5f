"""Reads about the system itself: its identity, nodes, I/O groups, and who is asking."""

from .call import Call
from .objects import Node
from .printing import Column, Pair, Size, blank, concise, detailed, pairs
from .refusals import Refused
from .release import NINE_ONE, SITES
from .system import System
from .verb import BYTES, FILTER, LS, Verb

IO_GROUPS = 4


def lssystem(array: System, call: Call) -> str:
    system = array.state.system
    brief: list[Pair] = [("id", system.id), ("name", system.name)]
    access: list[Pair] = [("open_access_enabled", system.open_access_enabled)]
    if array.level.legacy and array.rules.brief_lssystem:
        return detailed(call, brief + access)
    rest = [*_totals(array), *_settings(array)]
    return detailed(call, brief + [("location", system.location)] + rest + (access if array.level.legacy else []))


def _totals(array: System) -> list[Pair]:
    capacity = sum(pool.capacity for pool in array.pools.values())
    used = sum(array.used.values())
    return [
        ("total_mdisk_capacity", Size(capacity)),
        ("space_in_mdisk_grps", Size(capacity)),
        ("space_allocated_to_vdisks", Size(used)),
        ("total_free_space", Size(capacity - used)),
        ("total_used_capacity", Size(used)),
        ("total_overallocation", 100 * used // capacity if capacity else 0),
        ("total_vdisk_capacity", Size(used)),
    ]


def _settings(array: System) -> list[Pair]:
    system = array.state.system
    first: list[Pair] = [
        ("statistics_status", "on"),
        ("statistics_frequency", "5"),
        ("cluster_locale", "en_US"),
        ("time_zone", "522 UTC"),
        ("code_level", system.code_level),
        ("console_IP", system.console_ip),
        ("iscsi_auth_method", system.iscsi_auth_method),
        ("iscsi_chap_secret", system.iscsi_chap_secret),
        ("layer", system.layer),
    ]
    if array.level.within(SITES):
        first += [
            ("topology", system.topology),
            ("vdisk_protection_time", system.vdisk_protection_time),
            ("vdisk_protection_enabled", system.vdisk_protection_enabled),
        ]
    if array.level.at(7, 5) or array.level.legacy:
        first.append(("product_name", system.product_name))
    return first


NODE: list[Column[Node]] = [
    Column("id", lambda _, node: node.id),
    Column("name", lambda _, node: node.name),
    *blank("UPS_serial_number"),
    Column("WWNN", lambda _, node: node.wwnn),
    Column("status", lambda _, node: node.status),
    Column("IO_group_id", lambda _, node: node.io_group),
    Column("IO_group_name", lambda _, node: f"io_grp{node.io_group}"),
    Column("config_node", lambda _, node: node.config_node),
    *blank("UPS_unique_id"),
    Column("hardware", lambda _, node: node.hardware),
    Column("iscsi_name", lambda _, node: node.iscsi_name),
    Column("iscsi_alias", lambda _, node: node.iscsi_alias),
    Column("panel_name", lambda _, node: node.panel_name),
    Column("enclosure_id", lambda _, node: node.enclosure_id),
    Column("canister_id", lambda _, node: node.canister_id),
    Column("enclosure_serial_number", lambda _, node: node.enclosure_serial_number),
    Column("site_id", lambda _, node: node.site_id, SITES),
    Column("site_name", lambda _, node: node.site_name, SITES),
]


def lsnode(array: System, call: Call) -> str:
    nodes = sorted(array.nodes.values(), key=lambda node: node.id)
    if not call.object:
        return concise(array, call, NODE, nodes)
    for node in nodes:
        if call.object in {node.name, str(node.id)}:
            ports = ("active", "8Gb") if node.status == "online" else ("inactive", "N/A")
            block: list[Pair] = [
                ("port_id", f"{node.wwnn}"),
                ("port_status", ports[0]),
                ("port_speed", ports[1]),
            ]
            return detailed(call, pairs(array, NODE, node) + block)
    raise Refused("CMMVC5754E")


IO_GROUP: list[Column[int]] = [
    Column("id", lambda _, group: group),
    Column("name", lambda _, group: io_group_name(group)),
    Column("node_count", lambda array, group: sum(node.io_group == group for node in array.nodes.values())),
    Column("vdisk_count", lambda array, group: sum(v.io_group == group for v in array.volumes.values())),
    Column("host_count", lambda array, group: sum(group in host.io_groups for host in array.hosts.values())),
    *blank("site_id site_name", SITES),
]


def io_group_name(group: int) -> str:
    return f"io_grp{group}" if group < IO_GROUPS else "recovery_io_grp"


def lsiogrp(array: System, call: Call) -> str:
    groups = range(IO_GROUPS + 1)
    if not call.object:
        return concise(array, call, IO_GROUP, groups)
    for group in groups:
        if call.object in {str(group), io_group_name(group)}:
            return detailed(call, pairs(array, IO_GROUP, group))
    raise Refused("CMMVC5754E")


def lscurrentuser(array: System, call: Call) -> str:
    role = next((user.role for user in array.state.users if user.name == call.user), "SecurityAdmin")
    return detailed(call, [("name", call.user), ("role", role)])


VERBS = (
    Verb("lssystem", lssystem, {**LS, **BYTES}),
    Verb("lscluster", lssystem, {**LS, **BYTES}, until=NINE_ONE),
    Verb("lsnode", lsnode, {**LS, **FILTER}, "optional", exists=lambda a: a.rules.node_verbs != "lsnodecanister"),
    Verb("lsnodecanister", lsnode, {**LS, **FILTER}, "optional", exists=lambda a: a.rules.node_verbs != "lsnode"),
    Verb("lsiogrp", lsiogrp, {**LS, **BYTES, **FILTER}, "optional"),
    Verb("lscurrentuser", lscurrentuser, LS),
)
