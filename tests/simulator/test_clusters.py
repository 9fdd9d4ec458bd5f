"""Host clusters: shared mappings beside private ones."""

import pytest

from support.plain_ssh import Open, Shell, Start


@pytest.fixture
def shell(start: Start, log_in: Open) -> Shell:
    """A session on an array where hosts a and b are in the host cluster hc, which has vol0 at LUN 0."""
    hosts = [{"name": name, "ports": [{"name": f"iqn.{name}"}]} for name in "abc"]
    opened = log_in(start({"hosts": hosts}))
    opened("mkhostcluster -name hc")
    opened("addhostclustermember -host a:b hc")
    assert opened("mkvolumehostclustermap -hostcluster hc -scsi 0 vol0").status == 0
    return opened


def test_a_shared_mapping_is_one_row_for_each_member(shell: Shell) -> None:
    rows = shell("lsvdiskhostmap -delim ! vol0").rows

    assert [(row["host_name"], row["mapping_type"], row["host_cluster_name"]) for row in rows] == [
        ("a", "shared", "hc"),
        ("b", "shared", "hc"),
    ]
    assert shell("lshost -delim ! a").keys["host_cluster_name"] == "hc"


def test_shared_and_private_mappings_draw_on_the_same_luns(shell: Shell) -> None:
    assert shell("mkvdiskhostmap -host a -scsi 0 vol1").code == "CMMVC5879E"
    assert shell("mkvdiskhostmap -host a vol1").status == 0
    assert shell("mkvolumehostclustermap -hostcluster hc -scsi 1 vol2").code == "CMMVC5879E"

    kinds = {row["vdisk_name"]: row["mapping_type"] for row in shell("lshostvdiskmap -delim ! a").rows}
    assert kinds == {"vol0": "shared", "vol1": "private"}


def test_a_shared_mapping_is_not_removed_like_a_private_one(shell: Shell) -> None:
    assert shell("rmvdiskhostmap -host a vol0").code == "CMMVC5842E"
    assert shell("rmvolumehostclustermap -hostcluster hc vol1").code == "CMMVC9069E"
    assert shell("mkvolumehostclustermap -hostcluster hc vol0").code == "CMMVC9066E"
    assert shell("rmvolumehostclustermap -hostcluster hc vol0").status == 0
    assert shell("lsvdiskhostmap vol0").stdout == ""


def test_a_shared_volume_is_mapped_elsewhere_for_everybody_else(shell: Shell) -> None:
    assert shell("mkvdiskhostmap -host c vol0").code == "CMMVC6071E"
    assert shell("rmvdisk vol0").code == "CMMVC5840E"


def test_a_member_may_keep_its_mappings_when_it_leaves(shell: Shell) -> None:
    assert shell("rmhost a").code == "CMMVC5871E"
    assert shell("rmhostclustermember -host a hc").code == "CMMVC5707E"
    assert shell("rmhostclustermember -host a -keepmappings hc").status == 0
    assert shell("rmhostclustermember -host b -removemappings hc").code == "CMMVC6045E"
    assert shell("rmhostclustermember -host b -removemappings -force hc").status == 0

    assert [row["mapping_type"] for row in shell("lsvdiskhostmap -delim ! vol0").rows] == ["private"]


def test_the_lists_of_host_clusters_agree(shell: Shell) -> None:
    assert shell("lshostcluster -delim !").rows[0]["host_count"] == "2"
    assert [row["host_name"] for row in shell("lshostclustermember -delim ! hc").rows] == ["a", "b"]
    assert [row["volume_name"] for row in shell("lshostclustervolumemap -delim ! hc").rows] == ["vol0"]
    assert shell("rmhostcluster -removemappings hc").status == 0
    assert shell("lshostcluster -delim !").stdout == ""


def test_a_seed_brings_its_mappings_along(shell: Shell) -> None:
    shell("mkvdiskhostmap -host c -scsi 9 vol3")

    assert shell("mkhostcluster -name other -seedfromhost c").status == 0
    assert [row["mapping_type"] for row in shell("lsvdiskhostmap -delim ! vol3").rows] == ["shared"]


def test_a_host_with_a_protected_volume_of_its_own_does_not_go_with_its_host_cluster(
    start: Start, log_in: Open
) -> None:
    hosts = [{"name": "a", "host_cluster": "hc", "ports": [{"name": "iqn.a"}]}]
    volumes = [{"name": "busy", "pool": "Pool0", "recent_io": True}]
    own = [{"host": "a", "volume": "busy", "lun": 0}]
    array = {"hosts": hosts, "host_clusters": [{"name": "hc"}], "volumes": volumes, "mappings": own}
    simulator = start(array)
    shell = log_in(simulator)

    assert shell("rmhostcluster -removeallhosts -removemappings hc").code == "CMMVC9199E"
    assert [host["name"] for host in simulator.control.state()["hosts"]] == ["a"]
    assert shell("rmhostcluster -removemappings hc").status == 0
