"""The command `simulate`: one line when it is ready, a clean stop, and mistakes that are reported in one line."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from flashsystem_operator.simulator import Control
from flashsystem_operator.simulator.cli import simulate

SIMULATE = [sys.executable, "-m", "flashsystem_operator.simulator"]
ANYWHERE = ["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
READY = re.compile(
    r"simulator ready: dialect=(\w+) ssh=127\.0\.0\.1:\d+ control=(http://\S+) "
    r'host-key="ssh-ed25519 \S+" user=superuser\n'
)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


@pytest.mark.parametrize(("dialect", "number"), [("legacy", signal.SIGTERM), ("modern", signal.SIGINT)])
def test_it_prints_its_addresses_on_one_line_and_stops_cleanly(dialect: str, number: signal.Signals) -> None:
    command = [*SIMULATE, *ANYWHERE, "--dialect", dialect, "--set-rule", "empty_list_header=true"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ready = READY.fullmatch(process.stdout.readline())
        assert ready
        rules = Control(ready[2]).state()["rules"]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)

    assert ready[1] == dialect
    assert rules["empty_list_header"] is True
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--listen", "nowhere"], "--listen: 'nowhere' is not HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "--listen: '127.0.0.1:99999' is not HOST:PORT"),
        (["--control", "127.0.0.1:http"], "--control: "),
        (["--listen", "127.0.0.1:{taken}"], "Address already in use: choose another port"),
        (["--control", "127.0.0.1:{taken}"], "Address already in use: choose another port"),
        (["--listen", "203.0.113.1:0"], "give an address of this machine|choose another port"),
        (["--config", "{missing}"], "No such file or directory: give the path"),
        (["--host-key", "{missing}"], "give a private key"),
        (["--config", "{broken}"], "not YAML in line 3"),
        (["--set-rule", "shell_chains"], "--set-rule: 'shell_chains' is not KEY=VALUE"),
        (["--set-rule", "colour=red"], "rules.colour: no such field"),
        (["--set-rule", "banner=[a"], r"--set-rule: '\[a' is not a YAML value: quote text"),
        (["--config", "{empty}", "--set-rule", "colour=red"], "rules.colour: no such field"),
        (["--config", "{binary}"], "binary: not UTF-8"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_is_reported_in_one_line_with_exit_code_2(
    options: list[str], reason: str, taken: int, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("volumes:\n  - [\n")
    (tmp_path / "empty").write_text("rules:\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    paths = {name: tmp_path / name for name in ("missing", "empty", "binary")}
    filled = [option.format(taken=taken, broken=broken, **paths) for option in options]

    done = CliRunner().invoke(simulate, [*ANYWHERE, *filled])

    assert done.exit_code == 2
    assert done.stdout == ""
    assert re.search(reason, done.stderr)
    assert done.stderr.count("\n") == 1
