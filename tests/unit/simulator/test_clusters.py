"""Host clusters: shared mappings next to private ones."""

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


def test_shared_and_private_mappings_use_the_same_luns(shell: Shell) -> None:
    assert shell("mkvdiskhostmap -host a -scsi 0 vol1").code == "CMMVC5879E"
    assert shell("mkvdiskhostmap -host a vol1").status == 0
    assert shell("mkvolumehostclustermap -hostcluster hc -scsi 1 vol2").code == "CMMVC9072E"

    kinds = {row["vdisk_name"]: row["mapping_type"] for row in shell("lshostvdiskmap -delim ! a").rows}
    assert kinds == {"vol0": "shared", "vol1": "private"}


def test_a_shared_mapping_is_not_removed_like_a_private_one(shell: Shell) -> None:
    assert shell("rmvdiskhostmap -host a vol0").code == "CMMVC9071E"
    assert shell("rmvdiskhostmap -host c vol0").code == "CMMVC5842E"
    assert shell("rmhostiogrp -force -iogrp 0 a").code == "CMMVC9374E"
    assert shell("rmvolumehostclustermap -hostcluster hc vol1").code == "CMMVC9069E"
    assert shell("mkvolumehostclustermap -hostcluster hc vol0").code == "CMMVC9066E"
    assert shell("rmvolumehostclustermap -hostcluster hc vol0").status == 0
    assert shell("lsvdiskhostmap vol0").stdout == ""


def test_volumes_are_listed_for_one_or_all_host_clusters_with_or_without_members(shell: Shell) -> None:
    shell("mkhostcluster -name other")
    shell("addhostclustermember -host c other")
    shell("mkvolumehostclustermap -hostcluster other -scsi 3 vol1")
    assert shell("rmhostclustermember -host c -removemappings -force other").status == 0

    one, everything = (shell(f"lshostclustervolumemap -delim ! {name}").rows for name in ("other", ""))

    assert [(row["name"], row["volume_name"], row["SCSI_id"]) for row in one] == [("other", "vol1", "3")]
    assert [(row["name"], row["volume_name"]) for row in everything] == [("hc", "vol0"), ("other", "vol1")]
    assert shell("mkvdiskhostmap -host c vol1").code == "CMMVC6071E"
    assert shell("lsvdiskhostmap vol1").stdout == ""


def test_a_shared_volume_counts_as_mapped_for_all_other_hosts(shell: Shell) -> None:
    assert shell("mkvdiskhostmap -host c vol0").code == "CMMVC6071E"
    assert shell("rmvdisk vol0").code == "CMMVC5840E"


def test_a_member_may_keep_its_mappings_when_it_leaves(shell: Shell) -> None:
    assert shell("rmhost a").code == "CMMVC5871E"
    assert shell("rmhostclustermember -host a hc").code == "CMMVC9070E"
    assert shell("rmhostclustermember -host a -keepmappings -removemappings hc").code == "CMMVC5713E"
    assert shell("rmhostclustermember -host c -keepmappings hc").code == "CMMVC8938E"
    assert shell("rmhostclustermember -host a -keepmappings hc").status == 0
    assert shell("rmhostclustermember -host b -removemappings hc").code == "CMMVC9064E"
    assert shell("rmhostclustermember -host b -removemappings -force hc").status == 0

    assert [row["mapping_type"] for row in shell("lsvdiskhostmap -delim ! vol0").rows] == ["private"]


def test_the_lists_of_host_clusters_agree(shell: Shell) -> None:
    assert shell("lshostcluster -delim !").rows[0]["host_count"] == "2"
    members = shell("lshostclustermember -delim ! hc").rows
    assert [row["host_name"] for row in members] == ["a", "b"]
    assert list(members[0])[-3:] == ["site_id", "site_name", "protocol"]
    assert [row["name"] for row in shell("lshostclustervolumemap -delim !").rows] == ["hc"]
    assert [row["volume_name"] for row in shell("lshostclustervolumemap -delim ! hc").rows] == ["vol0"]
    assert shell("rmhostcluster -removemappings hc").status == 0
    assert shell("lshostcluster -delim !").stdout == ""


def test_a_seed_host_brings_its_mappings_into_the_host_cluster(shell: Shell) -> None:
    shell("mkvdiskhostmap -host c -scsi 9 vol3")
    shell("mkvdiskhostmap -host c -scsi 8 vol4")

    assert shell("mkhostcluster -seedfromhost c -ignoreseedvolume vol2").code == "CMMVC9078E"
    assert shell("mkhostcluster -seedfromhost a").code == "CMMVC8934E"
    assert shell("mkhostcluster -name other -seedfromhost c -ignoreseedvolume vol4").status == 0
    kinds = {row["vdisk_name"]: row["mapping_type"] for row in shell("lshostvdiskmap -delim ! c").rows}
    assert kinds == {"vol3": "shared", "vol4": "private"}


