"""`plan -f`: which files are read, what may be in them, and how a mistake in them or in the call is told."""

import io
from pathlib import Path

import pytest

from flashsystem_operator.simulator import Simulator
from support.manifest_files import API, CANARY, array, attachment, host, secret
from support.simulated_arrays import simulated

from .conftest import Run, Write


def test_several_arrays_are_all_looked_at_or_one_by_its_name(ran: Run, simulator: Simulator, folder: Write) -> None:
    folder(array(simulator), secret(simulator), file="one.yaml")
    where = folder(host(), attachment("one", "vol0"), host("node-2", of="fs2"), file="hosts.yml")
    with simulated({"system": {"id": "00000000000000FF"}}) as other:
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
        ("{tmp}", "contains no file"),
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


def test_an_array_of_the_files_that_is_reached_in_another_way_is_used_as_its_file_says(
    ran: Run, simulator: Simulator, by_address: list[str], folder: Write
) -> None:
    elsewhere = array(simulator, management={"addresses": ["192.0.2.1"]}, multiHostMapping="Forbidden")
    two = [attachment(name, "vol0", on=name, access="Shared") for name in ("node-1", "node-2")]
    where = folder(elsewhere, host("node-1"), host("node-2"), *two)

    ended = ran("plan", "-f", where, "--array", "fs1", *by_address, password=CANARY)

    assert ended.code == 1
    assert "multiHostMapping" in ended.out


def test_a_password_from_standard_input_is_read_once_for_all_arrays(
    ran: Run, simulator: Simulator, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = folder(array(simulator), array(simulator, "fs2"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))

    ended = ran("plan", "-f", where, "--user", simulator.user, "--password-file", "-", "-o", "json")

    assert [plan["array"]["name"] for plan in ended.json["arrays"]] == ["fs1", "fs2"]


def test_of_two_arrays_of_one_name_the_namespace_tells_which_is_meant(
    ran: Run, simulator: Simulator, folder: Write
) -> None:
    other = array(simulator, management={"addresses": ["192.0.2.1"]})
    other["metadata"]["namespace"] = "other"
    where = folder(array(simulator), secret(simulator), other)

    ended = ran("plan", "-f", where, "--array", "fs1", "-n", "default", "-o", "json")
    unsure = ran("check", "-f", f"{where}/all.yaml", "--array", "fs1")

    assert [plan["array"]["namespace"] for plan in ended.json["arrays"]] == ["default"]
    assert unsure.code == 2
    assert "default/fs1, other/fs1: name one with --array, and -n" in unsure.err
