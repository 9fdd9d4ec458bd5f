"""`import`: hosts and mappings of an array are written as resources that adopt them and change nothing."""

from pathlib import Path

import yaml

from flashsystem_operator.simulator import Simulator
from support.brownfield import SHARED, fill, unfit
from support.manifest_files import CANARY, array, secret
from support.simulated_arrays import simulated, writes

from .conftest import Run


def test_a_plan_for_the_imported_resources_has_nothing_to_do(
    run_cli: Run, simulator: Simulator, by_address: list[str], tmp_path: Path
) -> None:
    fill(simulator)
    before = simulator.control.state()

    ended = run_cli("import", *by_address, "--array", "fs1", password=CANARY)

    assert ended.code == 0
    documents = [each for each in yaml.safe_load_all(ended.out) if each]
    assert [each["metadata"]["name"] for each in documents] == [
        *("db-1", "my-vol", "my-vol", SHARED, f"{SHARED}-db-1"),
        *("backup", f"{SHARED}-backup"),
        *("empty", "esx-mixed"),
    ]
    assert {each["spec"].get("deletionPolicy", "Retain") for each in documents} == {"Retain"}
    (tmp_path / "imported.yaml").write_text(ended.out)
    (tmp_path / "array.yaml").write_text(yaml.safe_dump_all([array(simulator), secret(simulator)]))
    planned = run_cli("plan", "-f", str(tmp_path), "-o", "json")
    assert planned.code == 0
    assert [each["commands"] for each in planned.json["arrays"][0]["objects"]] == [[]] * 9
    assert writes(simulator) == []
    assert simulator.control.state() == before


def test_what_cannot_be_imported_is_named_with_its_reason_in_the_file_and_on_stderr(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    fill(simulator)
    expected = unfit(simulator)

    ended = run_cli("import", *by_address, password=CANARY)

    left = [line.removeprefix("# ") for line in ended.out.splitlines() if line.startswith("# Not imported")]
    assert len(left) == len(expected)
    for what, why in expected.items():
        (line,) = (line for line in left if what in line)
        assert why in line
        assert line in ended.err
    names = {each["metadata"]["name"] for each in yaml.safe_load_all(ended.out) if each}
    assert "esx-fc" not in names


def test_json_output_is_a_list_that_kubectl_accepts_with_only_the_selected_objects(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    fill(simulator)

    args = ("import", *by_address, "-o", "json")
    some = run_cli(*args, "--host", "DB*", "--volume", SHARED, "--into", "team-a", password=CANARY).json

    assert (some["kind"], some["apiVersion"]) == ("List", "v1")
    assert some["items"] == []  # the array is of namespace default, and only that may use it
    some = run_cli(*args, "--host", "DB*", "--volume", SHARED, "-n", "team-a", password=CANARY).json
    host, volume, attachment = some["items"]
    assert {each["metadata"]["namespace"] for each in some["items"]} == {"team-a"}
    assert host["spec"]["arrayRef"]["name"] == simulator.control.state()["system"]["name"].replace("_", "-").replace(
        ".", "-"
    )
    assert attachment["spec"]["access"] == "Shared"
    assert attachment["spec"]["volume"] == {"ref": {"name": volume["metadata"]["name"]}}


def test_volumes_are_left_out_on_request(run_cli: Run, simulator: Simulator, by_address: list[str]) -> None:
    fill(simulator)

    ended = run_cli("import", *by_address, "--no-volumes", "-o", "json", password=CANARY)

    assert {each["kind"] for each in ended.json["items"]} == {"FlashSystemHost", "VolumeAttachment"}
    assert {key for each in ended.json["items"] for key in each["spec"].get("volume", ())} == {"uid"}
    assert "4 FlashSystemHosts and 3 VolumeAttachments written" in ended.err


def test_an_array_that_does_not_answer_is_reported_with_exit_code_1(run_cli: Run) -> None:
    with simulated() as gone:
        args = ("--address", gone.host, "--port", str(gone.port), "--user", gone.user, "--trust-first-use")

    ended = run_cli("import", *args, password=CANARY)

    assert (ended.code, ended.out) == (1, "")
    assert "nothing listens" in ended.err


def test_two_arrays_that_share_a_namespace_get_names_of_their_own(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    fill(simulator)
    args = ("import", *by_address, "-o", "json")

    plain, other = (
        {(each["kind"], each["metadata"]["name"]) for each in run_cli(*args, *more, password=CANARY).json["items"]}
        for more in ([], ["--prefix", "fs2-"])
    )

    assert len(plain) == len(other) == 9
    assert {name.removeprefix("fs2-") for _, name in other} == {name for _, name in plain}
    assert not plain & other


def test_a_prefix_that_cannot_begin_a_name_is_refused(run_cli: Run) -> None:
    ended = run_cli("import", "--array", "fs1", "--prefix", "FS 2_")

    assert ended.code == 2
    assert "'FS 2_' cannot begin a name: use at most 20 lower-case letters" in ended.err


def test_a_uid_that_another_parser_would_read_as_a_number_is_quoted(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    fill(simulator)

    ended = run_cli("import", *by_address, password=CANARY)

    uids = [line for line in ended.out.splitlines() if line.startswith("    uid: ")]
    assert len(uids) == 2
    assert all(line.startswith("    uid: '") and line.endswith("'") for line in uids)
