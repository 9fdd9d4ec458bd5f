"""Run our health script as Argo CD does, and generate the patch for its ConfigMap.

`python -m tools.argo` writes the patch again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lupa.lua51 import LuaRuntime

from flashsystem_operator.api.metadata import GROUP, Kind

FOLDER = Path(__file__).parents[1] / "manifests" / "argo-cd"
SCRIPT, PATCH = FOLDER / "health.lua", FOLDER / "argocd-cm.yaml"
STATUSES = frozenset({"Healthy", "Progressing", "Degraded", "Suspended"})

_TAKEN = ("os", "io", "string", "math", "debug", "coroutine", "python", "require", "package", "dofile", "loadfile")
"""Globals that a script lacks in Argo CD. It loads base, table and package of Lua 5.1; package is not needed."""

_PREFIX = f"resource.customizations.health.{GROUP}_"


class Health(NamedTuple):
    """What Argo CD shows of an object."""

    status: str
    message: str


def health(thing: Mapping[str, Any], script: str | None = None) -> Health:
    """What Argo CD shows of an object, given as the API server returns it."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    # Methods of strings come from their metatable, which exists even without the string library.
    lua.execute('getmetatable("").__index = nil')
    for name in _TAKEN:
        lua.globals()[name] = None
    lua.globals()["obj"] = lua.table_from(json.loads(json.dumps(thing)), recursive=True)
    result: Any = lua.execute(script or SCRIPT.read_text(encoding="utf-8"))
    found = Health(result["status"], result["message"])
    assert found.status in STATUSES
    return found


def patch() -> str:
    """The text of argocd-cm.yaml: one script, under the key that Argo CD has for each kind."""
    first, *others = sorted(str(kind) for kind in Kind)
    lines = [f"    {line}".rstrip() for line in SCRIPT.read_text(encoding="utf-8").splitlines()]
    return "\n".join(
        (
            "# For the ConfigMap of Argo CD; made of health.lua by `python -m tools.argo`:",
            "#   kubectl patch configmap argocd-cm --namespace argocd --patch-file manifests/argo-cd/argocd-cm.yaml",
            "data:",
            f"  {_PREFIX}{first}: &health |",
            *lines,
            *(f"  {_PREFIX}{kind}: *health" for kind in others),
            "",
        )
    )


if __name__ == "__main__":
    PATCH.write_text(patch(), encoding="utf-8")
