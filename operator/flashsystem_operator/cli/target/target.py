"""The array of a command and its login, from options or from files; `find` looks in the cluster too.

A password is never the value of an option: every user of the machine could read it in the process list.
"""

import base64
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from flashsystem_operator.api.array import FlashSystemArray, HostKeyPolicy
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import API_VERSION, Kind, ObjectRef
from flashsystem_operator.api.validation import field_errors
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.ssh.credentials import BadCredentials, Login
from flashsystem_operator.cli.installation import namespace
from flashsystem_operator.cli.manifests import Manifests, load
from flashsystem_operator.controller.kube.errors import Secret

PASSWORD = "FLASHSYSTEM_PASSWORD"  # noqa: S105 - the name of a variable
NAMESPACE = "default"
"""Namespace of objects that have none, if the kubeconfig does not specify another one."""

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)

_BY_OPTION = {
    "spec.management.addresses": "--address",
    "spec.management.port": "--port",
    "spec.hostKeys": "--host-key",
    "spec.pool": "--pool",
    "spec.systemID": "--system-id",
    "metadata.name": "--array",
}

pool_option = click.option("--pool", help="The pool that must exist, with --address.")

OPTIONS = (
    click.option("--array", metavar="NAME", help="The FlashSystemArray. With --address: its current or future name."),
    click.option(
        "-n", "--namespace", callback=namespace, help="Its namespace  [default: the kubeconfig's, or default]"
    ),
    click.option("--address", "addresses", multiple=True, metavar="HOST", help="Management address; may be repeated."),
    click.option("--port", type=click.IntRange(1, 65535), help="Port of the SSH server, with --address  [default: 22]"),
    click.option("--user", help="Log in as this user instead of the one in the Secret."),
    click.option("--key-file", type=_FILE, help="The user's private key, without a passphrase."),
    click.option(
        "--password-file",
        type=_FILE,
        help=f"The user's password. Default: the environment variable {PASSWORD}, or a prompt at a terminal.",
    ),
    click.option(
        "--host-key", "host_keys", multiple=True, metavar="KEY", help="'ssh-ed25519 AAAA...'; may be repeated."
    ),
    click.option("--trust-first-use", is_flag=True, help="Accept any host key."),
    click.option("--system-id", help="The id that lssystem must print."),
)


_CLUSTER = (
    click.option("-f", "--file", "files", multiple=True, metavar="FILE", help="Manifests with the array; - is stdin."),
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Kubeconfig of the cluster with --array  [default: the same as kubectl]",
    ),
)


def connection_options(command: Command) -> Command:
    """Add the array options of a command that always reads files."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def array_options(command: Command) -> Command:
    """Add the options of a command about one array, which is in a cluster, in files, or described by options only."""
    for option in reversed((*_CLUSTER, *OPTIONS)):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Given:
    """The array options as entered. files: manifests with the array, and possibly its Secret."""

    array: str | None
    namespace: str | None
    addresses: tuple[str, ...]
    port: int | None
    user: str | None
    key_file: Path | None
    password_file: Path | None
    host_keys: tuple[str, ...]
    trust_first_use: bool
    system_id: str | None
    pool: str | None = None
    kubeconfig: Path | None = None
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.addresses:
            for option, value in (
                ("--port", self.port),
                ("--host-key", self.host_keys),
                ("--trust-first-use", self.trust_first_use),
                ("--system-id", self.system_id),
                ("--pool", self.pool),
            ):
                if value:
                    raise click.UsageError(
                        f"{option} goes with --address: without --address, the FlashSystemArray specifies it."
                    )
        if not self.user and (self.key_file or self.password_file):
            raise click.UsageError("--key-file and --password-file go with --user: add --user.")


@dataclass(frozen=True, slots=True)
class Target:
    """An array and its login.

    missing_login: why there is no login, and what to do. interactive: no host key is pinned, so the user may be asked
    to accept the one that the array shows.
    """

    array: FlashSystemArray
    secret: Secret | None = field(repr=False)
    missing_login: str = ""
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An array and its resources in the cluster. Without a cluster, all but `target` is empty.

    installation: id of the operator in that cluster, empty if unknown. unread: what could not be read, and why.
    existing: hosts, volumes and attachments of all arrays. all_hosts: hosts of all arrays.
    namespaces: labels by namespace.
    """

    target: Target
    hosts: Mapping[ObjectRef, FlashSystemHost] = field(default_factory=dict)
    volumes: Mapping[ObjectRef, FlashSystemVolume] = field(default_factory=dict)
    attachments: Mapping[ObjectRef, VolumeAttachment] = field(default_factory=dict)
    installation: str = ""
    unread: Sequence[str] = ()
    existing: frozenset[ObjectRef] = frozenset()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    all_hosts: Collection[FlashSystemHost] = ()


