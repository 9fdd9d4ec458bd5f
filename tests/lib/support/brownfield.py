"""An array that administrators have used for years: hosts under names of theirs, a shared volume, names with blanks."""

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host
from support.stand import iqn

SHARED = "vol1"


def fill(simulator: Simulator) -> None:
    """Four hosts, two of them empty, one of these with a Fibre Channel port too; three mappings, two of one volume."""
    pool = simulator.control.state()["pools"][0]["name"]
    admin(simulator, f"mkvdisk -name 'my vol' -mdiskgrp {pool} -iogrp 0 -size 1 -unit gb")
    foreign_host(simulator, "DB.1", iqn("db-1"), iqn("db-1-second"))
    foreign_host(simulator, "backup", iqn("backup"))
    foreign_host(simulator, "empty", iqn("empty"))
    foreign_host(simulator, "esx-mixed", iqn("mixed"))
    admin(simulator, "addhostport -force -fcwwpn 2100000E1E30E598 esx-mixed")
    admin(simulator, "mkvdiskhostmap -host DB.1 -scsi 0 'my vol'")
    admin(simulator, f"mkvdiskhostmap -host DB.1 -scsi 12 {SHARED}")
    admin(simulator, f"mkvdiskhostmap -force -host backup -scsi 3 {SHARED}")


def unfit(simulator: Simulator) -> dict[str, str]:
    """Add objects that no resource can represent. Return texts that the reasons for leaving them out contain."""
    admin(simulator, "mkhost -name esx-fc -force -fcwwpn 2100000E1E30E597")
    admin(simulator, "mkvdiskhostmap -host esx-fc -scsi 0 vol3")
    left = {"esx-fc, with its mappings of 1 volume": "only iSCSI"}
    if simulator.dialect == "legacy":
        return left
    admin(simulator, f"mkhost -name member -iscsiname {iqn('member')}")
    admin(simulator, "mkhostcluster -name cluster-1")
    admin(simulator, "addhostclustermember -host member cluster-1")
    admin(simulator, "mkvolumehostclustermap -hostcluster cluster-1 -scsi 5 vol4")
    return left | {"volume vol4 on host member at LUN 5": "host cluster cluster-1"}
