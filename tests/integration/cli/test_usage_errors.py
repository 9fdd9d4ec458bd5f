"""Every usage error of the program: one line with a remedy, exit code 2, and no traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flashsystem_operator.cli import main
from support import program

MINIMAL = """\
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: SERVER}}]
users: [{name: u, user: {token: t}}]
"""


Complaint = Callable[..., str]


@pytest.fixture
def complaint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, _restored_logging: None
) -> Complaint:
    """The one line that the program prints as it exits; run in this process, because starting a new one is slow."""
    for name in [name for name in os.environ if name.startswith(("KUBE", "POD_", "FLASHSYSTEM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KUBECONFIG", "")  # so that what the program sets is undone

    def error_of(*args: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(args), prog_name="flashsystem-operator")
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        assert ended.value.code == 2, output.err
        assert output.out == ""
        (line,) = output.err.splitlines()
        return line

    return error_of


@pytest.fixture
def used_port() -> Iterator[int]:
    """A port that is in use."""
    with socket.create_server(("", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(MINIMAL.replace("SERVER", "http://127.0.0.1:1"))
    return path


def test_a_kubeconfig_that_is_not_a_file_is_named(tmp_path: Path, complaint: Complaint) -> None:
    missing = tmp_path / "nowhere"
    error = program.complaint("run", "--kubeconfig", str(missing))
    assert str(missing) in error
    assert "does not exist" in error
    assert str(tmp_path) in complaint("run", "--kubeconfig", str(tmp_path))


BAD = {
    "empty": "",
    "not YAML": "clusters: [",
    "a string": "hello",
    "a list": "[1, 2]",
    "a number": "7",
    "no context": "apiVersion: v1\nkind: Config\n",
    "another context": MINIMAL.replace("current-context: c", "current-context: d"),
    "a context that is a number": MINIMAL.replace("contexts: [", "contexts: [7, "),
    "a cluster without a server": MINIMAL.replace("{server: SERVER}", "{}"),
    "a server that is a number": MINIMAL.replace("SERVER", "7"),
    "a server that is no address": MINIMAL.replace("SERVER", "not an address"),
    "a damaged certificate": MINIMAL.replace("SERVER", "https://127.0.0.1:1, certificate-authority-data: '%%%'"),
    "a certificate that is not one": MINIMAL.replace(
        "SERVER", "https://127.0.0.1:1, certificate-authority-data: aGVsbG8="
    ),
    "a certificate file that does not exist": MINIMAL.replace(
        "SERVER", "https://127.0.0.1:1, certificate-authority: /nowhere/ca.crt"
    ),
    "binary": "\x00\x01\x02",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, content: str, complaint: Complaint) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)

    error = complaint("run", "--kubeconfig", str(path))

    assert str(path) in error or "API server" in error
    assert "--kubeconfig" in error


def test_outside_a_pod_a_kubeconfig_is_required(complaint: Complaint) -> None:
    assert "--kubeconfig" in complaint("run")


def test_an_api_server_that_does_not_answer_is_named(kubeconfig: Path) -> None:
    error = program.complaint("run", "--kubeconfig", str(kubeconfig))
    assert "API server" in error
    assert "127.0.0.1" in error


def test_a_port_that_is_invalid_or_in_use_is_named(kubeconfig: Path, used_port: int, complaint: Complaint) -> None:
    base = ("run", "--kubeconfig", str(kubeconfig), "--probe-port")
    assert "65535" in complaint(*base, "70000")
    assert "--probe-port" in complaint(*base, "http")
    error = complaint(*base, str(used_port))
    assert str(used_port) in error
    assert "Choose another with --probe-port" in error


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("fly",), "fly"),
        (("run", "--fly"), "--fly"),
        (("run", "--lease-duration", "0"), "--lease-duration"),
        (("run", "--log-level", "LOUD"), "--log-level"),
        (("run", "and", "more"), "and"),
        (("check", "--array", "fs1", "--port", "2222"), "--port goes with --address"),
        (("check", "--array", "fs1", "-n", "Team A"), "'Team A' is not the name of a namespace"),
        (("import", "--array", "fs1", "--into", "Team A"), "'Team A' is not the name of a namespace"),
        (("simulate", "--listen", "nowhere"), "--listen"),
        (("simulate", "--listen", "127.0.0.1:70000"), "--listen"),
        (("simulate", "--config", "/nowhere/state.yaml"), "/nowhere/state.yaml"),
        (("simulate", "--dialect", "ancient"), "--dialect"),
        (("simulate", "--set-rule", "nothing"), "--set-rule"),
        (("simulate", "--host-key", "/nowhere/key"), "/nowhere/key"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_argument_that_is_not_understood_is_named(args: tuple[str, ...], why: str, complaint: Complaint) -> None:
    assert why in complaint(*args)


def test_a_port_that_the_simulator_cannot_use_is_named(used_port: int, complaint: Complaint) -> None:
    error = complaint("simulate", "--listen", f"127.0.0.1:{used_port}", "--control", "127.0.0.1:0")
    assert str(used_port) in error


def test_help_and_version_are_no_errors() -> None:
    for args in (("--help",), ("run", "--help"), ("--version",)):
        ended = program.program(*args)
        assert ended.returncode == 0
        assert ended.stdout
        assert ended.stderr == ""


def test_a_reader_that_closes_the_pipe_early_causes_no_error_message() -> None:
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "flashsystem_operator", "explain"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=program.LIMIT,
    )
    os.close(write)

    assert (ended.returncode, ended.stderr) == (1, "")


def test_named_namespaces_need_an_installation_id_and_names(kubeconfig: Path, complaint: Complaint) -> None:
    base = ("run", "--kubeconfig", str(kubeconfig), "--watch-namespace")

    assert "--watch-namespace needs --installation-id" in complaint(*base, "team")
    for pattern in ("team-*", "!team", "", "Team"):
        assert "specify each one in full" in complaint(*base, pattern, "--installation-id", "one")


def test_an_unknown_option_an_unknown_command_and_an_invalid_value_are_named(
    kubeconfig: Path, complaint: Complaint
) -> None:
    assert "--no-such-option" in complaint("run", "--no-such-option")
    assert "no-such-command" in complaint("no-such-command")
    assert "--lease-duration" in complaint("run", "--kubeconfig", str(kubeconfig), "--lease-duration", "soon")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("FLASHSYSTEM_RUN_PAUSEALL", "there is FLASHSYSTEM_RUN_PAUSE_ALL."), ("FLASHSYSTEM_RUN_X", "no such option. ")],
)
def test_an_environment_variable_that_sets_no_option_is_named(
    name: str, remedy: str, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an administrator who meant to pause the operator would not notice the typo."""
    monkeypatch.setenv(name, "true")

    error = complaint("run")

    assert name in error
    assert remedy in error
