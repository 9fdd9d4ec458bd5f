"""Host keys: read, compared, and shown as fingerprints. Decides whether the machine that answers is to be believed.

A key is written as in `known_hosts` without the name: type, base64, perhaps a comment. No network is touched here.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""The signatures that each type of key is asked for, best first. RSA with SHA-1 is not among them: it can be forged."""


class BadHostKey(ValueError):
    """What should be a pinned host key is none."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key. blob: as it travels in the SSH protocol; it begins with its own type."""

    blob: bytes

    @property
    def kind(self) -> str:
        length = int.from_bytes(self.blob[:4])
        return self.blob[4 : 4 + length].decode("ascii", errors="replace")

    @property
    def is_whole(self) -> bool:
        """Whether the lengths in it lead to its end: each field is preceded by its own (RFC 4253, 6.6)."""
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
        """Read a key, or raise BadHostKey saying what is wrong with it."""
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
    """Which keys the array may show. first_use: as long as none is pinned, the first one that is seen will do."""

    pinned: tuple[HostKey, ...]
    first_use: bool

    def algorithms(self) -> tuple[str, ...]:
        """What to ask the array for: pinned types first, since it has several keys and shows the one that is asked for.

        The others follow, so that an array without the pinned type shows what it has and the message can name it.
        """
        kinds = dict.fromkeys((*(key.kind for key in self.pinned), *ALGORITHMS))
        return tuple(algorithm for kind in kinds for algorithm in ALGORITHMS[kind])

    def objection(self, shown: HostKey) -> str | None:
        """Why the machine that showed this key is not to be spoken to, with the way out; None if all is well."""
        if shown in self.pinned or (self.first_use and not self.pinned):
            return None
        if not self.pinned:
            return (
                f"no host key is pinned, and it shows {shown.line} ({shown.fingerprint}). Compare that with the "
                "array's own and pin it, or trust the first key that is seen"
            )
        pinned = ", ".join(f"{key.fingerprint} ({key.kind})" for key in self.pinned)
        return (
            f"it shows the host key {shown.fingerprint} ({shown.kind}), but pinned is {pinned}. Another machine may "
            "have taken its place: nothing was typed. If the array did get a new key, compare it on the array itself "
            "and pin it"
        )