def test_a_host_with_a_protected_private_volume_is_not_removed_with_its_host_cluster(
    start: Start, log_in: Open
) -> None:
    hosts = [{"name": "a", "host_cluster": "hc", "ports": [{"name": "iqn.a"}]}]
    volumes = [{"name": "busy", "pool": "Pool0", "recent_io": True}]
    own = [{"host": "a", "volume": "busy", "lun": 0}]
    array = {"hosts": hosts, "host_clusters": [{"name": "hc"}], "volumes": volumes, "mappings": own}
    simulator = start(array)
    shell = log_in(simulator)

    assert shell("rmhostcluster -removeallhosts -removemappings hc").code == "CMMVC5713E"
    assert shell("rmhostcluster -removeallhosts hc").code == "CMMVC9079E"
    assert shell("rmhostcluster -removeallhosts -force hc").code == "CMMVC8461E"
    assert [host["name"] for host in simulator.control.state()["hosts"]] == ["a"]
    assert shell("rmhostcluster -removemappings hc").status == 0


def test_a_host_is_a_member_of_one_existing_host_cluster(shell: Shell) -> None:
    assert shell("addhostclustermember -host a hc").code == "CMMVC8934E"
    assert shell("addhostclustermember -host c:c hc").code == "CMMVC9081E"
    assert shell("addhostclustermember -host c nowhere").code == "CMMVC8935E"
    assert shell("rmhostcluster nowhere").code == "CMMVC8935E"


def test_removing_a_host_cluster_with_shared_mappings_needs_an_option_for_them(shell: Shell) -> None:
    assert shell("rmhostcluster hc").code == "CMMVC8936E"
    assert shell("rmvolumehostclustermap -hostcluster hc vol0").status == 0
    assert shell("rmhostcluster hc").status == 0


def test_a_host_with_the_volume_at_another_lun_or_with_the_lun_in_use_cannot_join(shell: Shell) -> None:
    shell("mkvdiskhostmap -host c -scsi 4 -force vol0")
    other_lun = shell("addhostclustermember -host c hc").code
    shell("rmvdiskhostmap -host c vol0")
    shell("mkvdiskhostmap -host c -scsi 0 vol1")
    lun_in_use = shell("addhostclustermember -host c hc").code
    shell("rmvdiskhostmap -host c vol1")
    shell("mkvdiskhostmap -host c -scsi 0 -force vol0")

    assert (other_lun, lun_in_use) == ("CMMVC9073E", "CMMVC9072E")
    assert shell("addhostclustermember -host c hc").status == 0
    assert [row["mapping_type"] for row in shell("lshostvdiskmap -delim ! c").rows] == ["shared"]


def test_a_volume_is_shared_with_members_at_one_lun(shell: Shell) -> None:
    shell("mkvdiskhostmap -host a -scsi 5 vol1")
    shell("mkvdiskhostmap -host c -scsi 5 vol2")

    assert shell("mkvolumehostclustermap -hostcluster hc -scsi 6 vol1").code == "CMMVC9073E"
    assert shell("mkvolumehostclustermap -hostcluster hc vol1").status == 0
    assert {row["SCSI_id"] for row in shell("lsvdiskhostmap -delim ! vol1").rows} == {"5"}
    assert shell("mkvolumehostclustermap -hostcluster hc vol2").code == "CMMVC9074E"
    assert shell("mkvolumehostclustermap -hostcluster hc -force vol2").status == 0
    shell("mkhostcluster -name empty")
    assert shell("mkvolumehostclustermap -hostcluster empty vol3").code == "CMMVC9065E"


def test_seed_hosts_must_agree_on_the_luns_that_they_share(start: Start, log_in: Open) -> None:
    hosts = [{"name": name, "ports": [{"name": f"iqn.{name}"}]} for name in "ab"]
    mappings = [{"host": name, "volume": "vol0", "lun": lun} for lun, name in enumerate("ab")]
    other = log_in(start({"hosts": hosts, "mappings": mappings}))

    assert other("mkhostcluster -seedfromhost a:b").code == "CMMVC9068E"
    other("rmvdiskhostmap -host b vol0")
    other("mkvdiskhostmap -host b -scsi 0 vol1")
    assert other("mkhostcluster -seedfromhost a:b").code == "CMMVC9077E"


def test_a_member_may_keep_a_volume_that_is_no_longer_shared(shell: Shell) -> None:
    assert shell("rmvolumehostclustermap -hostcluster hc -makeprivate c vol0").code == "CMMVC8938E"
    assert shell("rmvolumehostclustermap -hostcluster hc -makeprivate b vol0").status == 0

    assert [(row["host_name"], row["mapping_type"]) for row in shell("lsvdiskhostmap -delim ! vol0").rows] == [
        ("b", "private")
    ]


def test_the_last_host_with_shared_mappings_leaves_only_with_force(shell: Shell) -> None:
    assert shell("rmhostclustermember -host a:b -keepmappings hc").code == "CMMVC9064E"
    assert shell("rmhostclustermember -host a:b -keepmappings -force hc").status == 0
    assert shell("lshostclustermember hc").stdout == ""
