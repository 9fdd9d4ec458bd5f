"""The system, its nodes and I/O groups: reads, and the settings of the system that a client uses."""

from flashsystem_operator.simulator.console.output import Column, Pair, Size, blank, concise, detailed, pairs
from flashsystem_operator.simulator.console.parser import BYTES, FILTER, LS, NEEDED, VALUE, Call, Option, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import Identity, Node
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import EIGHT, LEGACY_UNTIL, PARTITIONS, SITES
from flashsystem_operator.simulator.state.system import System

PROTECTION_MINUTES = range(15, 1441)
CHOICES = {
    "-openaccess": ("open_access_enabled", ("on", "off")),
    "-vdiskprotectionenabled": ("vdisk_protection_enabled", ("yes", "no")),
    "-iscsiauthmethod": ("iscsi_auth_method", ("none", "chap")),
}


def chsystem(array: System, call: Call) -> str:
    if not call.options:
        raise Refused("CMMVC5733E")
    system = array.state.system
    for option, (_, values) in CHOICES.items():
        if call.has(option) and call.value(option) not in values:
            raise Refused("CMMVC5706E", option)
    minutes = system.vdisk_protection_time
    if call.has("-vdiskprotectiontime"):
        given = call.value("-vdiskprotectiontime")
        if not given.isdecimal():
            raise Refused("CMMVC5716E", given)
        minutes = int(given)
        if minutes not in PROTECTION_MINUTES:
            raise Refused("CMMVC5742E", given)
    name = model.name(call.value("-name")) if call.has("-name") else system.name
    if call.value("-openaccess") == "on" and array.hosts:
        raise Refused("CMMVC7318E" if any(array.of_host.values()) else "CMMVC7325E")
    for option, (field, _) in CHOICES.items():
        if call.has(option):
            setattr(system, field, call.value(option))
    system.vdisk_protection_time = minutes
    system.iscsi_chap_secret = call.value("-chapsecret", system.iscsi_chap_secret)
    system.name = name
    return ""


def registerplugin(_array: System, _call: Call) -> str:
    """Accept the name of a client, which IBM support can see. Nothing else depends on it."""
    return ""


CHANGES = (
    Verb(
        "chsystem",
        chsystem,
        {
            "-name": VALUE,
            "-openaccess": Option(until=LEGACY_UNTIL),
            "-vdiskprotectionenabled": Option(since=SITES),
            "-vdiskprotectiontime": Option(since=SITES),
            "-iscsiauthmethod": VALUE,
            "-chapsecret": VALUE,
        },
        writes=True,
    ),
    Verb(
        "registerplugin",
        registerplugin,
        {"-name": NEEDED, "-version": NEEDED, "-uniquekey": NEEDED, "-metadata": VALUE},
        writes=True,
        since=LEGACY_UNTIL,
    ),
)


IO_GROUPS = 4


def lssystem(array: System, call: Call) -> str:
    system = array.state.system
    if array.level.legacy and array.rules.brief_lssystem:
        return detailed(call, [*pairs(array, IDENTITY, system), ("open_access_enabled", system.open_access_enabled)])
    legacy: list[Pair] = [("open_access_enabled", system.open_access_enabled)] if array.level.legacy else []
    details = pairs(array, [*IDENTITY, *CAPACITIES, *SETTINGS], system)
    tiers = ["tier0_flash", "tier1_flash", "tier_enterprise", "tier_nearline"]
    for tier in ["tier_scm", *tiers] if array.level.at(*EIGHT) else tiers:
        here = tier == "tier0_flash"  # all capacity is in the flash tier
        details += [
            ("tier", tier),
            ("tier_capacity", _capacity(array) if here else Size(0)),
            ("tier_free_capacity", _free(array) if here else Size(0)),
        ]
    return detailed(call, [*details, *pairs(array, FEATURES, system), *legacy])


def _capacity(array: System) -> Size:
    return Size(sum(pool.capacity for pool in array.pools.values() if not pool.parent))


def _used(array: System) -> Size:
    return Size(sum(array.used.values()))


def _free(array: System) -> Size:
    return Size(_capacity(array) - _used(array))


