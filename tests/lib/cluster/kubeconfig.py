"""Kubeconfig files that hold one server and one token, and so can never mean another cluster."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Server:
    """Where an API server is, and how it proves that it is the one."""

    url: str
    trust: dict[str, Any]  # fields of the kubeconfig: certificate-authority-data and the like

    @classmethod
    def local(cls, port: int, authority: Path) -> "Server":
        data = base64.b64encode(authority.read_bytes()).decode()
        return cls(f"https://127.0.0.1:{port}", {"certificate-authority-data": data})

    @classmethod
    def of(cls, minified: str) -> "Server":
        """Read the server from the output of `kubectl config view --raw --minify --flatten -o json`."""
        cluster: dict[str, Any] = json.loads(minified)["clusters"][0]["cluster"]
        return cls(cluster.pop("server"), cluster)


def write(path: Path, server: Server, user: str, token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig that only we may read."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": user,
        "clusters": [{"name": "cluster", "cluster": {"server": server.url, **server.trust}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "cluster", "user": user, "namespace": namespace}}],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
    return path
