"""Clients that others wrote for the same command line: Cinder's drivers and IBM's pysvc. They have an environment of
their own, which `make foreign` makes. A test that needs one of them is skipped where it could not be made.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flashsystem_operator.simulator import Simulator

HOME = Path(sys.prefix) / "foreign"
PYTHON = HOME / "bin" / "python"
CINDER = "cinder.volume.drivers.ibm"
STORWIZE = f"{CINDER}.storwize_svc.storwize_svc_iscsi.StorwizeSVCISCSIDriver"
STORWIZE_FIBRE = f"{CINDER}.storwize_svc.storwize_svc_fc.StorwizeSVCFCDriver"
FLASHSYSTEM = f"{CINDER}.flashsystem_iscsi.FlashSystemISCSIDriver"


def skip_where_missing() -> None:
    """Skip the test, with the reason why these clients are not installed."""
    if (HOME / ".installed").exists():
        return
    log = HOME / "pip.log"
    output = log.read_text(encoding="utf-8").strip().splitlines() if log.exists() else []
    pytest.skip(f"Cinder and pysvc are not installed: {output[-1] if output else '`make foreign` installs them'}")


@dataclass(frozen=True, slots=True)
class Result:
    """What a driver returned, or the exception that it raised."""

    returned: Any
    raised: str
    message: str


class Driver:
    """A running driver of Cinder. Volumes are called by their number, and `volume-NUMBER` on the array."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self._process = process
        self._errors = errors

    def __call__(
        self, method: str, volume: str = "", connector: dict[str, Any] | None = None, **settings: Any
    ) -> Result:
        call = {"method": method, "volume": volume, "connector": connector, "settings": settings}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self._errors.read_text(encoding="utf-8")[-4000:]
        answer = json.loads(line)
        return Result(answer.get("returned"), answer.get("raised", ""), answer.get("message", ""))

    def attach(self, volume: str, connector: dict[str, Any]) -> dict[str, Any]:
        """The connection properties of a volume that is attached."""
        result = self("initialize_connection", volume, connector)
        assert not result.raised, result
        properties: dict[str, Any] = result.returned["data"]
        return properties

    def detach(self, volume: str, connector: dict[str, Any]) -> Result:
        return self("terminate_connection", volume, connector)


@contextmanager
def running_driver(kind: str, array: Simulator, pool: str, folder: Path, **settings: str | int) -> Iterator[Driver]:
    """A driver of Cinder that has connected to an array and been set up. It insists on the host key of the array."""
    (folder / "known_hosts").write_text(f"[{array.host}]:{array.port} {array.host_key}\n", encoding="utf-8")
    (folder / "cinder.conf").write_text(_configuration(array, folder, settings), encoding="utf-8")
    errors = folder / "stderr"
    with errors.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [PYTHON, Path(__file__).with_name("drive_cinder.py"), folder / "cinder.conf", kind, pool],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        )
    with process:
        try:
            driver = Driver(process, errors)
            for method in ("do_setup", "check_for_setup_error"):
                result = driver(method)
                assert not result.raised, (method, result)
            yield driver
        finally:
            process.kill()


def _configuration(array: Simulator, folder: Path, settings: dict[str, str | int]) -> str:
    everywhere = {
        "volume_backend_name": "array",
        "san_ip": array.host,
        "san_ssh_port": array.port,
        "san_login": array.user,
        "san_password": "passw0rd",
    }
    lines = [f"{key} = {value}" for key, value in {**everywhere, **settings}.items()]
    return f"""
[DEFAULT]
state_path = {folder}
ssh_hosts_key_file = {folder}/known_hosts
strict_ssh_host_key_policy = true
[oslo_concurrency]
lock_path = {folder}
[coordination]
backend_url = file://{folder}
[array]
{chr(10).join(lines)}
"""


def pysvc(array: Simulator, folder: Path, *calls: tuple[str, str, dict[str, Any]]) -> list[Any]:
    """What IBM's pysvc makes of some calls, one after another in one session; see drive_pysvc.py."""
    request = {
        "address": array.host,
        "port": array.port,
        "username": array.user,
        "password": "passw0rd",
        "calls": calls,
    }
    answer = subprocess.run(
        [PYTHON, Path(__file__).with_name("drive_pysvc.py")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert answer.returncode == 0, answer.stderr
    results: list[Any] = json.loads(answer.stdout)
    return results
