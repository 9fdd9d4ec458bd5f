"""A good row of each listing, as the array prints it: to be changed in one place."""

from collections.abc import Mapping

UID = "6005076810CA0166C00000000000019F"

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
    "lsmdiskgrp": {
        "id": "0",
        "name": "Pool0",
        "status": "online",
        "mdisk_count": "1",
        "vdisk_count": "5",
        "capacity": "3573412790272",
        "extent_size": "1024",
        "free_capacity": "1073741824",
        "virtual_capacity": "4398046511104",
        "used_capacity": "2199023255552",
        "real_capacity": "2199023255552",
        "overallocation": "123",
        "parent_mdisk_grp_id": "0",
        "parent_mdisk_grp_name": "Pool0",
        "type": "parent",
        "data_reduction": "no",
    },
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
    "lshostclustervolumemap": {"id": "0", "name": "c", "SCSI_id": "7", "volume_name": "vol 0", "volume_UID": UID},
    "lsportset": {"id": "0", "name": "portset0", "type": "host"},
    "lsip": {"id": "0", "node_id": "1", "portset_name": "portset0", "IP_address": "10.0.0.1"},
    "lsportip": {"id": "1", "node_id": "1", "IP_address": "10.0.0.1", "state": "online", "host": "yes"},
}


def printed(row: Mapping[str, str]) -> str:
    return "!".join(row) + "\n" + "!".join(row.values()) + "\n"
