"""`plan -f`: what would be done for these files, as it would be typed; and an exit code that tells it to programs."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from flashsystem_operator.simulator import Simulator
from support.arrays import pretend, writes
from support.contents import admin, foreign_host
from support.stand import iqn

from .conftest import CANARY, Ended, Run

INSTALLATION = "0c7a4d8e-1f5d-4a50-9f0a-2b8f4a0f5a11"
API = "flashsystem.io/v1alpha1"

Write = Callable[..., str]


def array(simulator: Simulator, name: str = "fs1", **spec: Any) -> dict[str, Any]:
    wished = {
        "management": {"addresses": [simulator.host], "port": simulator.port},
        "credentialsSecretRef": {"name": "login"},
        "hostKeys": [simulator.host_key],
    }
    return resource("FlashSystemArray", name, {**wished, **spec})


def secret(simulator: Simulator, field: str = "stringData") -> dict[str, Any]:
    words = {"username": simulator.user, "password": CANARY}
    if field == "data":
        words = {key: base64.b64encode(word.encode()).decode() for key, word in words.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, field: words}


def host(name: str = "node-1", of: str = "fs1") -> dict[str, Any]:
    return resource("FlashSystemHost", name, {"arrayRef": {"name": of}, "initiators": {"iscsi": [iqn(name)]}})


def attachment(name: str, volume: str, on: str = "node-1", **spec: Any) -> dict[str, Any]:
    return resource("VolumeAttachment", name, {"hostRef": {"name": on}, "volume": {"name": volume}, **spec})


def resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """Write documents into files of a folder; answers with the folder."""

    def write(*documents: dict[str, Any], file: str = "all.yaml") -> str:
        path = tmp_path / "manifests" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents))
        return str(tmp_path / "manifests")

    return write


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
    assert "none is deleted" in ended.err
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


def test_several_arrays_are_all_looked_at_or_one_by_its_name(ran: Run, simulator: Simulator, folder: Write) -> None:
    folder(array(simulator), secret(simulator), file="one.yaml")
    where = folder(host(), attachment("one", "vol0"), host("node-2", of="fs2"), file="hosts.yml")
    with pretend({"system": {"id": "00000000000000FF"}}) as other:
        folder(array(other, "fs2"), file="arrays/two.yaml")
        assert "FlashSystemArray default/fs2 is not among the files" in ran("plan", "-f", where).out
        both = ran("plan", "-R", "-f", where, "-o", "json")
        assert both.code == 2
        assert {plan["array"]["name"]: len(plan["objects"]) for plan in both.json["arrays"]} == {"fs1": 2, "fs2": 1}
        assert {plan["system"]["id"] for plan in both.json["arrays"]} > {"00000000000000FF"}

    folder(array(simulator, "fs2"), file="arrays/two.yaml")
    twice = ran("plan", "-R", "-f", where, "-o", "json")
    assert twice.code == 1
    assert [bool(plan["closed"]) for plan in twice.json["arrays"]] == [False, True]  # arrays/two.yaml comes first
    one = ran("plan", "-R", "-f", where, "--array", "fs2", "-o", "json")
    assert one.code == 0
    assert [plan["array"]["name"] for plan in one.json["arrays"]] == ["fs2"]


def test_an_array_that_is_not_in_the_files_is_given_by_its_address(
    ran: Run, by_address: list[str], folder: Write
) -> None:
    where = folder(host(), attachment("one", "vol0"))

    ended = ran("plan", "-f", where, "--array", "fs1", *by_address, password=CANARY)

    assert ended.code == 2
    assert "mkvdiskhostmap" in ended.out
    assert ran("plan", "-f", where, *by_address).code == 64


def test_an_initiator_that_is_added_is_told_with_its_own_sign(ran: Run, simulator: Simulator, folder: Write) -> None:
    where = folder(array(simulator), secret(simulator), host(), attachment("one", "vol0"))
    for line in lines(ran("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json")):
        assert simulator.control.admin(line[2:])["exit"] == 0

    more = host()
    more["spec"]["initiators"]["iscsi"].append(iqn("second"))
    folder(array(simulator), secret(simulator), more, attachment("one", "vol0"), attachment("two", "vol1"))
    told = lines(ran("plan", "-f", where, "--installation-id", INSTALLATION, "-o", "json"))

    assert [line.split()[0] + line.split()[2] for line in told] == ["~addhostport", "+mkvdiskhostmap"]


def test_every_mistake_in_the_files_is_told_with_its_place(ran: Run, simulator: Simulator, folder: Write) -> None:
    folder(
        array(simulator, hostkeys=[]),
        attachment("one", "vol0", lun="7"),
        attachment("two", "vol$1"),
        attachment("two", "vol1"),
        attachment("two", "vol1"),
        {"apiVersion": API, "kind": "VolumeAttachments", "metadata": {"name": "x"}},
        {"kind": "Secret", "metadata": {"name": "login"}, "data": {"password": [CANARY]}},
        file="bad.yaml",
    )
    where = folder(file="broken.yaml")
    (Path(where) / "broken.yaml").write_text("a: 1\na: 2\n")

    ended = ran("plan", "-f", where)

    assert (ended.code, ended.out) == (1, "")
    bad, broken = f"{where}/bad.yaml, document", f"{where}/broken.yaml"
    for told in (
        f"{bad} 1, spec.hostkeys: there is none of that name: write hostKeys",
        f"{bad} 2, spec.lun: ",
        f"{bad} 3, spec.volume.name: 'vol$1' is not a volume name",
        f"{bad} 5: VolumeAttachment default/two was there before",
        f"{bad} 6: flashsystem.io has no kind 'VolumeAttachments'",
        f"{bad} 7: this Secret needs",
        f"{broken}: is not YAML in line 2: the key 'a' is there twice",
    ):
        assert f"flashsystem-operator: {told}" in ended.err
    assert len(ended.err.splitlines()) == 7
    assert simulator.control.log() == []


def test_an_array_that_chooses_by_labels_asks_for_the_namespace(ran: Run, simulator: Simulator, folder: Write) -> None:
    choosing = {"from": "Selector", "selector": {"matchLabels": {"storage": "yes"}}}
    documents = [array(simulator, allowedNamespaces=choosing), secret(simulator), host(), attachment("one", "vol0")]
    where = folder(*documents)
    assert "Namespace default is not among the files. Add it." in ran("plan", "-f", where).out

    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "labels": {"storage": "yes"}}}
    folder(*documents, space)
    assert ran("plan", "-f", where).code == 2
    folder(*documents, {**space, "metadata": {"name": "default"}})
    assert ran("plan", "-f", where).code == 1


def test_a_host_object_of_an_id_that_the_installation_had_before_is_its_own(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    where = folder(array(simulator), secret(simulator), host(), attachment("one", "vol0"))
    for line in lines(ran("plan", "-f", where, "--installation-id", "former", "-o", "json")):
        assert simulator.control.admin(line[2:])["exit"] == 0

    assert ran("plan", "-f", where, "--installation-id", INSTALLATION).code == 1
    moved = ("--installation-id", INSTALLATION, "--former-installation-ids", "other, former")
    assert ran("plan", "-f", where, *moved).code == 0


def test_other_kinds_are_passed_over_and_counted(ran: Run, simulator: Simulator, folder: Write) -> None:
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [host(), other]}
    where = folder(array(simulator), secret(simulator), other, listed)

    ended = ran("plan", "-f", where)

    assert ended.code == 0
    assert "other kinds: 2" in ended.err
    assert "Objects: 1." in ended.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "-f"),
        (("-f", "{nothing}", "--fly"), "--fly"),
        (("-f", "{nothing}", "--host-key", "x"), "--host-key"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_call_ends_with_64_since_2_says_that_there_are_changes(
    ran: Run, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    ended = ran("plan", *(word.format(nothing=tmp_path) for word in words))

    assert (ended.code, ended.out) == (64, "")
    (line,) = ended.err.splitlines()
    assert why in line


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("{tmp}/nowhere", "give a file that can"),
        ("{tmp}", "holds no file"),
        ("{tmp}/empty.yaml", "no FlashSystemArray"),
    ],
)
def test_files_that_say_nothing_are_an_error(ran: Run, tmp_path: Path, path: str, why: str) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    if path.endswith("empty.yaml"):
        (folder / "empty.yaml").write_text("# nothing\n")

    ended = ran("plan", "-f", path.format(tmp=folder))

    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err


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
    with pretend(dialect="modern") as simulator:
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
