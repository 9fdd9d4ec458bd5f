"""A simulated array in the cluster, driven through its control port: kubectl asks, and the API server passes it on."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cluster.client import Cluster

NAMESPACE = "flashsystem-simulator"
USER, PASSWORD = "superuser", "passw0rd"


@dataclass(frozen=True, slots=True)
class SimulatedArray:
    """dialect: legacy or modern."""

    cluster: Cluster
    dialect: str

    @property
    def deployment(self) -> str:
        return f"deployment/flashsystem-simulator-{self.dialect}"

    @property
    def address(self) -> str:
        """Where pods find it, at the usual port of SSH."""
        return f"flashsystem-simulator-{self.dialect}.{NAMESPACE}.svc"

    @property
    def host_key(self) -> str:
        """As in known_hosts, without the name; from its log, where it prints it at the start."""
        log = self.cluster.kubectl("logs", self.deployment, f"--namespace={NAMESPACE}")
        found = re.search(r'^simulator ready: .* host-key="([^"]+)"', log, re.MULTILINE)
        assert found is not None, f"no host key in the log:\n{log}"
        return found[1]

    def state(self) -> dict[str, Any]:
        """All that is on it, as docs/simulator.md shows it."""
        return dict(self._asked("get", "/state"))

    def admin(self, line: str) -> str:
        """Type a line by the administrator's hand; what it prints."""
        answer = self._asked("create", "/admin", {"line": line})
        assert answer["exit"] == 0, f"{line}: {answer['stderr']}"
        return str(answer["stdout"])

    def change(self, what: str, name: str = "", /, **fields: Any) -> None:
        """Change something behind the operator's back: docs/simulator.md, "Changes"."""
        self._asked("create", "/change", {"what": what, "name": name, "set": fields})

    def fault(self, fault: str, verb: str | None = None, **order: Any) -> int:
        """Order a fault (docs/simulator.md, "Faults"); its number is for `wait` and `release`."""
        return int(self._asked("create", "/faults", {"fault": fault, "verb": verb, **order})["id"])

    def wait(self, fault: int, state: str = "holding", seconds: float = 60.0) -> None:
        """Until the fault holds a command, or is spent."""
        self._asked("get", f"/faults/{fault}?state={state}&timeout={seconds}")

    def release(self, fault: int) -> None:
        """Let go of the commands that it holds."""
        self._asked("create", f"/faults/{fault}/release", {})

    def forget(self, fault: int) -> None:
        self.cluster.kubectl("delete", f"--raw={self._path}/faults/{fault}")

    def commands(self, verb: str, since: int = 0) -> list[dict[str, Any]]:
        """All commands of this verb that came over SSH after the log line of this number."""
        lines = [line for line in self._asked("get", f"/log?since={since}") if line["session"]]
        return [command for line in lines for command in line["commands"] if verb in command["words"][:1]]

    def heard(self) -> int:
        """The number of the last line in its log, for `commands`."""
        return max((int(line["seq"]) for line in self._asked("get", "/log")), default=0)

    def volumes(self, names: Iterable[str]) -> None:
        """Have volumes of these names, of 1 GiB each. Call it while nothing else works on this array."""
        state = self.state()
        wished = set(names) - {volume["name"] for volume in state["volumes"]}
        pool = state["pools"][0]["name"]
        used = max((volume["id"] for volume in state["volumes"]), default=-1)
        new = [
            {"id": used + number, "name": name, "capacity": 1 << 30, "pool": pool}
            for number, name in enumerate(sorted(wished), 1)
        ]
        self._asked("replace", "/state", {**state, "volumes": [*state["volumes"], *new]})

    def mappings(self, *volumes: str) -> set[tuple[str, str, int]]:
        """Host, volume and LUN of every mapping of these volumes; of all volumes when none is named."""
        rows = ((each["host"], each["volume"], each["lun"]) for each in self.state()["mappings"])
        return {row for row in rows if not volumes or row[1] in volumes}

    def hosts(self, *iqns: str) -> set[str]:
        """The host objects that have one of these initiators."""
        return {
            host["name"]
            for host in self.state()["hosts"]
            if {port["name"].lower() for port in host["ports"]} & {iqn.lower() for iqn in iqns}
        }

    @property
    def _path(self) -> str:
        service = f"http:flashsystem-simulator-{self.dialect}:control"
        return f"/api/v1/namespaces/{NAMESPACE}/services/{service}/proxy"

    def _asked(self, verb: str, path: str, body: object = None) -> Any:
        """verb: kubectl's, for the one of HTTP: get, create for POST, replace for PUT."""
        if body is None:
            return json.loads(self.cluster.kubectl(verb, f"--raw={self._path}{path}"))
        words = (verb, f"--raw={self._path}{path}", "--filename=-")
        return json.loads(self.cluster.kubectl(*words, stdin=json.dumps(body)))
