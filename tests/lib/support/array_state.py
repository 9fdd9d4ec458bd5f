"""The state and the received commands of a simulated array, as tests compare them, and its administrator."""

from typing import Any

from flashsystem_operator.simulator import Simulator


def mark(simulator: Simulator) -> int:
    """Now, as a place in the log of commands."""
    return max((entry["seq"] for entry in simulator.control.log()), default=0)


def commands(simulator: Simulator, since: int = 0) -> list[dict[str, Any]]:
    """The commands that came over SSH after that place, in their order."""
    log = simulator.control.log(since)
    return [command for entry in log if entry["user"] != "administrator" for command in entry["commands"]]


def writes(simulator: Simulator, since: int = 0) -> list[str]:
    """The verbs of those that change something, refused ones too."""
    return [command["verb"] for command in commands(simulator, since) if command["writes"]]


def looks(simulator: Simulator, since: int) -> int:
    """How often everything was looked at after that place."""
    return sum(command["verb"] in ("lssystem", "lscluster") for command in commands(simulator, since))


def target_portals(connection: Any) -> list[str]:
    """The portals of a connection, as the status of an attachment has it, in their order."""
    return [each["portal"] for each in connection["targets"]]


def target_iqns(connection: Any) -> list[str]:
    """The iSCSI name at each of its portals."""
    return [each["iqn"] for each in connection["targets"]]


def ports(simulator: Simulator) -> dict[str, list[str]]:
    """The names of the ports of each host object, sorted."""
    return {host["name"]: sorted(port["name"] for port in host["ports"]) for host in simulator.control.state()["hosts"]}


def mappings(simulator: Simulator) -> set[tuple[str, str, int]]:
    """Host object, volume and LUN of every mapping that is a host's own."""
    return {(row["host"], row["volume"], row["lun"]) for row in simulator.control.state()["mappings"]}


def luns(simulator: Simulator) -> dict[str, int]:
    """The LUN of each volume, where each is mapped once at most."""
    return {volume: lun for _, volume, lun in mappings(simulator)}


def uid(simulator: Simulator, volume: str) -> str:
    return next(str(each["uid"]) for each in simulator.control.state()["volumes"] if each["name"] == volume)


def admin(simulator: Simulator, line: str) -> None:
    """Type a line by the administrator's hand; it must succeed."""
    answer = simulator.control.admin(f"svctask {line}")
    assert answer["exit"] == 0, answer


def foreign_host(simulator: Simulator, name: str, *initiators: str, volumes: tuple[str, ...] = ()) -> None:
    """A host object as an administrator makes it, with volumes at the LUNs from 0."""
    admin(simulator, f"mkhost -name {name} -iscsiname {','.join(initiators)}")
    for lun, volume in enumerate(volumes):
        admin(simulator, f"mkvdiskhostmap -host {name} -scsi {lun} {volume}")