IDENTITY: list[Column[Identity]] = [
    Column("id", lambda _, system: system.id),
    Column("name", lambda _, system: system.name),
]
CAPACITIES: list[Column[Identity]] = [
    Column("location", lambda _, system: system.location),
    *blank("partnership"),
    Column("total_mdisk_capacity", lambda array, _: _capacity(array)),
    Column("space_in_mdisk_grps", lambda array, _: _capacity(array)),
    Column("space_allocated_to_vdisks", lambda array, _: _used(array)),
    Column("total_free_space", lambda array, _: _free(array)),
    Column("total_vdiskcopy_capacity", lambda array, _: _used(array)),
    Column("total_used_capacity", lambda array, _: _used(array)),
    Column("total_overallocation", lambda array, _: 100 * _used(array) // (_capacity(array) or 1)),
    Column("total_vdisk_capacity", lambda array, _: _used(array)),
    Column("total_allocated_extent_capacity", lambda array, _: _used(array)),
]
SETTINGS: list[Column[Identity]] = [
    *blank("statistics_status", value="on"),
    *blank("statistics_frequency", value="5"),
    *blank("cluster_locale", value="en_US"),
    *blank("time_zone", value="522 UTC"),
    Column("code_level", lambda _, system: system.code_level),
    Column("console_IP", lambda _, system: system.console_ip),
    Column("id_alias", lambda _, system: system.id_alias or system.id),
    *blank("cluster_ntp_IP_address cluster_isns_IP_address"),
    Column("iscsi_auth_method", lambda _, system: system.iscsi_auth_method),
    Column("iscsi_chap_secret", lambda _, system: system.iscsi_chap_secret),
    *blank("relationship_bandwidth_limit", value="25"),
]
FEATURES: list[Column[Identity]] = [
    *blank("easy_tier_acceleration", SITES, value="off"),
    *blank("has_nas_key", SITES, value="no"),
    Column("layer", lambda _, system: system.layer),
    *blank("rc_buffer_size", SITES, value="48"),
    *blank("cache_prefetch", SITES, value="on"),
    *blank("email_organization", SITES),
    *blank("local_fc_port_mask partner_fc_port_mask", SITES, value="1" * 64),
    Column("topology", lambda _, system: system.topology, SITES),
    *blank("topology_status", SITES),
    *blank("rc_auth_method", SITES, value="none"),
    Column("vdisk_protection_time", lambda _, system: system.vdisk_protection_time, SITES),
    Column("vdisk_protection_enabled", lambda _, system: system.vdisk_protection_enabled, SITES),
    Column("product_name", lambda _, system: system.product_name, (7, 5)),
    *blank("odx", (7, 5), value="off"),
    *blank("max_replication_delay", EIGHT, value="0"),
    Column("total_reclaimable_capacity", lambda _, _system: Size(0), EIGHT),
    Column("physical_capacity", lambda array, _: _capacity(array), EIGHT),
    Column("physical_free_capacity", lambda array, _: _free(array), EIGHT),
    *blank("quorum_mode", EIGHT, value="standard"),
    *blank("snapshot_policy_suspended", PARTITIONS, value="no"),
    *blank("easytier", PARTITIONS, value="on"),
    *blank("flashcopy_gui_enabled snapshot_preserve_parent anomaly_detection", PARTITIONS, value="no"),
    *blank("flashcopy_default_grainsize", PARTITIONS, value="256"),
    *blank("storage_insights_control_access auto_drive_download", PARTITIONS, value="no"),
    *blank("rc_auth_status", PARTITIONS),
]


def lscluster(array: System, call: Call) -> str:
    """The older lssystem: a list of the known systems, or with an object the output of lssystem."""
    system = array.state.system
    if call.object in {system.id, system.name}:
        return lssystem(array, call)
    if call.object:
        raise Refused("CMMVC5754E")
    return concise(array, call, CLUSTER, [system])


CLUSTER: list[Column[Identity]] = [
    Column("id", lambda _, system: system.id),
    Column("name", lambda _, system: system.name),
    Column("location", lambda _, system: system.location),
    *blank("partnership bandwidth"),
    Column("id_alias", lambda _, system: system.id_alias or system.id),
]
LICENSE: list[Pair] = [
    *((f"used_{what}", "0.00") for what in ("flash", "remote", "virtualization")),
    *((f"license_{what}", "0") for what in ("flash", "remote", "virtualization", "physical_disks")),
    *((f"license_physical_{what}", "off") for what in ("flash", "remote")),
    ("used_compression_capacity", "0.00"),
    ("license_compression_capacity", "0"),
    ("license_compression_enclosures", "0"),
]


def lslicense(_array: System, call: Call) -> str:
    return detailed(call, LICENSE)


def lsguicapabilities(_array: System, call: Call) -> str:
    """What clients read of it: the licence of compression, and the product number of a FlashSystem."""
    return detailed(call, [("license_scheme", "flex"), ("product_key", "4939")])


NODE: list[Column[Node]] = [
    Column("id", lambda _, node: node.id),
    Column("name", lambda _, node: node.name),
    *blank("UPS_serial_number"),
    Column("WWNN", lambda _, node: node.wwnn),
    Column("status", lambda _, node: node.status),
    Column("IO_group_id", lambda _, node: "" if node.io_group is None else node.io_group),
    Column("IO_group_name", lambda _, node: "" if node.io_group is None else f"io_grp{node.io_group}"),
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


READS = (
    Verb("lssystem", lssystem, {**LS, **BYTES}),
    Verb("lscluster", lscluster, {**LS, **BYTES, **FILTER}, "optional", until=PARTITIONS),
    Verb("lslicense", lslicense, LS, since=LEGACY_UNTIL),
    Verb("lsguicapabilities", lsguicapabilities, LS, since=LEGACY_UNTIL),
    Verb("lsnode", lsnode, {**LS, **FILTER}, "optional", exists=lambda a: a.rules.node_verbs != "lsnodecanister"),
    Verb("lsnodecanister", lsnode, {**LS, **FILTER}, "optional", exists=lambda a: a.rules.node_verbs != "lsnode"),
    Verb("lsiogrp", lsiogrp, {**LS, **BYTES, **FILTER}, "optional"),
    Verb("lscurrentuser", lscurrentuser, LS),
)
