"""Credentials and trust: user name with private key or password, and the host keys of an array.

No message, repr or traceback of this module shows a secret.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


class BadCredentials(ValueError):
    """The credentials are unusable. The Secret has to be changed."""


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials of a login. A key takes precedence over a password.

    private_key: RSA, ECDSA (NIST curves) or Ed25519, without a passphrase, as OpenSSH, PEM (PKCS#1, SEC1) or PKCS#8.
    """

    username: str
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)

    def proof(self) -> PrivateKey | str:
        """Return the parsed key, or else the password; raises BadCredentials."""
        if not self.username:
            raise BadCredentials("the user name is missing")
        if self.private_key:
            return read_key(self.private_key)
        # `kubectl create secret --from-file` keeps the line end of the file; a password cannot contain one.
        if password := (self.password or "").rstrip("\r\n"):
            return password
        raise BadCredentials("there is neither a password nor a private key")


def read_key(text: str) -> PrivateKey:
    """Parse a private key, or raise BadCredentials with the remedy. Surrounding whitespace is ignored."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines and lines[0].startswith("PuTTY-User-Key-File"):
        raise BadCredentials(
            "the private key is in PuTTY's own format: convert it with `puttygen KEY.ppk -O private-openssh`"
        )
    data = ("\n".join(lines) + "\n").encode(errors="replace")
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE" in data else serialization.load_pem_private_key
    # `from None`: a traceback would show the frames of the parser, which contain the key.
    try:
        key = load(data, password=None)
    except TypeError:
        raise BadCredentials(
            "the private key has a passphrase, which the operator cannot enter: store it without one "
            "(`ssh-keygen -p -N '' -f KEY` removes it)"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadCredentials(
            "the private key cannot be read: it should be the whole file of an OpenSSH, PEM or PKCS#8 private key, "
            "from -----BEGIN to -----END, and not the public key"
        ) from None
    if isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1 | SECP384R1 | SECP521R1):
        return key
    raise BadCredentials("the private key is of a type that SSH does not know: use RSA, ECDSA (NIST curves) or Ed25519")


ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""The accepted signatures of each type of key, best first. RSA with SHA-1 is excluded: it can be forged."""


class BadHostKey(ValueError):
    """A pinned host key is invalid."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key. blob: its form in the SSH protocol, which begins with its type."""

    blob: bytes

    @property
    def kind(self) -> str:
        length = int.from_bytes(self.blob[:4])
        return self.blob[4 : 4 + length].decode("ascii", errors="replace")

    @property
    def is_whole(self) -> bool:
        """Whether the lengths of its fields add up to its end (RFC 4253, 6.6)."""
        at, fields = 0, 0
        while at < len(self.blob):
            at += 4 + int.from_bytes(self.blob[at : at + 4])
            fields += 1
        return at == len(self.blob) and fields > 1

    @property
    def line(self) -> str:
        """As in `known_hosts`, without name and comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: `SHA256:` and 43 characters."""
        digest = hashlib.sha256(self.blob).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    @classmethod
    def read(cls, line: str) -> Self:
        """Parse a key, or raise BadHostKey with the reason."""
        kind, *rest = line.split(maxsplit=2) or [""]
        if kind not in ALGORITHMS:
            raise BadHostKey(
                f"a host key begins with its type, one of {', '.join(ALGORITHMS)}, not with {kind[:40]!r}: copy it "
                "from `ssh-keyscan ADDRESS` without the name in front"
            )
        try:
            key = cls(base64.b64decode(rest[0] if rest else "", validate=True))
        except binascii.Error:
            raise BadHostKey(f"the {kind} host key is damaged: it is not base64. Copy the whole line again") from None
        if key.kind != kind or not key.is_whole:
            raise BadHostKey(f"the {kind} host key is damaged: it is cut off, or of another type. Copy it again")
        return key


@dataclass(frozen=True, slots=True)
class Trust:
    """The accepted host keys. first_use: while none is pinned, any key is accepted."""

    pinned: tuple[HostKey, ...]
    first_use: bool

    def algorithms(self) -> tuple[str, ...]:
        """Return the algorithms to offer: pinned types first, since an array shows the first match of several keys.

        The others follow, so that an array without the pinned type shows its key and the message can name it.
        """
        kinds = dict.fromkeys((*(key.kind for key in self.pinned), *ALGORITHMS))
        return tuple(algorithm for kind in kinds for algorithm in ALGORITHMS[kind])

    def objection(self, shown: HostKey) -> str | None:
        """Return why this key is not accepted, with the remedy; None if it is accepted."""
        if shown in self.pinned or (self.first_use and not self.pinned):
            return None
        if not self.pinned:
            return (
                f"no host key is pinned, and it shows {shown.line} ({shown.fingerprint}). Compare that with the "
                "array's own and pin it, or trust the first key that is seen"
            )
        pinned = ", ".join(f"{key.fingerprint} ({key.kind})" for key in self.pinned)
        return (
            f"it shows the host key {shown.fingerprint} ({shown.kind}), but pinned is {pinned}. Another host may "
            "have taken its address: no command was sent. If the array has a new key, compare it on the array itself "
            "and pin it"
        )
