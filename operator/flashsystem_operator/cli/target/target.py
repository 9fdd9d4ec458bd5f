"""Which array is meant, and how to log in: from options, from files, or from the cluster.

A password never stands in an option: whoever lists the processes of a machine could read it.
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
from flashsystem_operator.array.ssh.credentials import BadCredentials, Login
from flashsystem_operator.cli.exit_codes import end_with
from flashsystem_operator.cli.installation import namespace
from flashsystem_operator.cli.manifests import BadManifests, Manifests, load
from flashsystem_operator.controller.kube.errors import Secret

PASSWORD = "FLASHSYSTEM_PASSWORD"  # noqa: S105 - the name of a variable
NAMESPACE = "default"
"""Of an object that names none, where there is no kubeconfig to say another."""

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

pool_option = click.option("--pool", help="The pool that must be there, with --address.")

OPTIONS = (
    click.option("--array", metavar="NAME", help="The FlashSystemArray. With --address: what it is or will be called."),
    click.option(
        "-n", "--namespace", callback=namespace, help="Its namespace  [default: the kubeconfig's, or default]"
    ),
    click.option("--address", "addresses", multiple=True, metavar="HOST", help="Management address; may be repeated."),
    click.option("--port", type=click.IntRange(1, 65535), help="Of the SSH server, with --address  [default: 22]"),
    click.option("--user", help="Log in as this user, and not as the Secret says."),
    click.option("--key-file", type=_FILE, help="The user's private key, without a passphrase."),
    click.option(
        "--password-file",
        type=_FILE,
        help=f"The user's password. Left out: {PASSWORD} of the environment, or asked for on a terminal.",
    ),
    click.option(
        "--host-key", "host_keys", multiple=True, metavar="KEY", help="'ssh-ed25519 AAAA...'; may be repeated."
    ),
    click.option("--trust-first-use", is_flag=True, help="Log in whatever host key is shown."),
    click.option("--system-id", help="The id that lssystem must print."),
)


_CLUSTER = (
    click.option("-f", "--file", "files", multiple=True, metavar="FILE", help="Manifests with the array; - is stdin."),
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Where --array is read  [default: as kubectl finds it]",
    ),
)


def connection_options(command: Command) -> Command:
    """Those of a command that is given files anyway."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def array_options(command: Command) -> Command:
    """Those of a command about one array: it may be in a cluster, in files, or nowhere but on the line."""
    for option in reversed((*_CLUSTER, *OPTIONS)):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Given:
    """The options, as they were typed. file: manifests that hold the array, and perhaps its Secret."""

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
                    raise click.UsageError(f"{option} goes with --address: without it, the FlashSystemArray says that.")
        if not self.user and (self.key_file or self.password_file):
            raise click.UsageError("--key-file and --password-file go with --user: say whose they are.")


