"""A validating webhook that holds requests to delete until a test lets them go: so long may an API server be slow."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cluster import certificates
from cluster.client import Cluster


class Doorkeeper:
    """heard_of: the API server calls the webhook, which begins a while after it was configured.

    caught: a request is held; one that is made on trial never is. open: it may go on, and so may all that come later.
    """

    def __init__(self) -> None:
        self.heard_of = threading.Event()
        self.caught = threading.Event()
        self.open = threading.Event()

    def judge(self, review: Any) -> dict[str, Any]:
        self.heard_of.set()
        if not review["request"]["dryRun"]:
            self.caught.set()
            self.open.wait(25)
        return {**review, "response": {"uid": review["request"]["uid"], "allowed": True}}


@contextmanager
def held_deletes(cluster: Cluster, namespace: str, plural: str, folder: Path) -> Iterator[Doorkeeper]:
    """Hold every deletion of that kind in the namespace."""
    keeper, files = Doorkeeper(), certificates.make(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(keeper))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    name = f"doorkeeper-{namespace}"
    try:
        document = _configuration(name, namespace, plural, server.server_port, files.authority.read_bytes())
        cluster.kubectl("apply", "--filename=-", stdin=json.dumps(document))
        yield keeper
    finally:
        keeper.open.set()
        cluster.kubectl("delete", "validatingwebhookconfiguration", name, "--ignore-not-found")
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(keeper: Doorkeeper) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(keeper.judge(review)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what matters."""

    return Handler


def _configuration(name: str, namespace: str, plural: str, port: int, authority: bytes) -> dict[str, Any]:
    rule = {"apiGroups": ["flashsystem.io"], "apiVersions": ["*"], "operations": ["DELETE"], "resources": [plural]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "doorkeeper.flashsystem.io",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": 30,
                "rules": [rule],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "clientConfig": {
                    "url": f"https://127.0.0.1:{port}/",
                    "caBundle": base64.b64encode(authority).decode(),
                },
            }
        ],
    }
