"""A simulated array in the cluster, driven through its control port by kubectl and the proxy of the API server."""

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
    """One simulated array. dialect: legacy or modern."""

    cluster: Cluster
    dialect: str

    @property
    def deployment(self) -> str:
        return f"deployment/flashsystem-simulator-{self.dialect}"

    @property
    def address(self) -> str:
        """The DNS name at which pods reach it, on the standard SSH port."""
        return f"flashsystem-simulator-{self.dialect}.{NAMESPACE}.svc"

    @property
    def host_key(self) -> str:
        """The SSH host key in the format of known_hosts, without the host name; read from the log of the simulator."""
        log = self.cluster.kubectl("logs", self.deployment, f"--namespace={NAMESPACE}")
        found = re.search(r'^simulator ready: .* host-key="([^"]+)"', log, re.MULTILINE)
        assert found is not None, f"no host key in the log:\n{log}"
        return found[1]

    def state(self) -> dict[str, Any]:
        """The complete state of the array, in the format of docs/simulator.md."""
        return dict(self._request("get", "/state"))

    def admin(self, line: str) -> str:
        """Run a CLI command as an administrator of the array; returns what it prints."""
        reply = self._request("create", "/admin", {"line": line})
        assert reply["exit"] == 0, f"{line}: {reply['stderr']}"
        return str(reply["stdout"])

    def change(self, what: str, name: str = "", /, **fields: Any) -> None:
        """Change the array outside the operator: docs/simulator.md, "Changes"."""
        self._request("create", "/change", {"what": what, "name": name, "set": fields})

    def fault(self, fault: str, verb: str | None = None, **order: Any) -> int:
        """Inject a fault (docs/simulator.md, "Faults"); returns its id for `wait` and `release`."""
        return int(self._request("create", "/faults", {"fault": fault, "verb": verb, **order})["id"])

    def wait(self, fault: int, state: str = "holding", seconds: float = 60.0) -> None:
        """Wait until the fault holds a command, or is used up."""
        self._request("get", f"/faults/{fault}?state={state}&timeout={seconds}")

    def release(self, fault: int) -> None:
        """Release the commands that the fault holds."""
        self._request("create", f"/faults/{fault}/release", {})

    def forget(self, fault: int) -> None:
        self.cluster.kubectl("delete", f"--raw={self._path}/faults/{fault}")

    def commands(self, verb: str, since: int = 0) -> list[dict[str, Any]]:
        """All commands with this verb that arrived over SSH after this position of the log."""
        lines = [line for line in self._request("get", f"/log?since={since}") if line["session"]]
        return [command for line in lines for command in line["commands"] if verb in command["words"][:1]]

    def log_position(self) -> int:
        """The number of the last line in the command log, for `commands`."""
        return max((int(line["seq"]) for line in self._request("get", "/log")), default=0)

    def volumes(self, names: Iterable[str]) -> None:
        """Create volumes with these names, of 1 GiB each. Call it only while nothing else uses this array."""
        state = self.state()
        missing = set(names) - {volume["name"] for volume in state["volumes"]}
        pool = state["pools"][0]["name"]
        used = max((volume["id"] for volume in state["volumes"]), default=-1)
        new = [
            {"id": used + number, "name": name, "capacity": 1 << 30, "pool": pool}
            for number, name in enumerate(sorted(missing), 1)
        ]
        self._request("replace", "/state", {**state, "volumes": [*state["volumes"], *new]})

    def mappings(self, *volumes: str) -> set[tuple[str, str, int]]:
        """Host, volume and LUN of every mapping of these volumes; of all volumes if none is named."""
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

    def _request(self, verb: str, path: str, body: object = None) -> Any:
        """Send a request to the control port. verb: that of kubectl: get, create for POST, replace for PUT."""
        if body is None:
            return json.loads(self.cluster.kubectl(verb, f"--raw={self._path}{path}"))
        args = (verb, f"--raw={self._path}{path}", "--filename=-")
        return json.loads(self.cluster.kubectl(*args, stdin=json.dumps(body)))
