"""A signal to stop ends the process, whatever it is doing at that moment."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from cluster import kubeconfig
from flashsystem_operator.cli import main
from flashsystem_operator.runtime.process import HARD_END

MANIFEST = Path(__file__).parents[3] / "manifests" / "base" / "deployment.yaml"
LIMIT = 150.0
BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)

HANGS = """
import asyncio, sys, threading, time, types
from flashsystem_operator.runtime.process import Stop

async def live():
    stop = Stop(2.0, lambda: None, lambda: ["the work on FlashSystemArray storage/array"])
    stop.handle_signals()
    print("ready", flush=True)
    {hangs}

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep({at_last})

module = sys.modules["slow"] = types.ModuleType("slow")
module.last = Slow()
del module
asyncio.run(live())
"""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """An API server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LIMIT)
        yield server


def started(*args: str) -> "subprocess.Popen[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "POD_", "FLASHSYSTEM_"))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean,
    )


@BOTH
def test_an_operator_that_waits_for_its_first_reply_from_the_cluster_exits_with_0(
    silent: socket.socket, tmp_path: Path, number: signal.Signals
) -> None:
    where = kubeconfig.Server(f"http://127.0.0.1:{silent.getsockname()[1]}", {})
    config = kubeconfig.write(tmp_path / "kubeconfig", where, "operator", "a-token")
    with started("-m", "flashsystem_operator", "run", "--kubeconfig", str(config)) as process:
        connection, _ = silent.accept()
        with connection:
            process.send_signal(number)
            output, _ = process.communicate(timeout=LIMIT)

    assert process.returncode == 0, output
    assert "received the signal to stop" in output
    assert "Traceback" not in output


@BOTH
@pytest.mark.parametrize(
    "hangs",
    ["time.sleep(600)", "threading.Thread(target=time.sleep, args=(600,)).start(); await stop.flag.wait()"],
    ids=["the event loop", "a thread"],
)
def test_a_hanging_operator_ends_within_its_grace_period_with_a_line_about_what_is_left(
    hangs: str, number: signal.Signals
) -> None:
    with started("-c", HANGS.format(hangs=hangs, at_last=0)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, _ = process.communicate(timeout=LIMIT)

    assert process.returncode == HARD_END
    last = output.splitlines()[-1]
    assert "This has not ended: the work on FlashSystemArray storage/array." in last


@BOTH
def test_an_operator_whose_interpreter_does_not_finish_is_ended_anyway(number: signal.Signals) -> None:
    """At that point Python runs no other thread."""
    with started("-c", HANGS.format(hangs="await stop.flag.wait()", at_last=600)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, _ = process.communicate(timeout=LIMIT)

    assert process.returncode == -signal.SIGALRM, output


def test_the_program_ends_within_the_grace_period_of_its_manifest() -> None:
    pod = yaml.safe_load(MANIFEST.read_text())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    command, *options = container["args"]
    run = main.get_command(click.Context(main), command)

    assert run is not None
    assert run.make_context(command, options).params["grace_period"] == pod["terminationGracePeriodSeconds"]
