"""The admin CLI: it prints what the array prints, and exits with the exit status of the array's command."""

import subprocess
import sys

import pytest

from flashsystem_operator.simulator import Simulator

IQN = "iqn.1994-05.com.redhat:worker-1"
pytestmark = pytest.mark.slow


def typed(array: Simulator, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [
        sys.executable,
        "-m",
        "flashsystem_operator.simulator.admin_cli",
        "--control",
        array.control_url,
        *arguments,
    ]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_line_is_typed_unchanged_and_its_answer_is_printed(modern: Simulator) -> None:
    typed(modern, "svctask", "mkhost", "-name", "worker 1", "-iscsiname", IQN)
    listed = typed(modern, "lshost", "-delim", ":")

    assert listed.stdout == modern.control.admin("lshost -delim :")["stdout"]
    assert ":worker 1:" in listed.stdout
    assert (listed.returncode, listed.stderr) == (0, "")


def test_a_refusal_is_printed_with_the_arrays_message_and_is_a_failure(modern: Simulator) -> None:
    refused = typed(modern, "svctask", "rmhost", "missing")

    assert refused.returncode == 1
    assert refused.stderr.startswith("CMMVC5753E")


def test_a_host_login_can_be_set_although_no_command_of_the_array_can_do_that(modern: Simulator) -> None:
    typed(modern, "svctask", "mkhost", "-name", "worker-1", "-iscsiname", IQN)

    changed = typed(modern, "--change", "host_port", IQN, "logins=2")

    assert (changed.returncode, changed.stdout) == (0, "")
    assert modern.control.state()["hosts"][0]["ports"][0]["logins"] == 2


@pytest.mark.parametrize("arguments", [("host_port", "nobody", "logins=2"), ("host_port", IQN, "no such field")])
def test_an_impossible_change_is_reported_and_is_a_failure(modern: Simulator, arguments: tuple[str, ...]) -> None:
    refused = typed(modern, "--change", *arguments)

    assert refused.returncode == 1
    assert refused.stderr.startswith(modern.control_url)
    assert "Traceback" not in refused.stderr


def test_a_value_that_cannot_be_read_is_reported_with_its_field(modern: Simulator) -> None:
    refused = typed(modern, "--change", "host_port", IQN, "logins=[2")

    assert refused.returncode == 2
    assert "logins: '[2' is not a YAML value" in refused.stderr
