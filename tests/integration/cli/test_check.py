"""`check`: every requirement for attaching volumes of an array."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from flashsystem_operator.simulator import Simulator
from support.manifest_files import CANARY
from support.simulated_arrays import simulated, writes
from support.terminal import at_a_terminal

from .conftest import Ended, Run

CHECKS = [
    *("Credentials", "Reachable", "Host key", "Login", "System"),
    *("Answers", "Open access", "Pool", "Portset", "Nodes", "Portals", "Role"),
]
POOLS = {"legacy": "mdiskgrp0", "modern": "Pool0"}


def results(ended: Ended) -> dict[str, str]:
    return {row["check"]: row["result"] for row in ended.json}


def messages(ended: Ended) -> dict[str, str]:
    return {row["check"]: row["message"] for row in ended.json}


def test_every_check_of_a_usable_array_is_ok(run_cli: Run, simulator: Simulator, by_address: list[str]) -> None:
    ended = run_cli("check", *by_address, "--pool", POOLS[simulator.dialect], password=CANARY)

    assert ended.code == 0
    rows = [line.split("  ")[0].strip() for line in ended.out.splitlines()]
    assert rows == ["ok"] * len(CHECKS)
    for text in ("SHA256:", "as pinned", "node1 is online", POOLS[simulator.dialect], simulator.dialect):
        assert text in ended.out
    assert ", ," not in ended.out  # an 840 reports neither its product nor its level
    assert writes(simulator) == []
    assert ended.err == ""

    as_json = run_cli("check", *by_address, "-o", "json", password=CANARY)
    assert results(as_json) == dict.fromkeys(CHECKS, "ok")


def test_no_password_is_sent_to_a_machine_whose_host_key_was_not_given(run_cli: Run, simulator: Simulator) -> None:
    args = ("--address", simulator.host, "--port", str(simulator.port), "--user", simulator.user)

    ended = run_cli("check", *args, password=CANARY)

    assert ended.code == 1
    (failed,) = (line for line in ended.out.splitlines() if line.startswith("FAILED"))
    assert "Host key" in failed
    assert ended.out.count("not checked") == 9
    assert f"    - {simulator.host_key}" in ended.out
    assert simulator.control.log() == []

    (shown,) = (
        row["hostKey"] for row in run_cli("check", *args, "-o", "json", password=CANARY).json if "hostKey" in row
    )
    assert results(run_cli("check", *args, "--host-key", shown, "-o", "json", password=CANARY))["Portals"] == "ok"
    first_use = run_cli("check", *args, "--trust-first-use", password=CANARY)
    assert first_use.code == 0
    assert simulator.host_key in first_use.out


def test_a_host_key_other_than_the_pinned_one_fails_the_check(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()

    ended = run_cli("check", *by_address[:-1], other, "-o", "json", password=CANARY)

    assert ended.code == 1
    assert results(ended)["Host key"] == "failed"
    assert results(ended)["Login"] == "not-checked"
    assert "Another host may have taken its address" in messages(ended)["Host key"]
    assert simulator.control.log() == []


def _offline(simulator: Simulator) -> None:
    simulator.control.change("pool", POOLS[simulator.dialect], status="offline")


def _without_nodes(simulator: Simulator) -> None:
    for node in ("node1", "node2"):
        simulator.control.change("node", node, status="offline")


@pytest.mark.parametrize(
    ("break_it", "options", "failed", "remedy"),
    [
        (None, ("--pool", "nowhere"), {"Pool"}, "no pool nowhere"),
        (_offline, (), {"Pool"}, "Bring it online"),
        (_without_nodes, (), {"Nodes", "Portals"}, "node1 is offline, node2 is offline"),
        (None, ("--system-id", "00000000000000FF"), {"System"}, "not 00000000000000FF"),
    ],
    ids=["a pool that does not exist", "a pool that is offline", "no node online", "another system"],
)
def test_a_problem_fails_its_check_with_a_remedy_and_the_rest_is_still_checked(
    run_cli: Run,
    simulator: Simulator,
    by_address: list[str],
    break_it: Callable[[Simulator], None] | None,
    options: tuple[str, ...],
    failed: set[str],
    remedy: str,
) -> None:
    if break_it:
        break_it(simulator)

    pool = () if "--pool" in options else ("--pool", POOLS[simulator.dialect])
    ended = run_cli("check", *by_address, *pool, *options, "-o", "json", password=CANARY)

    assert ended.code == 1
    assert {check for check, result in results(ended).items() if result == "failed"} == failed
    assert any(remedy in message for message in messages(ended).values())
    after = CHECKS[CHECKS.index("System") + 1 :]
    assert all(results(ended)[check] == "not-checked" for check in after) == ("System" in failed)


@pytest.mark.parametrize(
    ("role", "result", "why"),
    [
        ("SecurityAdmin", "ok", "may attach, create, grow and delete volumes"),
        ("Administrator", "ok", "may attach, create, grow and delete volumes"),
        ("RestrictedAdmin", "ok", "but not delete them"),
        ("Monitor", "failed", "Give the operator a user of role Administrator"),
        ("CopyOperator", "failed", "may neither attach nor create volumes"),
    ],
)
def test_the_role_of_the_user_shows_whether_it_may_attach_and_create_volumes(
    run_cli: Run, role: str, result: str, why: str
) -> None:
    with simulated({"users": [{"name": "operator", "password": CANARY, "role": role}]}) as simulator:
        args = ("--address", simulator.host, "--port", str(simulator.port), "--user", "operator", "--trust-first-use")
        ended = run_cli("check", *args, "-o", "json", password=CANARY)

    assert results(ended)["Role"] == result
    assert why in messages(ended)["Role"]
    assert ended.code == (result == "failed")


def test_an_array_that_does_not_show_the_role_of_a_user_passes_the_check(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    simulator.control.fault("refuse", "lscurrentuser", code="CMMVC7205E")

    ended = run_cli("check", *by_address, "-o", "json", password=CANARY)

    assert (ended.code, results(ended)["Role"]) == (0, "not-checked")


def test_a_pool_that_is_nearly_full_passes_the_check_and_shows_how_much_is_free(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    pool = POOLS[simulator.dialect]
    simulator.control.change("pool", pool, capacity=10_000 * 1024**3)

    roomy = run_cli("check", *by_address, "--pool", pool, "-o", "json", password=CANARY)
    assert f"{pool} is online, " in messages(roomy)["Pool"]
    assert "only" not in messages(roomy)["Pool"]

    used = sum(each["capacity"] for each in simulator.control.state()["volumes"])
    simulator.control.change("pool", pool, capacity=used * 20 // 19)
    full = run_cli("check", *by_address, "--pool", pool, "-o", "json", password=CANARY)
    assert (full.code, results(full)["Pool"]) == (0, "ok")
    assert "% are free" in messages(full)["Pool"]


def test_open_access_fails_the_check_on_an_array_that_has_this_setting(run_cli: Run) -> None:
    with simulated(dialect="legacy") as simulator:
        assert simulator.control.admin("svctask chsystem -openaccess on")["exit"] == 0
        args = ("--address", simulator.host, "--port", str(simulator.port), "--user", simulator.user)
        ended = run_cli("check", *args, "--trust-first-use", "-o", "json", password=CANARY)

    assert ended.code == 1
    assert results(ended)["Open access"] == "failed"
    assert results(ended)["Portals"] == "ok"
    assert "chsystem -openaccess off" in messages(ended)["Open access"]


def test_a_refused_login_fails_the_login_check_and_later_checks_are_skipped(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    ended = run_cli("check", *by_address, "-o", "json", password="not-it")

    assert ended.code == 1
    assert results(ended)["Login"] == "failed"
    assert results(ended)["Host key"] == "ok"
    assert results(ended)["Answers"] == "not-checked"
    assert "not-it" not in ended.out + ended.err
    assert simulator.control.log() == []


def test_every_address_is_tried_so_that_a_dead_second_one_shows_before_it_is_needed(
    run_cli: Run, simulator: Simulator, by_address: list[str]
) -> None:
    dead = "127.0.0.2" if simulator.host == "127.0.0.1" else "::2"

    ended = run_cli("check", "--address", dead, *by_address, "-o", "json", password=CANARY)

    assert ended.code == 1
    found = results(ended)
    assert found[f"Reachable at {dead}"] == "failed"
    assert found[f"System at {dead}"] == "not-checked"
    assert found[f"System at {simulator.host}"] == "ok"
    assert found["Portals"] == "ok"
    assert "nothing listens" in messages(ended)[f"Reachable at {dead}"]


def test_a_key_logs_in_and_so_does_a_password_from_a_file(run_cli: Run, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    users = [{"name": "one", "keys": [key.export_public_key().decode().strip()]}, {"name": "two", "password": CANARY}]
    (tmp_path / "key").write_bytes(key.export_private_key())
    (tmp_path / "password").write_text(f"{CANARY}\n")
    with simulated({"users": users}) as simulator:
        args = ("--address", simulator.host, "--port", str(simulator.port), "--trust-first-use")
        assert run_cli("check", *args, "--user", "one", "--key-file", str(tmp_path / "key")).code == 0
        assert run_cli("check", *args, "--user", "two", "--password-file", str(tmp_path / "password")).code == 0


def test_an_array_that_is_not_applied_yet_is_checked_from_its_file(
    run_cli: Run, simulator: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / "array.yaml"
    file.write_text(yaml.safe_dump_all(array_and_secret(simulator)))

    ended = run_cli("check", "--file", str(file), "-o", "json")
    assert (ended.code, set(results(ended).values())) == (0, {"ok"})

    file.write_text(yaml.safe_dump_all(array_and_secret(simulator)[:1]))
    ended = run_cli("check", "--file", str(file), "-o", "json")
    assert ended.code == 1
    assert "Secret storage/login is not among the files" in messages(ended)["Credentials"]
    assert set(results(ended).values()) == {"failed", "not-checked"}
    assert run_cli("check", "--file", str(file), "--user", simulator.user, password=CANARY).code == 0

    file.write_text(file.read_text().replace("hostKeys", "hostkeys"))
    ended = run_cli("check", "--file", str(file))
    assert ended.code == 1
    assert f"{file}, document 1, spec.hostkeys: there is none of that name: write hostKeys" in ended.err


@pytest.mark.parametrize(
    ("portset", "why"), [("blue", "no portset blue"), ("portset1", "type replication"), ("portset64", "port type fc")]
)
def test_a_portset_that_iscsi_hosts_cannot_use_fails_the_check(
    run_cli: Run, tmp_path: Path, portset: str, why: str
) -> None:
    with simulated(dialect="modern") as simulator:
        array, secret = array_and_secret(simulator)
        array["spec"]["iscsi"] = {"portset": portset}
        file = tmp_path / "array.yaml"
        file.write_text(yaml.safe_dump_all([array, secret]))

        ended = run_cli("check", "--file", str(file), "-o", "json")

    assert ended.code == 1
    assert {check for check, result in results(ended).items() if result == "failed"} == {"Portset"}
    assert why in messages(ended)["Portset"]
    assert "spec.iscsi.portset" in messages(ended)["Portset"]


def test_of_several_arrays_in_a_file_one_has_to_be_named(run_cli: Run, simulator: Simulator, tmp_path: Path) -> None:
    one, login = array_and_secret(simulator)
    two = {**one, "metadata": {**one["metadata"], "name": "second"}}
    file = tmp_path / "arrays.yaml"
    file.write_text(yaml.safe_dump_all([one, two, login]))

    ended = run_cli("check", "--file", str(file))

    assert ended.code == 2
    assert "second: name one with --array" in ended.err
    assert run_cli("check", "--file", str(file), "--array", "second").code == 0


def array_and_secret(simulator: Simulator) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "flashsystem.io/v1alpha1",
            "kind": "FlashSystemArray",
            "metadata": {"name": "fs1", "namespace": "storage"},
            "spec": {
                "management": {"addresses": [simulator.host], "port": simulator.port},
                "credentialsSecretRef": {"name": "login"},
                "hostKeys": [simulator.host_key],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login", "namespace": "storage"},
            "stringData": {"username": simulator.user, "password": CANARY},
        },
    ]


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((), "--array"),
        (("--address", "fs1"), "--user"),
        (("--address", "fs1", "--user", "me"), "--password-file"),
        (("--address", "fs1", "--user", "me", "--key-file", "/nowhere"), "/nowhere"),
        (("--address", "fs1", "--file", "x"), "leave one of them out"),
        (("--address", "f s", "--user", "me", "--password-file", "{password}"), "--address"),
        (("--address", "fs1", "--user", "me", "--password-file", "{password}", "--host-key", "x"), "--host-key"),
        (("--address", "fs1", "--user", "me", "--key-file", "{password}"), "--key-file"),
        (("--array", "fs1", "--host-key", "x"), "--host-key"),
        (("--array", "fs1", "--key-file", "{password}"), "--user"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_usage_error_is_reported_in_one_line_with_exit_code_2(
    run_cli: Run, tmp_path: Path, args: tuple[str, ...], why: str
) -> None:
    (tmp_path / "password").write_text(CANARY)

    ended = run_cli("check", *(arg.format(password=tmp_path / "password") for arg in args))

    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert why in line


def test_at_a_terminal_it_asks_for_the_password_and_about_the_key_and_draws_a_table(simulator: Simulator) -> None:
    args = ("check", "--address", simulator.host, "--port", str(simulator.port), "--user", simulator.user)

    code, shown = at_a_terminal(*args, answers={"Password of": CANARY, "[y/N]": "y"})

    assert code == 0
    assert shown.count("\N{HEAVY CHECK MARK}") == len(CHECKS)
    assert "\x1b[32m" in shown
    assert CANARY not in shown
    assert simulator.host_key in shown

    seen = len(simulator.control.log())
    code, shown = at_a_terminal(*args, answers={"Password of": CANARY, "[y/N]": "n"}, NO_COLOR="1")
    assert code == 1
    assert shown.count("\N{HEAVY BALLOT X}") == 1
    assert "\x1b[3" not in shown
    assert len(simulator.control.log()) == seen
