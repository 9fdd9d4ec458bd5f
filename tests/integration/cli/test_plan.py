"""`plan -f`: the commands that these manifests would cause, and an exit code for programs."""

from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host
from support.manifest_files import CANARY, array, attachment, host, secret, volume
from support.simulated_arrays import simulated, writes
from support.stand import iqn

from .conftest import Ended, Run, Write

INSTALLATION = "0c7a4d8e-1f5d-4a50-9f0a-2b8f4a0f5a11"


def lines(ended: Ended) -> list[str]:
    """All planned commands, with their signs."""
    objects = [each for plan in ended.json["arrays"] for each in plan["objects"]]
    return [f"{command['sign']} {command['line']}" for each in objects for command in each["commands"]]


def test_a_first_attachment_is_planned_as_the_commands_to_type_and_none_is_sent(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(
        array(simulator), secret(simulator), host(), attachment("one", "vol0"), attachment("two", "vol1")
    )

    ended = run_cli("plan", "-f", where, "--installation-id", INSTALLATION)

    assert ended.code == 2
    shown = [line.strip() for line in ended.out.splitlines() if line.strip().startswith(("+", "-", "~"))]
    assert [line.split()[2] for line in shown] == ["mkhost", "mkvdiskhostmap", "mkvdiskhostmap"]
    assert [line.split("-scsi ")[1] for line in shown[1:]] == ["1 vol0", "2 vol1"]
    assert "Commands: 3 to send" in ended.out
    assert "??????" not in ended.out
    assert "no deletions are planned" in ended.err
    assert writes(simulator) == []

    for line in shown:  # the printed commands are accepted by the array
        assert simulator.control.admin(line[2:])["exit"] == 0
    again = run_cli("plan", "-f", where, "--installation-id", INSTALLATION)
    assert again.code == 0
    assert "nothing to send" in again.out


def test_without_an_installation_id_unknown_names_are_not_invented(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(array(simulator), secret(simulator, "data"), host(), attachment("one", "vol0"))

    ended = run_cli("plan", "-f", where)

    assert ended.code == 2
    assert "-name node-1-??????" in ended.out
    assert "--installation-id" in ended.err


def test_an_object_that_would_not_match_its_spec_is_an_error_next_to_what_would_be_done(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    foreign_host(simulator, "backup", iqn("backup"), volumes=("vol1",))
    held = attachment("held", "vol2")
    held["metadata"]["annotations"] = {"flashsystem.io/paused": "true"}
    where = write_manifests(
        *(array(simulator), secret(simulator), host()),
        *(attachment("one", "vol0"), attachment("taken", "vol1"), held, attachment("lost", "vol0", on="missing")),
    )

    ended = run_cli("plan", "-f", where, "-o", "json")

    assert ended.code == 1
    (plan,) = ended.json["arrays"]
    by_name = {each["name"]: each for each in plan["objects"]}
    assert [name for name, each in by_name.items() if each["commands"]] == ["one"]
    assert [name for name, each in by_name.items() if each["blocked"]] == ["taken"]
    assert "vol1 is mapped to backup" in by_name["taken"]["message"]
    assert [command["line"].split()[1] for command in by_name["held"]["held"]] == ["mkvdiskhostmap"]
    assert [each["name"] for each in ended.json["unplaced"]] == ["lost"]
    assert "! Volume vol1 is mapped to backup" in run_cli("plan", "-f", where).out


def test_what_is_held_back_on_purpose_is_no_change_and_no_error(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    planned = host()
    planned["metadata"]["annotations"] = {"flashsystem.io/plan": "true"}
    where = write_manifests(array(simulator), secret(simulator), planned, attachment("one", "vol0"))

    ended = run_cli("plan", "-f", where)

    assert ended.code == 0
    assert "# + svctask mkvdiskhostmap" in ended.out


def test_an_array_that_is_not_ready_is_an_error(run_cli: Run, simulator: Simulator, write_manifests: Write) -> None:
    where = write_manifests(array(simulator, pool="nowhere"), secret(simulator), host(), attachment("one", "vol0"))

    ended = run_cli("plan", "-f", where)

    assert ended.code == 1
    assert "! The array has no pool nowhere" in ended.out


def test_an_added_initiator_is_shown_with_its_own_sign(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(array(simulator), secret(simulator), host(), attachment("one", "vol0"))
    for line in lines(run_cli("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json")):
        assert simulator.control.admin(line[2:])["exit"] == 0

    more = host()
    more["spec"]["initiators"]["iscsi"].append(iqn("second"))
    write_manifests(array(simulator), secret(simulator), more, attachment("one", "vol0"), attachment("two", "vol1"))
    planned = lines(run_cli("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json"))

    assert [line.split()[0] + line.split()[2] for line in planned] == ["~addhostport", "+mkvdiskhostmap"]


def test_a_host_object_with_a_former_installation_id_belongs_to_this_installation(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(array(simulator), secret(simulator), host(), attachment("one", "vol0"))
    for line in lines(run_cli("plan", "-f", where, "--installation-id", "former", "-o", "json")):
        assert simulator.control.admin(line[2:])["exit"] == 0

    assert run_cli("plan", "-f", where, "--installation-id", INSTALLATION).code == 1
    moved = ("--installation-id", INSTALLATION, "--former-installation-ids", "other, former")
    assert run_cli("plan", "-f", where, *moved).code == 0


def test_an_administrators_host_object_is_mapped_under_its_own_name(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    foreign_host(simulator, "Old_Box", iqn("node-1"))
    admin(simulator, "mkvdiskhostmap -host Old_Box -scsi 4 vol1")
    where = write_manifests(
        array(simulator), secret(simulator), host(), attachment("one", "vol0"), attachment("two", "vol1", lun=4)
    )

    planned = lines(run_cli("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json"))

    assert planned == ["+ svctask mkvdiskhostmap -host Old_Box -scsi 1 vol0"]


def test_a_chap_secret_in_the_files_is_planned_and_never_shown(run_cli: Run, write_manifests: Write) -> None:
    with_chap = host()
    with_chap["spec"]["chap"] = {"secretRef": {"name": "chap"}}
    with simulated(dialect="modern") as simulator:
        documents = [array(simulator), secret(simulator), with_chap, attachment("one", "vol0")]
        where = write_manifests(*documents)
        assert "There is no Secret default/chap" in run_cli("plan", "-f", where).out

        chap = {"kind": "Secret", "metadata": {"name": "chap"}, "stringData": {"password": f"{CANARY}-chap"}}
        write_manifests(*documents, chap)
        planned = run_cli("plan", "-f", where, "-o", "json")  # run_cli fails if the canary is printed
        assert planned.code == 2
        assert any("-chapsecret" in line and "***" in line for line in lines(planned))

        with_chap["spec"]["chap"]["generate"] = True
        write_manifests(*documents)
        assert any("-chapsecret" in line for line in lines(run_cli("plan", "-f", where, "-o", "json")))


# -- volumes ---------------------------------------------------------------------------------------------------------

POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}
WITH_ID = ("--installation-id", INSTALLATION)


def test_a_new_volume_and_its_attachment_are_planned_as_commands_that_the_array_accepts(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(
        *(array(simulator, pool=POOLS[simulator.dialect]), secret(simulator), host()),
        *(volume("data"), attachment("one", {"ref": {"name": "data"}})),
    )

    planned = lines(run_cli("plan", "-f", where, *WITH_ID, "-o", "json"))

    make = {"legacy": "mkvdisk", "modern": "mkvolume"}[simulator.dialect]
    assert [line.split()[0] + line.split()[2] for line in planned] == [f"+{make}", "+mkhost", "+mkvdiskhostmap"]
    assert writes(simulator) == []
    for line in planned:
        assert simulator.control.admin(line[2:])["exit"] == 0
    again = run_cli("plan", "-f", where, *WITH_ID)
    assert (again.code, "nothing to send" in again.out) == (0, True)


def test_a_volume_that_the_array_has_under_its_name_is_planned_to_grow_and_is_not_created_again(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    of = array(simulator, pool=POOLS[simulator.dialect])
    where = write_manifests(of, secret(simulator), volume("data", "2Gi"))
    (made,) = lines(run_cli("plan", "-f", where, *WITH_ID, "-o", "json"))
    admin(simulator, made.removeprefix("+ svctask "))

    write_manifests(of, secret(simulator), volume("data", "3Gi"))
    planned = lines(run_cli("plan", "-f", where, *WITH_ID, "-o", "json"))

    name = made.split("-name ")[1].split()[0]
    assert planned == [f"~ svctask expandvdisksize -size {1024**3} -unit b {name}"]


def test_a_throttle_is_planned_for_new_volumes_and_for_those_that_exist(run_cli: Run, write_manifests: Write) -> None:
    with simulated(dialect="modern") as simulator:
        documents = array(simulator, pool="Pool0"), secret(simulator)
        where = write_manifests(*documents, volume("data", throttle={"iops": 500}))
        first = lines(run_cli("plan", "-f", where, *WITH_ID, "-o", "json"))
        for line in first:
            admin(simulator, line[2:].removeprefix("svctask "))
        write_manifests(*documents, volume("data", throttle={"iops": 900}))
        second = lines(run_cli("plan", "-f", where, *WITH_ID, "-o", "json"))

    assert [line.split()[0] + line.split()[2] for line in first] == ["+mkvolume", "~mkthrottle"]
    assert [line.split()[0] + line.split()[2] for line in second] == ["~chthrottle"]


def test_without_an_installation_id_the_names_of_volumes_are_not_invented_either(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(
        *(array(simulator, pool=POOLS[simulator.dialect]), secret(simulator), host()),
        *(volume("data"), attachment("one", {"ref": {"name": "data"}})),
    )

    planned = lines(run_cli("plan", "-f", where, "-o", "json"))

    assert [line.count("-??????") for line in planned] == [1, 1, 2]


def test_an_imported_volume_needs_no_command_and_is_mapped_under_its_own_name(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    where = write_manifests(
        *(array(simulator), secret(simulator), host()),
        *(volume("data", imported={"name": "vol0"}), attachment("one", {"ref": {"name": "data"}})),
    )

    ended = run_cli("plan", "-f", where, *WITH_ID, "-o", "json")

    assert ended.code == 2
    made, mapped = lines(ended)
    assert made.split()[2] == "mkhost"
    assert mapped.endswith(" vol0")


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        ([volume("data", of="fs2")], "FlashSystemArray default/fs2 is not among the files"),
        ([host(), attachment("one", {"ref": {"name": "data"}})], "FlashSystemVolume default/data is not among the"),
        ([volume("data", pool="nowhere")], "The array has no pool nowhere"),
        ([volume("data", size="100Ti")], "and 100Ti are needed"),
        ([volume("data", imported={"name": "nowhere"})], "The array has no volume named nowhere"),
        (
            [volume("data", imported={"name": "vol0"}), volume("same", imported={"name": "vol0"})],
            "Volume vol0 belongs to FlashSystemVolume default/data already",
        ),
    ],
    ids=[
        "its array is not in the files",
        "the volume of an attachment is not in the files",
        "the pool does not exist",
        "the pool is too full",
        "the volume to import does not exist",
        "two objects import one volume",
    ],
)
def test_a_volume_that_would_not_get_ready_is_an_error_with_the_reason(
    run_cli: Run, simulator: Simulator, write_manifests: Write, documents: list[dict[str, Any]], why: str
) -> None:
    where = write_manifests(array(simulator, pool=POOLS[simulator.dialect]), secret(simulator), *documents)

    ended = run_cli("plan", "-f", where, *WITH_ID)

    assert ended.code == 1
    assert f"! {why}" in ended.out or why in ended.out
