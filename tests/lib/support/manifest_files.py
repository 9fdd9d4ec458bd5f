"""Manifests as users keep them in files, for the commands that read those."""

import base64
from typing import Any

from flashsystem_operator.simulator import Simulator
from support.stand import iqn

API = "flashsystem.io/v1alpha1"
CANARY = "passw0rd"


def array(simulator: Simulator, name: str = "fs1", **spec: Any) -> dict[str, Any]:
    defaults = {
        "management": {"addresses": [simulator.host], "port": simulator.port},
        "credentialsSecretRef": {"name": "login"},
        "hostKeys": [simulator.host_key],
    }
    return resource("FlashSystemArray", name, {**defaults, **spec})


def secret(simulator: Simulator, field: str = "stringData") -> dict[str, Any]:
    entries = {"username": simulator.user, "password": CANARY}
    if field == "data":
        entries = {key: base64.b64encode(value.encode()).decode() for key, value in entries.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, field: entries}


def host(name: str = "node-1", of: str = "fs1") -> dict[str, Any]:
    return resource("FlashSystemHost", name, {"arrayRef": {"name": of}, "initiators": {"iscsi": [iqn(name)]}})


def volume(
    name: str, size: str = "2Gi", of: str = "fs1", imported: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """imported: the field `import`; then the size is left out."""
    way = {"import": imported} if imported else {"size": size}
    return resource("FlashSystemVolume", name, {"arrayRef": {"name": of}, **way, **spec})


def attachment(name: str, volume: str | dict[str, Any], on: str = "node-1", **spec: Any) -> dict[str, Any]:
    """Of a volume by name, or as in the spec."""
    selector = {"name": volume} if isinstance(volume, str) else volume
    return resource("VolumeAttachment", name, {"hostRef": {"name": on}, "volume": selector, **spec})


def resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
