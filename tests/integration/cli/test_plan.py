"""`plan -f`: what would be done for these files, as it would be typed; and an exit code that tells it to programs."""

from flashsystem_operator.simulator import Simulator
from support.array_state import admin, foreign_host
from support.manifest_files import CANARY, array, attachment, host, secret
from support.simulated_arrays import simulated, writes
from support.stand import iqn

from .conftest import Ended, Run, Write

INSTALLATION = "0c7a4d8e-1f5d-4a50-9f0a-2b8f4a0f5a11"


def lines(ended: Ended) -> list[str]:
    """All commands, with their signs."""
    objects = [each for plan in ended.json["arrays"] for each in plan["objects"]]
    return [f"{command['sign']} {command['line']}" for each in objects for command in each["commands"]]


def test_a_first_volume_is_told_as_the_commands_that_would_be_typed_and_none_is(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    where = folder(array(simulator), secret(simulator), host(), attachment("one", "vol0"), attachment("two", "vol1"))

    ended = ran("plan", "-f", where, "--installation-id", INSTALLATION)

    assert ended.code == 2
    shown = [line.strip() for line in ended.out.splitlines() if line.strip().startswith(("+", "-", "~"))]
    assert [line.split()[2] for line in shown] == ["mkhost", "mkvdiskhostmap", "mkvdiskhostmap"]
    assert [line.split("-scsi ")[1] for line in shown[1:]] == ["1 vol0", "2 vol1"]
    assert "Commands: 3 to send" in ended.out
    assert "??????" not in ended.out
    assert "no deletions are planned" in ended.err
    assert writes(simulator) == []

    for line in shown:  # as they stand there, they are what the array takes
        assert simulator.control.admin(line[2:])["exit"] == 0
    again = ran("plan", "-f", where, "--installation-id", INSTALLATION)
    assert again.code == 0
    assert "nothing to send" in again.out


def test_without_an_installation_id_names_that_are_not_known_are_not_made_up(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    where = folder(array(simulator), secret(simulator, "data"), host(), attachment("one", "vol0"))

    ended = ran("plan", "-f", where)

    assert ended.code == 2
    assert "-name node-1-??????" in ended.out
    assert "--installation-id" in ended.err


def test_an_object_that_would_not_become_as_wished_is_an_error_beside_what_would_be_done(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    foreign_host(simulator, "backup", iqn("backup"), volumes=("vol1",))
    held = attachment("held", "vol2")
    held["metadata"]["annotations"] = {"flashsystem.io/paused": "true"}
    where = folder(
        *(array(simulator), secret(simulator), host()),
        *(attachment("one", "vol0"), attachment("taken", "vol1"), held, attachment("lost", "vol0", on="nobody")),
    )

    ended = ran("plan", "-f", where, "-o", "json")

    assert ended.code == 1
    (plan,) = ended.json["arrays"]
    said = {each["name"]: each for each in plan["objects"]}
    assert [name for name, each in said.items() if each["commands"]] == ["one"]
    assert [name for name, each in said.items() if each["blocked"]] == ["taken"]
    assert "vol1 is mapped to backup" in said["taken"]["message"]
    assert [command["line"].split()[1] for command in said["held"]["held"]] == ["mkvdiskhostmap"]
    assert [each["name"] for each in ended.json["unplaced"]] == ["lost"]
    assert "! Volume vol1 is mapped to backup" in ran("plan", "-f", where).out


def test_what_held_back_on_purpose_is_no_change_and_no_error(ran: Run, simulator: Simulator, folder: Write) -> None:
    planned = host()
    planned["metadata"]["annotations"] = {"flashsystem.io/plan": "true"}
    where = folder(array(simulator), secret(simulator), planned, attachment("one", "vol0"))

    ended = ran("plan", "-f", where)

    assert ended.code == 0
    assert "# + svctask mkvdiskhostmap" in ended.out


def test_an_array_that_is_not_ready_is_an_error(ran: Run, simulator: Simulator, folder: Write) -> None:
    where = folder(array(simulator, pool="nowhere"), secret(simulator), host(), attachment("one", "vol0"))

    ended = ran("plan", "-f", where)

    assert ended.code == 1
    assert "! The array has no pool nowhere" in ended.out


def test_an_initiator_that_is_added_is_told_with_its_own_sign(ran: Run, simulator: Simulator, folder: Write) -> None:
    where = folder(array(simulator), secret(simulator), host(), attachment("one", "vol0"))
    for line in lines(ran("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json")):
        assert simulator.control.admin(line[2:])["exit"] == 0

    more = host()
    more["spec"]["initiators"]["iscsi"].append(iqn("second"))
    folder(array(simulator), secret(simulator), more, attachment("one", "vol0"), attachment("two", "vol1"))
    told = lines(ran("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json"))

    assert [line.split()[0] + line.split()[2] for line in told] == ["~addhostport", "+mkvdiskhostmap"]


def test_a_host_object_of_an_id_that_the_installation_had_before_is_its_own(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    where = folder(array(simulator), secret(simulator), host(), attachment("one", "vol0"))
    for line in lines(ran("plan", "-f", where, "--installation-id", "former", "-o", "json")):
        assert simulator.control.admin(line[2:])["exit"] == 0

    assert ran("plan", "-f", where, "--installation-id", INSTALLATION).code == 1
    moved = ("--installation-id", INSTALLATION, "--former-installation-ids", "other, former")
    assert ran("plan", "-f", where, *moved).code == 0


def test_a_host_object_of_an_administrators_is_mapped_to_under_its_own_name(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    foreign_host(simulator, "Old_Box", iqn("node-1"))
    admin(simulator, "mkvdiskhostmap -host Old_Box -scsi 4 vol1")
    where = folder(
        array(simulator), secret(simulator), host(), attachment("one", "vol0"), attachment("two", "vol1", lun=4)
    )

    told = lines(ran("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json"))

    assert told == ["+ svctask mkvdiskhostmap -host Old_Box -scsi 1 vol0"]


def test_a_chap_secret_of_the_files_is_planned_and_never_shown(ran: Run, folder: Write) -> None:
    proving = host()
    proving["spec"]["chap"] = {"secretRef": {"name": "chap"}}
    with simulated(dialect="modern") as simulator:
        documents = [array(simulator), secret(simulator), proving, attachment("one", "vol0")]
        where = folder(*documents)
        assert "There is no Secret default/chap" in ran("plan", "-f", where).out

        words = {"kind": "Secret", "metadata": {"name": "chap"}, "stringData": {"password": f"{CANARY}-chap"}}
        folder(*documents, words)
        planned = ran("plan", "-f", where, "-o", "json")  # which fails where the canary is shown
        assert planned.code == 2
        assert any("-chapsecret" in line and "***" in line for line in lines(planned))

        proving["spec"]["chap"]["generate"] = True
        folder(*documents)
        assert any("-chapsecret" in line for line in lines(ran("plan", "-f", where, "-o", "json")))
