"""What the real os-brick makes of connection properties. Run by the Python that has os-brick; prints JSON.

stdin: the properties, as they stand in a Secret. stdout: the paths that its iSCSI connector reads in them, one by one
and for multipath, and the commands that it types to log in to each; a fake iscsiadm answers these.
"""

import json
import sys
import tempfile
import warnings
from typing import Any

warnings.simplefilter("ignore")  # of its own dependencies, which are none of ours

import os_brick  # type: ignore[import-not-found] # noqa: E402 - an environment of its own, set up above
from os_brick.initiator.connectors.iscsi import ISCSIConnector  # type: ignore[import-not-found] # noqa: E402 - the same
from oslo_concurrency import lockutils  # type: ignore[import-not-found] # noqa: E402 - the same
from oslo_config import cfg  # type: ignore[import-not-found] # noqa: E402 - the same


class Machine:
    """Answers commands as a machine with open-iscsi does on which every login succeeds."""

    def __init__(self) -> None:
        self.typed: list[str] = []
        self._sessions: list[str] = []

    def execute(self, *command: str, **_: Any) -> tuple[str, str]:
        line = " ".join(command)
        if line == "iscsiadm -m session":
            return "\n".join(self._sessions), ""
        self.typed.append(line)
        if line.endswith("--login"):
            target, portal = command[command.index("-T") + 1], command[command.index("-p") + 1]
            self._sessions.append(f"tcp: [{len(self._sessions) + 1}] {portal},1 {target} (non-flash)")
        return "", ""


def main() -> None:
    properties = json.load(sys.stdin)
    machine = Machine()
    with tempfile.TemporaryDirectory() as locks:
        os_brick.setup(cfg.CONF)
        lockutils.set_defaults(locks)
        connector = ISCSIConnector("", execute=machine.execute, use_multipath=True)
        connector.check_multipath(properties)
        paths = connector._get_ips_iqns_luns(properties, discover=False)  # noqa: SLF001 - what it reads is the point
        single = [
            [each["target_portal"], each["target_iqn"], each["target_lun"]]
            for each in connector._iterate_all_targets(properties)  # noqa: SLF001 - the same
        ]
        sessions = [
            connector._connect_to_iscsi_portal(each)[0]  # noqa: SLF001 - the same
            for each in connector._iterate_all_targets(properties)  # noqa: SLF001 - the same
        ]
    json.dump({"paths": paths, "single": single, "sessions": sessions, "typed": machine.typed}, sys.stdout)


if __name__ == "__main__":
    main()