def by_address(given: Given) -> Target:
    """Build the target that the options describe."""
    name = given.array or "array"
    spec: dict[str, Any] = {
        "management": {"addresses": given.addresses, **({"port": given.port} if given.port else {})},
        "credentialsSecretRef": {"name": name},
        "hostKeys": given.host_keys,
        "hostKeyPolicy": "Pinned" if given.host_keys else "TrustOnFirstUse",
        "systemID": given.system_id,
        "pool": given.pool,
    }
    body = {
        "apiVersion": API_VERSION,
        "kind": Kind.ARRAY.value,
        "metadata": {"name": name, "namespace": given.namespace or NAMESPACE},
        "spec": spec,
    }
    for error in field_errors(FlashSystemArray, body):
        option = next((_BY_OPTION[field] for field in _BY_OPTION if error.field.startswith(field)), error.field)
        raise click.UsageError(f"{option}: {error.reason}")
    array = FlashSystemArray.read(body)
    if not given.trust_first_use:
        # TrustOnFirstUse is only there to make a spec without a key valid. No key is trusted until the user accepts it.
        spec_without_trust = array.spec.model_copy(update={"host_key_policy": HostKeyPolicy.PINNED})
        array = array.model_copy(update={"spec": spec_without_trust})
    login = read_login(given)
    if login is None:
        raise click.UsageError("--address goes with --user: add the user that logs in.")
    return Target(array, login, interactive=not given.trust_first_use and not given.host_keys)


def from_files(given: Given) -> tuple[Manifests, tuple[FlashSystemArray, ...]]:
    """Read the files and select arrays in them. Raises BadManifests."""
    manifests = load(given.files, given.namespace or NAMESPACE)
    return manifests, select_arrays(manifests, given)


def select_arrays(manifests: Manifests, given: Given) -> tuple[FlashSystemArray, ...]:
    """Return the arrays with the name in --array, or all. If several match, those in the namespace of -n win."""
    found = tuple(each for each in manifests.arrays.values() if given.array in (None, each.metadata.name))
    in_namespace = tuple(each for each in found if each.metadata.namespace == given.namespace)
    return in_namespace if given.array and in_namespace else found


def array_in_files(given: Given) -> Target:
    """Return the only array in the files, or the one that --array names. Raises BadManifests."""
    manifests, arrays = from_files(given)
    if len(arrays) != 1:
        names = ", ".join(f"{each.namespace}/{each.name}" for each in manifests.arrays) or "none"
        raise click.UsageError(
            f"Exactly one FlashSystemArray is needed, but the files contain {names}: name one with --array, and -n if "
            "two have that name."
        )
    return target_of(arrays[0], manifests, read_login(given))


def target_of(array: FlashSystemArray, manifests: Manifests, login: Secret | None) -> Target:
    """Combine an array in the files with its login. login: from options, replaces the Secret."""
    where, name = array.metadata.namespace, array.spec.credentials_secret_ref.name
    if secret := login or manifests.secrets.get((where, name)):
        return Target(array, secret)
    return Target(array, None, f"Secret {where}/{name} is not among the files. Add it, or use --user.")


def read_login(given: Given) -> Secret | None:
    """Return the login in the options in the form of a Secret, None without --user. May prompt for the password."""
    if not given.user:
        return None
    found = {"username": given.user}
    if given.key_file:
        found["ssh-privatekey"] = _text(given.key_file, "--key-file")
    elif given.password_file:
        found["password"] = _text(given.password_file, "--password-file")
    elif password := os.environ.get(PASSWORD):
        found["password"] = password
    elif sys.stdin.isatty():
        found["password"] = str(click.prompt(f"Password of {given.user}", hide_input=True, err=True))
    else:
        raise click.UsageError(
            f"There is no password for {given.user}: give --password-file or --key-file, or set {PASSWORD}."
        )
    try:
        Login(given.user, found.get("password"), found.get("ssh-privatekey")).proof()
    except BadCredentials as error:
        raise click.UsageError(f"{'--key-file' if given.key_file else 'The password'}: {error}.") from None
    return Secret("", {key: base64.b64encode(text.encode()).decode() for key, text in found.items()})


def _text(path: Path, option: str) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise click.UsageError(f"{option} {path} cannot be read: {reason}.") from None
