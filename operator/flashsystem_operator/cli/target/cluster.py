"""What a cluster says of an array: its resource, its Secret, and what is attached there already. Only reads."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from kubernetes.aio import config

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import GROUP, Kind, ObjectRef, UnreadableResourceError
from flashsystem_operator.cli.exit_codes import FAILED, end
from flashsystem_operator.cli.target.target import NAMESPACE, Found, Given, Target, login_given
from flashsystem_operator.controller.kube.client import Kube, NoClient, client_of
from flashsystem_operator.controller.kube.errors import Forbidden, KubeError, NotFound
from flashsystem_operator.planner.access import by_labels
from flashsystem_operator.planner.desired import AnyResource

_HOME = Path("~/.kube/config")


def look(given: Given, *, everything: bool) -> Found:
    """The array that --array names. everything: also all hosts and attachments. Ends the program if there is none."""
    where = _kubeconfig(given.kubeconfig)
    try:
        return asyncio.run(_look(given, where, everything=everything))
    except (NoClient, UnreadableResourceError) as error:
        end(str(error), FAILED)
    except Forbidden as error:
        end(f"You may not read FlashSystemArrays of this namespace ({error}): ask for that right.", FAILED)
    except KubeError as error:
        end(f"{error}: check --kubeconfig and the cluster, or do without it with --file or --address.", FAILED)


async def _look(given: Given, kubeconfig: Path | None, *, everything: bool) -> Found:
    namespace = given.namespace or _namespace_of(kubeconfig)
    async with await client_of(kubeconfig) as api:
        kube = Kube(api)
        try:
            array = FlashSystemArray.read(await kube.get(ObjectRef(Kind.ARRAY, namespace, str(given.array))))
        except NotFound:
            end(
                f"There is no FlashSystemArray {namespace}/{given.array}: correct --array or -n; or, where nothing of "
                f"{GROUP} is known yet, apply the CRDs.",
                FAILED,
            )
        found = Found(await _target(kube, array, given))
        return await _with_everything(kube, found) if everything else found


async def _target(kube: Kube, array: FlashSystemArray, given: Given) -> Target:
    if secret := login_given(given):
        return Target(array, secret)
    namespace, name = array.metadata.namespace, array.spec.credentials_secret_ref.name
    try:
        return Target(array, await kube.secret(namespace, name))
    except NotFound:
        return Target(
            array,
            None,
            f"There is no Secret {namespace}/{name}. Make it, with username and password or ssh-privatekey.",
        )
    except Forbidden:
        return Target(
            array, None, f"You may not read Secret {namespace}/{name}. Ask for that right, or say who logs in: --user."
        )


async def _with_everything(kube: Kube, found: Found) -> Found:
    unseen: list[str] = []
    installation = ""
    try:
        installation = await kube.cluster_id()
    except (Forbidden, NotFound) as error:
        unseen.append(f"the UID of namespace kube-system ({error})")
    hosts = {each.ref: each for each in await _all(kube, FlashSystemHost, unseen)}
    attachments = {each.ref: each for each in await _all(kube, VolumeAttachment, unseen)}
    here = {ref: host for ref, host in hosts.items() if host.array == found.target.array.ref}
    return Found(
        found.target,
        here,
        {ref: each for ref, each in attachments.items() if each.host in here},
        installation,
        unseen,
        frozenset({*hosts, *attachments}),
        await _namespaces(kube, unseen) if by_labels(found.target.array) else {},
        hosts.values(),
    )


async def _namespaces(kube: Kube, unseen: list[str]) -> Mapping[str, Mapping[str, str]]:
    try:
        return await kube.namespaces()
    except Forbidden as error:
        unseen.append(f"the labels of namespaces, by which this array chooses ({error})")
        return {}


async def _all(kube: Kube, kind: type[AnyResource], unseen: list[str]) -> list[AnyResource]:
    """Every object of a kind that may be read."""
    found: list[AnyResource] = []
    try:
        async for body in kube.list(kind.KIND):
            try:
                found.append(kind.read(body))
            except UnreadableResourceError as error:
                unseen.append(f"{kind.KIND} {body['metadata']['namespace']}/{body['metadata']['name']} ({error})")
    except Forbidden as error:
        unseen.append(f"the {kind.KIND}s of the cluster ({error})")
    return found


def _kubeconfig(given: Path | None) -> Path | None:
    """As kubectl finds it: the option, KUBECONFIG, the home directory; None: a pod's service account."""
    if given:
        return given
    if named := os.environ.get("KUBECONFIG"):
        return Path(named)
    home = _HOME.expanduser()
    return home if home.exists() else None


def _namespace_of(kubeconfig: Path | None) -> str:
    """That of the kubeconfig's current context."""
    if kubeconfig is None:
        return NAMESPACE
    try:
        _, active = config.list_kube_config_contexts(str(kubeconfig))  # type: ignore[no-untyped-call] # untyped
        return str(active["context"].get("namespace") or NAMESPACE)
    except Exception:  # noqa: BLE001 - the library stumbles in any way over a file that is none; the client says which
        return NAMESPACE
