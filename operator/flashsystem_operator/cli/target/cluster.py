"""Read an array from a cluster: its resource, its Secret, and the hosts, volumes and attachments. Never writes."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from kubernetes.aio import config

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import GROUP, Kind, ObjectRef, UnreadableResourceError
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.cli.exit_codes import FAILED, end
from flashsystem_operator.cli.target.target import NAMESPACE, Found, Given, Target, read_login
from flashsystem_operator.controller.kube.client import Kube, NoClient, client_of
from flashsystem_operator.controller.kube.errors import Forbidden, KubeError, NotFound
from flashsystem_operator.planner.desired import AnyResource, by_labels

_HOME = Path("~/.kube/config")


def read_array(given: Given, *, everything: bool) -> Found:
    """Read the array that --array names. Ends the program if there is none.

    everything: also read all hosts, volumes and attachments.
    """
    # As kubectl does: the option, KUBECONFIG, then the home directory. None: the service account of the pod.
    kubeconfig = given.kubeconfig
    if not kubeconfig:
        named = os.environ.get("KUBECONFIG")
        found = Path(named) if named else _HOME.expanduser()
        kubeconfig = found if named or found.exists() else None
    try:
        return asyncio.run(_read(given, kubeconfig, everything=everything))
    except (NoClient, UnreadableResourceError) as error:
        end(str(error), FAILED)
    except Forbidden as error:
        end(
            f"You may not read FlashSystemArrays in this namespace ({error}): ask for that right.",
            FAILED,
        )
    except KubeError as error:
        end(f"{error}: check --kubeconfig and the cluster, or use --file or --address, which need no cluster.", FAILED)


async def _read(given: Given, kubeconfig: Path | None, *, everything: bool) -> Found:
    namespace = given.namespace or _namespace_of(kubeconfig)
    async with await client_of(kubeconfig) as api:
        kube = Kube(api)
        try:
            array = FlashSystemArray.read(await kube.get(ObjectRef(Kind.ARRAY, namespace, str(given.array))))
        except NotFound:
            end(
                f"There is no FlashSystemArray {namespace}/{given.array}: correct --array or -n; if the cluster "
                f"has no CRDs of {GROUP} yet, apply them.",
                FAILED,
            )
        found = Found(await _target(kube, array, given))
        return await _with_everything(kube, found) if everything else found


async def _target(kube: Kube, array: FlashSystemArray, given: Given) -> Target:
    if secret := read_login(given):
        return Target(array, secret)
    namespace, name = array.metadata.namespace, array.spec.credentials_secret_ref.name
    try:
        return Target(array, await kube.secret(namespace, name))
    except NotFound:
        return Target(
            array,
            None,
            f"There is no Secret {namespace}/{name}. Create it with username and password or ssh-privatekey.",
        )
    except Forbidden:
        return Target(array, None, f"You may not read Secret {namespace}/{name}. Ask for that right, or use --user.")


async def _with_everything(kube: Kube, found: Found) -> Found:
    unread: list[str] = []
    installation = ""
    try:
        installation = await kube.cluster_id()
    except (Forbidden, NotFound) as error:
        unread.append(f"the UID of namespace kube-system ({error})")
    hosts = {each.ref: each for each in await _all(kube, FlashSystemHost, unread)}
    volumes = {each.ref: each for each in await _all(kube, FlashSystemVolume, unread)}
    attachments = {each.ref: each for each in await _all(kube, VolumeAttachment, unread)}
    hosts_of_array = {ref: host for ref, host in hosts.items() if host.array == found.target.array.ref}
    namespaces: Mapping[str, Mapping[str, str]] = {}
    if by_labels(found.target.array):
        try:
            namespaces = await kube.namespaces()
        except Forbidden as error:
            unread.append(f"the labels of namespaces, which this array selects by ({error})")
    return Found(
        found.target,
        hosts_of_array,
        {ref: each for ref, each in volumes.items() if each.array == found.target.array.ref},
        {ref: each for ref, each in attachments.items() if each.host in hosts_of_array},
        installation,
        unread,
        frozenset({*hosts, *volumes, *attachments}),
        namespaces,
        hosts.values(),
    )


async def _all(kube: Kube, kind: type[AnyResource], unread: list[str]) -> list[AnyResource]:
    """Return all readable objects of a kind; add the others to `unread`."""
    found: list[AnyResource] = []
    try:
        async for body in kube.list(kind.KIND):
            try:
                found.append(kind.read(body))
            except UnreadableResourceError as error:
                unread.append(f"{kind.KIND} {body['metadata']['namespace']}/{body['metadata']['name']} ({error})")
    except (Forbidden, NotFound) as error:  # not found: the cluster has no such CRD
        unread.append(f"the {kind.KIND}s of the cluster ({error})")
    return found


def _namespace_of(kubeconfig: Path | None) -> str:
    """Return the namespace of the current context of the kubeconfig."""
    if kubeconfig is None:
        return NAMESPACE
    try:
        _, active = config.list_kube_config_contexts(str(kubeconfig))  # type: ignore[no-untyped-call] # untyped
        return str(active["context"].get("namespace") or NAMESPACE)
    except Exception:  # noqa: BLE001 - the library raises any error for an invalid file; the client reports it
        return NAMESPACE
