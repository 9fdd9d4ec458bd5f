"""Private keys of all common types are read; unusable ones are refused without being shown."""

import traceback

import asyncssh
import pytest

from flashsystem_operator.array.ssh.credentials import BadCredentials, Login, read_key

RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
ED25519 = asyncssh.generate_private_key("ssh-ed25519")
ECDSA = {curve: asyncssh.generate_private_key(f"ecdsa-sha2-nistp{curve}") for curve in (256, 384, 521)}

FORMS = [
    *[(RSA, form) for form in ("openssh", "pkcs1-pem", "pkcs8-pem")],
    *[(key, form) for key in ECDSA.values() for form in ("openssh", "pkcs1-pem", "pkcs8-pem")],
    *[(ED25519, form) for form in ("openssh", "pkcs8-pem")],
]


def text(key: asyncssh.SSHKey, form: str = "openssh", passphrase: str | None = None) -> str:
    return key.export_private_key(form, passphrase).decode()


@pytest.mark.parametrize(("key", "form"), FORMS, ids=[f"{key.get_algorithm()}-{form}" for key, form in FORMS])
def test_every_common_key_type_is_read_in_every_common_format(key: asyncssh.SSHKey, form: str) -> None:
    public = read_key(text(key, form)).public_key()

    assert public == key.convert_to_public().pyca_key


def test_windows_line_ends_and_a_missing_final_newline_do_not_matter() -> None:
    mangled = "\n  " + text(ED25519).strip().replace("\n", " \r\n")

    assert read_key(mangled).public_key() == read_key(text(ED25519)).public_key()


UNUSABLE = {
    "a key with a passphrase": (text(ED25519, "openssh", "sesame"), "ssh-keygen -p"),
    "a PEM key with a passphrase": (text(RSA, "pkcs1-pem", "sesame"), "ssh-keygen -p"),
    "a PKCS#8 key with a passphrase": (text(RSA, "pkcs8-pem", "sesame"), "ssh-keygen -p"),
    "a public key": (RSA.export_public_key().decode(), "not the public key"),
    "half a key": (text(RSA)[:600], "from -----BEGIN to -----END"),
    "no key at all": ("hunter2, wíth an áccent", "cannot be read"),
    "a PuTTY key": ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "puttygen"),
    "a key of an unsupported type": (
        asyncssh.generate_private_key("ssh-ed448").export_private_key("pkcs8-pem").decode(),
        "use RSA",
    ),
}


@pytest.mark.parametrize(("key", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_key_is_refused_with_advice_and_without_being_shown(key: str, message: str) -> None:
    with pytest.raises(BadCredentials, match=message) as refused:
        Login("superuser", None, key).proof()

    shown = "".join(traceback.format_exception(refused.value))
    assert not any(line in shown for line in key.splitlines() if line and not line.startswith("-----"))


def test_a_key_takes_precedence_over_a_password() -> None:
    both = Login("superuser", "secret", text(ED25519))

    assert not isinstance(both.proof(), str)
    assert Login("superuser", "secret", None).proof() == "secret"
    assert Login("superuser", "secret", "").proof() == "secret"


def test_a_line_end_after_the_password_is_not_part_of_it() -> None:
    assert Login("superuser", " sec ret \r\n", None).proof() == " sec ret "


@pytest.mark.parametrize(
    "login", [Login("superuser", None, None), Login("superuser", "", ""), Login("", "secret", None)]
)
def test_a_login_without_a_user_name_or_a_credential_is_refused(login: Login) -> None:
    with pytest.raises(BadCredentials):
        login.proof()


def test_the_repr_of_a_login_shows_only_the_user_name() -> None:
    shown = repr(Login("superuser", "hunter2", text(ED25519)))

    assert shown == "Login(username='superuser')"
