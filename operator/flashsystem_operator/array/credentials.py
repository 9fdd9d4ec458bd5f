"""What an array is logged in to with: a user's name and a private key or a password.

No message, repr or traceback of this module shows a secret.
"""

from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


class BadCredentials(ValueError):
    """The credentials cannot be used as they are: only another Secret helps."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in. A key wins over a password.

    private_key: RSA, ECDSA (NIST curves) or Ed25519, without a passphrase, as OpenSSH, PEM (PKCS#1, SEC1) or PKCS#8.
    """

    username: str
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)

    def proof(self) -> PrivateKey | str:
        """The key, or else the password, ready for use; raises BadCredentials."""
        if not self.username:
            raise BadCredentials("the user name is missing")
        if self.private_key:
            return read_key(self.private_key)
        # `kubectl create secret --from-file` keeps the line end of the file, and nobody can type one into a password.
        if password := (self.password or "").rstrip("\r\n"):
            return password
        raise BadCredentials("there is neither a password nor a private key")


def read_key(text: str) -> PrivateKey:
    """Read a private key, or raise BadCredentials saying what to do. Line ends and blanks around it do not matter."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines and lines[0].startswith("PuTTY-User-Key-File"):
        raise BadCredentials(
            "the private key is in PuTTY's own format: convert it with `puttygen KEY.ppk -O private-openssh`"
        )
    data = ("\n".join(lines) + "\n").encode(errors="replace")
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE" in data else serialization.load_pem_private_key
    # `from None`: a traceback would show the frames of the reader, and those hold the key.
    try:
        key = load(data, password=None)
    except TypeError:
        raise BadCredentials(
            "the private key is locked with a passphrase that nobody is there to type: store it without one "
            "(`ssh-keygen -p -N '' -f KEY` takes it off)"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadCredentials(
            "the private key cannot be read: it should be the whole file of an OpenSSH, PEM or PKCS#8 private key, "
            "from -----BEGIN to -----END, and not the public key"
        ) from None
    return _usable(key)


def _usable(key: object) -> PrivateKey:
    if isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1 | SECP384R1 | SECP521R1):
        return key
    raise BadCredentials("the private key is of a type that SSH does not know: use RSA, ECDSA (NIST curves) or Ed25519")
