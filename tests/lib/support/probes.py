"""What the operator answers to probes, as the kubelet asks them."""

import http.client


def is_ready(port: int) -> bool:
    return _succeeds(port, "/readyz")


def is_alive(port: int) -> bool:
    return _succeeds(port, "/livez")


def _succeeds(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
