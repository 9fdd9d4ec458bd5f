"""Nothing in the cluster can reach a network outside the machine, and attempts are refused without a delay."""

import contextlib
import socket

import pytest

from onkind.lab import OPERATOR, SYSTEM, Lab

TRY = """
import socket, sys
for address in sys.argv[1:]:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as why:
        print(type(why).__name__)
    else:
        print("connected")
"""


@pytest.fixture
def our_address(lab: Lab) -> str:
    """The address from which this machine connects to the cluster."""
    if not lab.standing.sealed:
        pytest.skip("the cluster is in the user's own Docker, which may not be isolated")
    server = lab.cluster.kubectl("config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}")
    host, _, port = server.removeprefix("https://").rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        return str(connection.getsockname()[0])


def test_a_pod_reaches_neither_this_machine_nor_an_outside_network(lab: Lab, our_address: str) -> None:
    with contextlib.closing(socket.create_server((our_address, 0))) as server:
        addresses = (f"{our_address}:{server.getsockname()[1]}", "192.0.2.1:443", "198.51.100.1:53")
        args = ("exec", OPERATOR, f"--namespace={SYSTEM}", "--", "python", "-c", TRY, *addresses)
        results = lab.cluster.kubectl(*args).split()

    assert results == ["ConnectionRefusedError"] * len(addresses), "refused at once"
