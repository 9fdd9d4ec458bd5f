"""The state file: an array written down as YAML, read with errors that name the field and the way out."""

from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from flashsystem_operator.simulator import defaults
from flashsystem_operator.simulator.check import Contradiction, check
from flashsystem_operator.simulator.objects import (
    Address,
    FibrePort,
    Host,
    HostCluster,
    Identity,
    IpPort,
    MappingEntry,
    Node,
    Pool,
    Portset,
    SharedEntry,
    User,
    Volume,
)
from flashsystem_operator.simulator.release import PORTSETS, Dialect, Level
from flashsystem_operator.simulator.rules import Limits, Rules

NUMBERED = ("nodes", "addresses", "portsets", "pools", "volumes", "hosts", "host_clusters")
MERGED = ("system", "rules", "limits")
Model = TypeVar("Model", bound=BaseModel)


class ConfigError(ValueError):
    """A state file, a change or an order that cannot be followed; says where, why and the way out."""


def default_portset(portsets: list[Portset], *, fc: bool) -> str:
    """The portset that a host without one joins; empty where there is none of its type."""
    kind = "fc" if fc else "ethernet"
    return next((each.name for each in portsets if each.is_default == "yes" and each.port_type == kind), "")


class State(BaseModel):
    """A whole array. This is what `GET /state` prints and what a state file may hold."""

    model_config = ConfigDict(extra="forbid")

    dialect: Dialect
    release: str = Field(pattern=r"^\d+(\.\d+){0,4}$")
    system: Identity
    users: list[User]
    nodes: list[Node]
    ports: list[IpPort]
    fibre_ports: list[FibrePort] = []
    addresses: list[Address]
    portsets: list[Portset]
    pools: list[Pool]
    volumes: list[Volume]
    hosts: list[Host] = []
    host_clusters: list[HostCluster] = []
    mappings: list[MappingEntry] = []
    shared_mappings: list[SharedEntry] = []
    rules: Rules = Rules()
    limits: Limits = Limits()

    @property
    def level(self) -> Level:
        return Level.of(self.dialect, self.release)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self.rules = self.rules.for_array(self.level)
        if not self.system.code_level:
            self.system.code_level = f"{self.release} (build 1.0)"
        if self.level.within(PORTSETS):
            self._join_default_portset()
        return self

    def _join_default_portset(self) -> None:
        for host in self.hosts:
            host.portset = host.portset or default_portset(self.portsets, fc=any(p.kind == "fc" for p in host.ports))


def load(config: dict[str, Any] | Path | str | None = None, dialect: Dialect | None = None) -> State:
    """Read a state file, a dictionary of the same form, or nothing, and fill in the rest from the built-in array.

    A list that is given replaces the built-in one; `system`, `rules` and `limits` are merged field by field.
    """
    given = config if isinstance(config, dict) else read_file(config)
    named = given.get("dialect", dialect or "modern")
    if dialect and named != dialect:
        raise ConfigError(f"dialect: the state file says {named}, the command line {dialect}: leave one of them out")
    if named not in ("legacy", "modern"):
        raise ConfigError(f"dialect: {named!r} is none: write legacy or modern")
    base = defaults.sections(named, given.get("release"))
    merged = {**base, **given, "dialect": named}
    for section in MERGED:
        if isinstance(given.get(section), dict):
            merged[section] = {**base.get(section, {}), **given[section]}
    return whole(_numbered(merged))


def whole(sections: dict[str, Any]) -> State:
    """Every section as a State that an array can be in, or a ConfigError."""
    state = validated(State, sections)
    try:
        check(state)
    except Contradiction as error:
        raise ConfigError(str(error)) from None
    return state


def validated(model: type[Model], data: Any) -> Model:
    """Data as a model, or a ConfigError with one line for each field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError("; ".join(_told(problem) for problem in error.errors())) from None


def _told(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{where}: no such field: remove it, or see docs/simulator.md for those that are"
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if not where:
        return reason
    given = "" if problem["type"] == "missing" else f", not {problem['input']!r:.80}"
    return f"{where}: {reason}{given}"


def read_file(path: Path | str | None) -> dict[str, Any]:
    """The sections of a state file, not yet looked at."""
    if path is None:
        return {}
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: give the path of a state file that can be read") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8: give a state file, which is text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}: not YAML{line}: {getattr(error, 'problem', error)}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path}: a state file is a mapping of sections such as volumes and hosts, not a {_kind(data)}"
        )
    return data


def _kind(data: object) -> str:
    return "list" if isinstance(data, list) else "single value"


def _numbered(sections: dict[str, Any]) -> dict[str, Any]:
    """Sections in which every object without an id has the lowest free one, as if it had been made in that order."""
    for name in NUMBERED:
        rows = sections.get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            continue
        used = {row["id"] for row in rows if isinstance(row.get("id"), int)}
        free = (number for number in range(len(rows) + len(used)) if number not in used)
        sections[name] = [row if "id" in row else {"id": next(free), **row} for row in rows]
    return sections
