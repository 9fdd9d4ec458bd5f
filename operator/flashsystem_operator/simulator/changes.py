"""Changes behind the operator's back, as `POST /change` takes them: what, which one, and what to set."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from flashsystem_operator.simulator import config
from flashsystem_operator.simulator.config import ConfigError, State
from flashsystem_operator.simulator.system import System

Fields = dict[str, Any]


class Change(BaseModel):
    """what: a kind of object; name: which of them; set: its fields, as the state file names them."""

    model_config = ConfigDict(extra="forbid")

    what: str
    name: str = ""
    set: Fields = Field(default_factory=dict)


def apply(array: System, change: Change) -> None:
    """Change one thing of the array. Nothing is changed if the array could not be like that."""
    if change.what == "blank":
        array.become(_blank(array, change.set))
        return
    picker = PICKERS.get(change.what)
    if picker is None:
        raise ConfigError(f"what: there is no {change.what!r}: choose one of {', '.join(sorted([*PICKERS, 'blank']))}")
    data = array.dump().model_dump(mode="json")
    picked = picker(data, change.name)
    renamed = change.what in REFERRED and "name" in change.set and change.set["name"] != picked["name"]
    before = picked.get("name")
    picked.update(change.set)
    if renamed:
        _follow(data, change.what, str(before), change.set["name"])
    array.become(config.whole(data))


def replace(array: System, sections: dict[str, Any]) -> None:
    """Become another array altogether: sections that are left out come from the built-in one."""
    array.become(config.load(sections))


def config_node_is_down(array: System) -> bool:
    """Whether the configuration node went away and another one can take over."""
    nodes = array.nodes.values()
    return not any(node.config_node == "yes" and node.status == "online" for node in nodes) and any(
        node.status == "online" for node in nodes
    )


def move_config_node(array: System, name: str) -> None:
    """Let another node be the configuration node. Without a name: the next one that is online."""
    online = [node for node in array.nodes.values() if node.status == "online" and node.config_node == "no"]
    chosen = next((node for node in online if name in {"", node.name}), None)
    if chosen is None:
        raise ConfigError(f"name: {name!r} is no other node that is online: name one, or bring one online first")
    for node in array.nodes.values():
        node.config_node = "yes" if node is chosen else "no"


def _blank(array: System, fields: Fields) -> State:
    """Another system at the same address: the same machine to look at, without hosts, volumes or mappings."""
    data = array.dump().model_dump(mode="json")
    for section in ("volumes", "hosts", "host_clusters", "mappings", "shared_mappings"):
        data[section] = []
    data["system"] |= {"id": f"{int(data['system']['id'], 16) ^ 0xFFFF:016X}", **fields}
    return config.whole(data)


def _named(section: str, key: str = "name") -> Callable[[dict[str, Any], str], Fields]:
    def pick(data: dict[str, Any], name: str) -> Fields:
        rows: Iterable[Fields] = data[section]
        for row in rows:
            if name in {str(row[key]), str(row.get("id", ""))} or name.casefold() == str(row[key]).casefold():
                return row
        raise ConfigError(f"name: there is no {name!r} in {section}: name one that is")

    return pick


def _section(section: str) -> Callable[[dict[str, Any], str], Fields]:
    def pick(data: dict[str, Any], _name: str) -> Fields:
        fields: Fields = data[section]
        return fields

    return pick


def _host_port(data: dict[str, Any], name: str) -> Fields:
    for host in data["hosts"]:
        for port in host["ports"]:
            if port["name"].casefold() == name.casefold():
                found: Fields = port
                return found
    raise ConfigError(f"name: no host has the port {name!r}: name one that a host has")


def _pair(data: dict[str, Any], name: str) -> Fields:
    for row in data["mappings"]:
        if f"{row['host']}/{row['volume']}" == name:
            found: Fields = row
            return found
    raise ConfigError(f"name: there is no mapping {name!r}: write it as host/volume")


def _ip_port(data: dict[str, Any], name: str) -> Fields:
    for row in data["ports"]:
        if f"{row['node']}/{row['id']}" == name:
            found: Fields = row
            return found
    raise ConfigError(f"name: there is no port {name!r}: write it as node/id")


PICKERS: dict[str, Callable[[dict[str, Any], str], Fields]] = {
    "system": _section("system"),
    "limits": _section("limits"),
    "rules": _section("rules"),
    "node": _named("nodes"),
    "portset": _named("portsets"),
    "address": _named("addresses", "address"),
    "port": _ip_port,
    "pool": _named("pools"),
    "volume": _named("volumes"),
    "host": _named("hosts"),
    "host_port": _host_port,
    "mapping": _pair,
    "user": _named("users"),
}
REFERRED = ("node", "portset", "pool", "volume", "host")
"""Kinds that other entries refer to by name, in a field called like the kind."""


def _follow(data: dict[str, Any], what: str, before: str, after: str) -> None:
    """Let every entry that names a renamed object name it anew."""
    for section in data.values():
        for row in section if isinstance(section, list) else ():
            if row.get(what) == before:
                row[what] = after