@dataclass(frozen=True, slots=True)
class Target:
    """An array, and what to log in with. lacking: why there is nothing to log in with, and the way out.

    by_hand: its host key may be shown and asked about, since nobody wrote down yet which one it is.
    """

    array: FlashSystemArray
    secret: Secret | None = field(repr=False)
    lacking: str = ""
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An array, and what a cluster says of it; without one that is nothing.

    installation: the id of the operator there; empty if it is not known. unseen: what could not be read, and why.
    taken: the hosts and attachments of all arrays; everywhere: the hosts. namespaces: the labels of each.
    """

    target: Target
    hosts: Mapping[ObjectRef, FlashSystemHost] = field(default_factory=dict)
    attachments: Mapping[ObjectRef, VolumeAttachment] = field(default_factory=dict)
    installation: str = ""
    unseen: Sequence[str] = ()
    taken: frozenset[ObjectRef] = frozenset()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    everywhere: Collection[FlashSystemHost] = ()


def find(given: Given, *, everything: bool = False) -> Found:
    """The one array that is meant; everything: with the hosts and attachments that a cluster has for it.

    Ends the program when there is none.
    """
    if given.addresses and given.files:
        raise click.UsageError("--address and --file are two ways to one thing: leave one of them out.")
    if given.addresses:
        return Found(by_address(given))
    if given.files:
        try:
            return Found(the_one_in_files(given))
        except BadManifests as error:
            end_with(error.field_errors)
    if not given.array:
        raise click.UsageError("Which array? Give --array for one of a cluster, --file, or --address with --user.")
    from flashsystem_operator.cli.target import cluster

    return cluster.look(given, everything=everything)


def by_address(given: Given) -> Target:
    """The array that the options describe."""
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
    for mistake in field_errors(FlashSystemArray, body):
        option = next((_BY_OPTION[field] for field in _BY_OPTION if mistake.field.startswith(field)), mistake.field)
        raise click.UsageError(f"{option}: {mistake.reason}")
    array = FlashSystemArray.read(body)
    if not given.trust_first_use:
        # A spec without a key would have to trust whatever comes first. Here none is trusted until one is named.
        spec_without_trust = array.spec.model_copy(update={"host_key_policy": HostKeyPolicy.PINNED})
        array = array.model_copy(update={"spec": spec_without_trust})
    login = login_given(given)
    if login is None:
        raise click.UsageError("--address goes with --user: say who logs in.")
    return Target(array, login, by_hand=not given.trust_first_use and not given.host_keys)


def from_files(given: Given) -> tuple[Manifests, tuple[FlashSystemArray, ...]]:
    """What the files hold, and those of its arrays that are meant. Raises BadManifests."""
    manifests = load(given.files, given.namespace or NAMESPACE)
    return manifests, meant(manifests, given)


def meant(manifests: Manifests, given: Given) -> tuple[FlashSystemArray, ...]:
    """Those of the name that was given, if one was; of several with that name, those of the namespace."""
    found = tuple(each for each in manifests.arrays.values() if given.array in (None, each.metadata.name))
    here = tuple(each for each in found if each.metadata.namespace == given.namespace)
    return here if given.array and here else found


def the_one_in_files(given: Given) -> Target:
    """The only array of the files, or the one that --array names. Raises BadManifests."""
    manifests, arrays = from_files(given)
    if len(arrays) != 1:
        names = ", ".join(f"{each.namespace}/{each.name}" for each in manifests.arrays) or "none"
        raise click.UsageError(
            f"One FlashSystemArray is meant, and the files hold {names}: name one with --array, and -n where two have "
            "that name."
        )
    return of_file(arrays[0], manifests, login_given(given))


def of_file(array: FlashSystemArray, manifests: Manifests, login: Secret | None) -> Target:
    """login: what the options say of it, instead of the Secret."""
    where, name = array.metadata.namespace, array.spec.credentials_secret_ref.name
    if secret := login or manifests.secrets.get((where, name)):
        return Target(array, secret)
    return Target(array, None, f"Secret {where}/{name} is not among the files. Add it, or say who logs in: --user.")


def login_given(given: Given) -> Secret | None:
    """What the options say of the login, as a Secret has it; None without --user. Asks for a password at a terminal."""
    if not given.user:
        return None
    found = {"username": given.user}
    if given.key_file:
        found["ssh-privatekey"] = _text(given.key_file, "--key-file")
    else:
        found["password"] = _password(given)
    try:
        Login(given.user, found.get("password"), found.get("ssh-privatekey")).proof()
    except BadCredentials as error:
        raise click.UsageError(f"{'--key-file' if given.key_file else 'The password'}: {error}.") from None
    return Secret("", {key: base64.b64encode(text.encode()).decode() for key, text in found.items()})


def _password(given: Given) -> str:
    if given.password_file:
        return _text(given.password_file, "--password-file")
    if password := os.environ.get(PASSWORD):
        return password
    if sys.stdin.isatty():
        return str(click.prompt(f"Password of {given.user}", hide_input=True, err=True))
    raise click.UsageError(
        f"There is no password for {given.user}: give --password-file or --key-file, or put it into {PASSWORD}."
    )


def _text(path: Path, option: str) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise click.UsageError(f"{option} {path} cannot be read: {why}.") from None
