"""The two arrays that are there when no state file says otherwise."""

from typing import Any

from .release import Dialect

GIB = 1 << 30
SIZES = (1, 4, 16, 50, 100)


def sections(dialect: Dialect) -> dict[str, Any]:
    """Every section of a state file for a small array of this dialect, with a handful of volumes and no host."""
    return _legacy() if dialect == "legacy" else _modern()


def _users() -> list[dict[str, Any]]:
    return [
        {"name": "superuser", "password": "passw0rd", "role": "SecurityAdmin"},
        {"name": "monitor", "password": "passw0rd", "role": "Monitor"},
    ]


def _volumes(pool: str) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": f"vol{number}", "capacity": size * GIB, "pool": pool}
        for number, size in enumerate(SIZES)
    ]


def _legacy() -> dict[str, Any]:
    return {
        "release": "1.4.0.0",
        "system": {
            "id": "0123456789ABCDEF",
            "name": "flashsystem_1.2.3.4",
            "console_ip": "192.168.1.2:443",
            "product_name": "IBM FlashSystem 900",
        },
        "users": _users(),
        "nodes": [
            {
                "id": number,
                "name": f"node{number}",
                "wwnn": "0123456789ABCDEF",
                "config_node": "yes" if number == 1 else "no",
                "hardware": "TR1",
                "iscsi_name": f"naa.0123456789ABCDE{number}",
                "panel_name": f"01-{number}",
                "enclosure_id": "1",
                "canister_id": str(number),
                "enclosure_serial_number": "H441028",
            }
            for number in (1, 2)
        ],
        "ports": [
            {
                "id": number,
                "node": f"node{number}",
                "canister_id": "0",
                "adapter_id": "0",
                "port_id": "0",
                "address": f"192.168.1.{9 + number}",
                "prefix_6": "0",
                "mac": f"11:22:33:44:55:{'AA' if number == 1 else 'BB'}",
                "speed": "8G",
                "host": "",
                "adapter_location": "0",
                "adapter_port_id": "0",
            }
            for number in (1, 2)
        ],
        "addresses": [],
        "portsets": [],
        "pools": [{"id": 0, "name": "mdiskgrp0"}],
        "volumes": _volumes("mdiskgrp0"),
    }


def _modern() -> dict[str, Any]:
    return {
        "release": "8.6.0.0",
        "system": {
            "id": "0000020421A0BEEF",
            "name": "flashsystem7200",
            "console_ip": "10.0.1.2:443",
            "product_name": "IBM FlashSystem 7200",
            "vdisk_protection_enabled": "yes",
        },
        "users": _users(),
        "nodes": [
            {
                "id": number,
                "name": f"node{number}",
                "wwnn": f"500507681000000{number}",
                "config_node": "yes" if number == 1 else "no",
                "hardware": "U7C",
                "iscsi_name": f"iqn.1986-03.com.ibm:2145.flashsystem7200.node{number}",
                "panel_name": f"01-{number}",
                "enclosure_id": "1",
                "canister_id": str(number),
                "enclosure_serial_number": "78E0001",
            }
            for number in (1, 2)
        ],
        "ports": [_modern_port(number) for number in (1, 2)],
        "addresses": [
            {"id": number - 1, "node": f"node{number}", "port_id": 5, "portset": "portset0"}
            | {"address": f"10.0.1.{10 + number}", "prefix": "24"}
            for number in (1, 2)
        ],
        "portsets": [
            {"id": 0, "name": "portset0", "is_default": "yes"},
            {"id": 1, "name": "portset1", "type": "replication"},
            {"id": 2, "name": "portset2", "type": "replication"},
            {"id": 3, "name": "portset3", "type": "storage"},
            {"id": 64, "name": "portset64", "port_type": "fc", "is_default": "yes"},
        ],
        "pools": [{"id": 0, "name": "Pool0"}],
        "volumes": _volumes("Pool0"),
    }


def _modern_port(number: int) -> dict[str, Any]:
    return {
        "id": 5,
        "node": f"node{number}",
        "address": f"10.0.1.{10 + number}",
        "mask": "255.255.255.0",
        "gateway": "10.0.1.1",
        "mac": f"01:23:45:67:89:0{number}",
        "duplex": "Full",
        "state": "configured",
        "speed": "10Gb/s",
    }
