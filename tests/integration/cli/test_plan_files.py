"""`plan -f`: which files are read, what they may contain, and how errors in them or in the call are reported."""

import io
from pathlib import Path

import pytest

from flashsystem_operator.simulator import Simulator
from support.manifest_files import API, CANARY, array, attachment, host, secret
from support.simulated_arrays import simulated

from .conftest import Run, Write


def test_all_arrays_are_planned_or_only_the_one_that_is_named(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    write_manifests(array(simulator), secret(simulator), file="one.yaml")
    where = write_manifests(host(), attachment("one", "vol0"), host("node-2", of="fs2"), file="hosts.yml")
    with simulated({"system": {"id": "00000000000000FF"}}) as other:
        write_manifests(array(other, "fs2"), file="arrays/two.yaml")
        assert "FlashSystemArray default/fs2 is not among the files" in run_cli("plan", "-f", where).out
        both = run_cli("plan", "-R", "-f", where, "-o", "json")
        assert both.code == 2
        assert {plan["array"]["name"]: len(plan["objects"]) for plan in both.json["arrays"]} == {"fs1": 2, "fs2": 1}
        assert {plan["system"]["id"] for plan in both.json["arrays"]} > {"00000000000000FF"}

    write_manifests(array(simulator, "fs2"), file="arrays/two.yaml")
    twice = run_cli("plan", "-R", "-f", where, "-o", "json")
    assert twice.code == 1
    assert [bool(plan["closed"]) for plan in twice.json["arrays"]] == [False, True]  # arrays/two.yaml comes first
    one = run_cli("plan", "-R", "-f", where, "--array", "fs2", "-o", "json")
    assert one.code == 0
    assert [plan["array"]["name"] for plan in one.json["arrays"]] == ["fs2"]


def test_an_array_that_is_not_in_the_files_can_be_given_by_its_address(
    run_cli: Run, by_address: list[str], write_manifests: Write
) -> None:
    where = write_manifests(host(), attachment("one", "vol0"))

    ended = run_cli("plan", "-f", where, "--array", "fs1", *by_address, password=CANARY)

    assert ended.code == 2
    assert "mkvdiskhostmap" in ended.out
    assert run_cli("plan", "-f", where, *by_address).code == 64


def test_every_error_in_the_files_is_reported_with_its_location(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    write_manifests(
        array(simulator, hostkeys=[]),
        attachment("one", "vol0", lun="7"),
        attachment("two", "vol$1"),
        attachment("two", "vol1"),
        attachment("two", "vol1"),
        {"apiVersion": API, "kind": "VolumeAttachments", "metadata": {"name": "x"}},
        {"kind": "Secret", "metadata": {"name": "login"}, "data": {"password": [CANARY]}},
        file="bad.yaml",
    )
    where = write_manifests(file="broken.yaml")
    (Path(where) / "broken.yaml").write_text("a: 1\na: 2\n")

    ended = run_cli("plan", "-f", where)

    assert (ended.code, ended.out) == (1, "")
    bad, broken = f"{where}/bad.yaml, document", f"{where}/broken.yaml"
    for error in (
        f"{bad} 1, spec.hostkeys: there is none of that name: write hostKeys",
        f"{bad} 2, spec.lun: ",
        f"{bad} 3, spec.volume.name: 'vol$1' is not a volume name",
        f"{bad} 5: VolumeAttachment default/two was there before",
        f"{bad} 6: flashsystem.io has no kind 'VolumeAttachments'",
        f"{bad} 7: this Secret needs",
        f"{broken}: is not YAML in line 2: the key 'a' is there twice",
    ):
        assert f"flashsystem-operator: {error}" in ended.err
    assert len(ended.err.splitlines()) == 7
    assert simulator.control.log() == []


def test_an_array_that_selects_namespaces_by_label_requires_the_namespace_in_the_files(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    by_label = {"from": "Selector", "selector": {"matchLabels": {"storage": "yes"}}}
    documents = [array(simulator, allowedNamespaces=by_label), secret(simulator), host(), attachment("one", "vol0")]
    where = write_manifests(*documents)
    assert "Namespace default is not among the files. Add it." in run_cli("plan", "-f", where).out

    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "labels": {"storage": "yes"}}}
    write_manifests(*documents, space)
    assert run_cli("plan", "-f", where).code == 2
    write_manifests(*documents, {**space, "metadata": {"name": "default"}})
    assert run_cli("plan", "-f", where).code == 1


def test_other_kinds_are_skipped_and_counted(run_cli: Run, simulator: Simulator, write_manifests: Write) -> None:
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [host(), other]}
    where = write_manifests(array(simulator), secret(simulator), other, listed)

    ended = run_cli("plan", "-f", where)

    assert ended.code == 0
    assert "other kinds: 2" in ended.err
    assert "Objects: 1." in ended.out


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((), "-f"),
        (("-f", "{nothing}", "--fly"), "--fly"),
        (("-f", "{nothing}", "--host-key", "x"), "--host-key"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_usage_error_exits_with_64_because_2_means_that_there_are_changes(
    run_cli: Run, tmp_path: Path, args: tuple[str, ...], why: str
) -> None:
    ended = run_cli("plan", *(arg.format(nothing=tmp_path) for arg in args))

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
def test_files_that_are_missing_or_contain_nothing_are_an_error(
    run_cli: Run, tmp_path: Path, path: str, why: str
) -> None:
    place = tmp_path / "there"
    place.mkdir()
    if path.endswith("empty.yaml"):
        (place / "empty.yaml").write_text("# nothing\n")

    ended = run_cli("plan", "-f", path.format(tmp=place))

    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err


def test_an_array_in_the_files_reached_at_another_address_keeps_the_spec_of_its_file(
    run_cli: Run, simulator: Simulator, by_address: list[str], write_manifests: Write
) -> None:
    elsewhere = array(simulator, management={"addresses": ["192.0.2.1"]}, multiHostMapping="Forbidden")
    two = [attachment(name, "vol0", on=name, access="Shared") for name in ("node-1", "node-2")]
    where = write_manifests(elsewhere, host("node-1"), host("node-2"), *two)

    ended = run_cli("plan", "-f", where, "--array", "fs1", *by_address, password=CANARY)

    assert ended.code == 1
    assert "multiHostMapping" in ended.out


def test_a_password_from_standard_input_is_read_once_for_all_arrays(
    run_cli: Run, simulator: Simulator, write_manifests: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = write_manifests(array(simulator), array(simulator, "fs2"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))

    ended = run_cli("plan", "-f", where, "--user", simulator.user, "--password-file", "-", "-o", "json")

    assert [plan["array"]["name"] for plan in ended.json["arrays"]] == ["fs1", "fs2"]


def test_the_namespace_selects_one_of_two_arrays_with_the_same_name(
    run_cli: Run, simulator: Simulator, write_manifests: Write
) -> None:
    other = array(simulator, management={"addresses": ["192.0.2.1"]})
    other["metadata"]["namespace"] = "other"
    where = write_manifests(array(simulator), secret(simulator), other)

    ended = run_cli("plan", "-f", where, "--array", "fs1", "-n", "default", "-o", "json")
    unsure = run_cli("check", "-f", f"{where}/all.yaml", "--array", "fs1")

    assert [plan["array"]["namespace"] for plan in ended.json["arrays"]] == ["default"]
    assert unsure.code == 2
    assert "default/fs1, other/fs1: name one with --array, and -n" in unsure.err
