"""In a pod, watches and all other requests go to the same address, and none of them needs cluster DNS."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import kopf
import pytest
from kubernetes.aio import client, config
from kubernetes.aio.config import incluster_config

from flashsystem_operator.runtime.watches import log_in


@pytest.mark.parametrize("address", ["10.96.0.1", "fd00:10:96::1"], ids=["IPv4", "IPv6"])
def test_watches_log_in_at_the_address_of_all_other_requests_and_not_at_a_dns_name(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both libraries read files of a pod at fixed paths; the login of kopf itself returns the DNS name."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("a-token")
    authority.write_text("an authority")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", address)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    by_name = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token=token.read_text())
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: by_name)
    others = client.Configuration()
    config.load_incluster_config(client_configuration=others)  # type: ignore[no-untyped-call] # it has no types

    found = log_in(None, settings=kopf.OperatorSettings())

    assert found is not None
    assert found.server == others.host
    assert found.token == "a-token"
    where = urlsplit(found.server)
    assert ipaddress.ip_address(where.hostname or "") == ipaddress.ip_address(address)
    assert where.port == 6443
