"""From a kubeconfig, or a pod's service account, to a client of the API server."""

import os
from pathlib import Path

from kubernetes.aio import client, config
from kubernetes.aio.config.config_exception import ConfigException
from yaml import YAMLError

PARTING = 0.25
"""Seconds in which TLS connections of a client are closed: aiohttp does not wait for it, and asks its users to."""


class NoClient(Exception):
    """There is no way to an API server. The message says in one line what to do."""


async def client_of(kubeconfig: Path | None) -> client.ApiClient:
    """A client by this kubeconfig, else by the service account. Nothing is sent yet. Raises NoClient."""
    configuration = client.Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # untyped
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call] # the client's configuration has no types
                str(kubeconfig), client_configuration=configuration, persist_config=False
            )
        return client.ApiClient(configuration)
    except Exception as error:  # the library stumbles in any way over a file that is none
        why = str(error) if isinstance(error, ConfigException | OSError | YAMLError) else "it is no kubeconfig"
        raise NoClient(
            f"cannot use {named(kubeconfig)}: {why.rstrip('.')}. Give a working one with --kubeconfig."
        ) from error


def api_server() -> str:
    """Where a pod finds the API server by its environment, which needs no DNS."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def named(kubeconfig: Path | None) -> str:
    return f"kubeconfig {kubeconfig}" if kubeconfig else "the service account of a pod"
