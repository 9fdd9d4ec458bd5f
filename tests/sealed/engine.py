"""The Docker engine: a dockerd of our own, in a network namespace that has no way out. One on a machine.

What runs in it reaches this machine over one pair of devices and nothing else: its default route leads into a device
that refuses. So no pod and no build can reach a network by mistake, and none waits for one in vain.
"""

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from cluster.missing import Missing
from cluster.processes import POLL, Died, Process, birth
from cluster.progress import told
from cluster.standing import Started
from sealed.machine import RUN, done, paths

NAMESPACE = "flashsystem-e2e"
OUTSIDE = "fs-e2e"  # our end of the pair of devices; a name has at most 15 characters
OUR_ADDRESS = "10.212.0.1"
ADDRESS = "10.212.0.2"
"""Where this machine finds what is in there: the API servers of clusters."""
POOL = "10.213.0.0/16"
SOCKET = RUN / "docker.sock"
RUNTIME = "runc-without-sys-resource"
START_LIMIT, END_LIMIT = 60.0, 60.0  # seconds

REFUSE = """
echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
for chain in DOCKER-USER OUTPUT; do
    iptables --insert $chain --out-interface sink --jump REJECT
    iptables --insert $chain --out-interface sink --protocol tcp --jump REJECT --reject-with tcp-reset
done
"""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """For clients of this engine. The builder in it is the classic one: BuildKit would have to be fetched."""
    ours = {name: value for name, value in environ.items() if not name.startswith(("DOCKER_", "KIND_"))}
    return {**ours, "DOCKER_HOST": f"unix://{SOCKET}", "DOCKER_BUILDKIT": "0", "PATH": paths(environ)}


def start(folder: Path, environ: Mapping[str, str]) -> None:
    """Have the engine run. folder: where it keeps its images and its log. Raises Missing."""
    if running():
        return
    _end_network(environ)
    _make_network(environ)
    folder.mkdir(parents=True, exist_ok=True)
    # Not used where it is: the engine may outlive the checkout.
    shutil.copy(Path(__file__).with_name(RUNTIME), RUN / RUNTIME)
    SOCKET.unlink(missing_ok=True)
    (RUN / "dockerd.pid").unlink(missing_ok=True)
    log = folder / "dockerd.log"
    log.unlink(missing_ok=True)
    engine = Process("dockerd", _argv(folder), log, env={**environ, "PATH": paths(environ)}, detached=True)
    with told("starting Docker without a network"):
        engine.start()
        started = Started("dockerd", engine.pid, birth(engine.pid) or "gone")
        (RUN / "dockerd.json").write_text(json.dumps(asdict(started)))
        try:
            engine.await_ready(lambda: _answers(environ), START_LIMIT)
        except Died as why:
            engine.stop()
            _end_network(environ)
            raise Missing(f"Docker did not start here: {why}") from why
        done(("nsenter", f"--net=/run/netns/{NAMESPACE}", "sh", "-ec", REFUSE), environ)


def stop(environ: Mapping[str, str]) -> None:
    """End the engine with all that runs in it, and its network. Nothing there is no error."""
    left = _running()
    if left is not None and left.alive:
        os.kill(left.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_LIMIT
        while running() and time.monotonic() < deadline:
            time.sleep(POLL)
        if running():
            os.killpg(left.pid, signal.SIGKILL)
    (RUN / "dockerd.json").unlink(missing_ok=True)
    _end_network(environ)


def running() -> bool:
    left = _running()
    return left is not None and left.alive


def _running() -> Started | None:
    try:
        return Started(**json.loads((RUN / "dockerd.json").read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _argv(folder: Path) -> list[str | Path]:
    # nsenter and not `ip netns exec`, which would hide the cgroups.
    return [
        *("nsenter", f"--net=/run/netns/{NAMESPACE}", "dockerd"),
        *("--host", f"unix://{SOCKET}", "--pidfile", RUN / "dockerd.pid", "--exec-root", RUN / "docker"),
        *("--data-root", folder / "docker", "--default-address-pool", f"base={POOL},size=24"),
        *("--add-runtime", f"ours={RUN / RUNTIME}", "--default-runtime", "ours"),
    ]


def _answers(environ: Mapping[str, str]) -> bool:
    try:
        done(("docker", "version"), environment(environ), seconds=10)
    except Missing:
        return False
    return True


def _make_network(environ: Mapping[str, str]) -> None:
    for words in (
        f"netns add {NAMESPACE}",
        f"link add {OUTSIDE} type veth peer name host netns {NAMESPACE}",
        f"address add {OUR_ADDRESS}/30 dev {OUTSIDE}",
        f"link set {OUTSIDE} up",
        f"-n {NAMESPACE} address add {ADDRESS}/30 dev host",
        f"-n {NAMESPACE} link set host up",
        f"-n {NAMESPACE} link set lo up",
        # The default route ends here. A veth and not a dummy, for which some kernels lack the module.
        f"-n {NAMESPACE} link add sink type veth peer name drain",
        f"-n {NAMESPACE} link set drain up",
        f"-n {NAMESPACE} link set sink up",
        f"-n {NAMESPACE} route add default dev sink",
    ):
        done(("ip", *words.split()), environ)


def _end_network(environ: Mapping[str, str]) -> None:
    for words in (f"link delete {OUTSIDE}", f"netns delete {NAMESPACE}"):
        with contextlib.suppress(Missing):  # it is not there
            done(("ip", *words.split()), environ)
