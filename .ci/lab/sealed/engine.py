"""The Docker engine: our own dockerd in an isolated network namespace. There is one per machine.

What runs in it reaches only this machine, over one veth pair: its default route leads to a device that rejects all
connections. So no pod and no build can reach a network by mistake, and every attempt fails at once.
"""

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from cluster.missing import Missing
from cluster.processes import POLL, Died, Process, birth
from cluster.progress import reported
from cluster.standing import Started
from sealed.machine import RUN, paths, run_program

NAMESPACE = "flashsystem-e2e"
OUTSIDE = "fs-e2e"  # our end of the veth pair; a name has at most 15 characters
OUR_ADDRESS = "10.212.0.1"
ADDRESS = "10.212.0.2"
"""The address at which this machine reaches the API servers of clusters in the engine."""
POOL = "10.213.0.0/16"
SOCKET = RUN / "docker.sock"
RUNTIME = "runc-without-sys-resource"
START_LIMIT, END_LIMIT = 60.0, 60.0  # seconds

# Our own containerd: otherwise dockerd would use that of the machine, whose network is not isolated.
CONTAINERD = """\
version = 2
root = "{folder}/containerd"
state = "{run}/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{run}/containerd.sock"
"""

# Requests from this machine are answered; requests to this machine (a proxy may listen there) or beyond are rejected.
REFUSE = """
echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
for chain in DOCKER-USER OUTPUT; do
    for new in "--out-interface sink" "--out-interface host --match conntrack --ctstate NEW"; do
        for rule in "$new --jump REJECT" "$new --protocol tcp --jump REJECT --reject-with tcp-reset"; do
            iptables --check $chain $rule 2> /dev/null || iptables --insert $chain $rule
        done
    done
done
"""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for clients of this engine. It uses the classic builder: BuildKit would have to be downloaded."""
    ours = {name: value for name, value in environ.items() if not name.startswith(("DOCKER_", "KIND_"))}
    return {**ours, "DOCKER_HOST": f"unix://{SOCKET}", "DOCKER_BUILDKIT": "0", "PATH": paths(environ)}


def start(folder: Path, environ: Mapping[str, str]) -> None:
    """Start the engine if needed, and apply its firewall rules. folder: for its images and its log. Raises Missing."""
    if not running():
        _begin(folder, environ)
    run_program(("nsenter", f"--net=/run/netns/{NAMESPACE}", "sh", "-ec", REFUSE), environ)


def _begin(folder: Path, environ: Mapping[str, str]) -> None:
    stop(environ)  # leftovers of a killed run
    _make_network(environ)
    folder.mkdir(parents=True, exist_ok=True)
    # A copy is used: the engine may outlive the checkout.
    shutil.copy(Path(__file__).with_name(RUNTIME), RUN / RUNTIME)
    (RUN / "data-root").write_text(str(folder / "docker"))
    (RUN / "containerd.toml").write_text(CONTAINERD.format(folder=folder, run=RUN))
    for left_by_a_killed_engine in (SOCKET, RUN / "dockerd.pid", folder / "engine.log"):
        left_by_a_killed_engine.unlink(missing_ok=True)
    with reported("starting Docker without a network"):
        try:
            _start_program("containerd", folder, environ, (RUN / "containerd.sock").exists)
            _start_program("dockerd", folder, environ, lambda: _answers(environ))
        except Died as why:
            stop(environ)
            raise Missing(f"Docker did not start here: {why}") from why


def stop(environ: Mapping[str, str]) -> None:
    """Stop the engine with everything that runs in it, and remove its network. Nothing to stop is no error."""
    _end("dockerd")
    _end_orphans(environ)
    _end("containerd")
    (RUN / "containerd.sock").unlink(missing_ok=True)
    _unmount(environ)
    for command in (f"link delete {OUTSIDE}", f"netns delete {NAMESPACE}"):
        with contextlib.suppress(Missing):  # it does not exist
            run_program(("ip", *command.split()), environ)


def running() -> bool:
    """Whether the process of dockerd is alive."""
    left = _noted("dockerd")
    return left is not None and left.alive


def left() -> bool:
    """Whether anything of it is left to be stopped, also after it was killed."""
    return any(_noted(name) for name in ("dockerd", "containerd"))


def _noted(name: str) -> Started | None:
    try:
        return Started(**json.loads((RUN / f"{name}.json").read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _start_program(name: str, folder: Path, environ: Mapping[str, str], ready: Callable[[], bool]) -> None:
    """Start a program that outlives this process, and record its pid. Raises Died."""
    log = folder / "engine.log"
    program = Process(name, _argv(name, folder), log, env={**environ, "PATH": paths(environ)}, detached=True)
    program.start()
    started = Started(name, program.pid, birth(program.pid) or "gone")
    (RUN / f"{name}.json").write_text(json.dumps(asdict(started)))
    program.await_ready(ready, START_LIMIT)


def _argv(name: str, folder: Path) -> list[str | Path]:
    # nsenter and not `ip netns exec`, which would hide the cgroups.
    inside: list[str | Path] = ["nsenter", f"--net=/run/netns/{NAMESPACE}", name]
    if name == "containerd":
        return [*inside, "--config", RUN / "containerd.toml"]
    return [
        *inside,
        *("--host", f"unix://{SOCKET}", "--pidfile", RUN / "dockerd.pid", "--exec-root", RUN / "docker"),
        *("--containerd", RUN / "containerd.sock"),
        *("--data-root", folder / "docker", "--default-address-pool", f"base={POOL},size=24"),
        *("--add-runtime", f"ours={RUN / RUNTIME}", "--default-runtime", "ours"),
    ]


def _end(name: str) -> None:
    """Terminate a program, and kill it after a grace period. Another process that reuses its pid is left alone."""
    left = _noted(name)
    if left is None:
        return
    deadline = time.monotonic() + END_LIMIT
    if left.alive:
        os.kill(left.pid, signal.SIGTERM)
    while left.alive:
        if time.monotonic() > deadline:
            os.killpg(left.pid, signal.SIGKILL)
        time.sleep(POLL)
    (RUN / f"{name}.json").unlink()


def _unmount(environ: Mapping[str, str]) -> None:
    """Unmount the data folder: a killed dockerd leaves it mounted over itself, so that it cannot be removed."""
    try:
        data = (RUN / "data-root").read_text()
    except FileNotFoundError:
        return
    while os.path.ismount(data):
        run_program(("umount", data), environ)


def _end_orphans(environ: Mapping[str, str]) -> None:
    """End the containers of a dockerd that was killed; otherwise dockerd has ended them itself."""
    containerd = _noted("containerd")
    if containerd is None or not containerd.alive:
        return
    ctr = ("ctr", "--address", RUN / "containerd.sock", "--namespace", "moby", "tasks")
    for container in run_program((*ctr, "list", "--quiet"), environ).split():
        run_program((*ctr, "delete", "--force", container), environ)


def _answers(environ: Mapping[str, str]) -> bool:
    try:
        run_program(("docker", "version"), environment(environ), seconds=10)
    except Missing:
        return False
    return True


def _make_network(environ: Mapping[str, str]) -> None:
    for command in (
        f"netns add {NAMESPACE}",
        f"link add {OUTSIDE} type veth peer name host netns {NAMESPACE}",
        f"address add {OUR_ADDRESS}/30 dev {OUTSIDE}",
        f"link set {OUTSIDE} up",
        f"-n {NAMESPACE} address add {ADDRESS}/30 dev host",
        f"-n {NAMESPACE} link set host up",
        f"-n {NAMESPACE} link set lo up",
        # The default route ends here. A veth and not a dummy device, because some kernels lack that module.
        f"-n {NAMESPACE} link add sink type veth peer name drain",
        f"-n {NAMESPACE} link set drain up",
        f"-n {NAMESPACE} link set sink up",
        f"-n {NAMESPACE} route add default dev sink",
    ):
        run_program(("ip", *command.split()), environ)
