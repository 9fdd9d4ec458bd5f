"""Host keys as printed by `ssh-keygen` and `ssh-keyscan` are read; other text is refused with advice."""

import pytest

from flashsystem_operator.array.ssh.credentials import ALGORITHMS, BadHostKey, HostKey, Trust

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5WqKGP5hP0MB5yOhLqcZp4+zr7b2Q7XcKwWTeCpbkF"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9"
    "nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
)


def test_a_fingerprint_is_the_one_that_github_publishes_for_its_own_keys() -> None:
    assert HostKey.read(ED25519).fingerprint == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
    assert HostKey.read(ECDSA).fingerprint == "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"


def test_a_comment_after_the_key_does_not_matter() -> None:
    key = HostKey.read(f"{ED25519} root@array-1 (cluster)")

    assert key == HostKey.read(ED25519)
    assert key.line == ED25519


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "begins with its type"),
        (f"array-1 {ED25519}", "without the name"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "begins with its type"),
        ("ssh-ed25519", "cut off"),
        ("ssh-ed25519 not*base64", "not base64"),
        (ED25519.replace("ssh-ed25519", "ssh-rsa"), "of another type"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "cut off"),
    ],
)
def test_text_that_is_not_a_host_key_is_refused_with_advice(line: str, message: str) -> None:
    with pytest.raises(BadHostKey, match=message):
        HostKey.read(line)


def trust(*lines: str, first_use: bool = False) -> Trust:
    return Trust(tuple(map(HostKey.read, lines)), first_use)


def test_any_pinned_key_is_accepted_and_no_other() -> None:
    pinned = trust(ED25519, ECDSA)

    assert pinned.objection(HostKey.read(ED25519)) is None
    assert pinned.objection(HostKey.read(ECDSA)) is None
    assert "Another host" in str(pinned.objection(HostKey.read(OTHER)))


def test_trust_on_first_use_accepts_any_key_at_first_and_then_only_that_key() -> None:
    assert trust(first_use=True).objection(HostKey.read(OTHER)) is None
    assert trust(ED25519, first_use=True).objection(HostKey.read(OTHER)) is not None


def test_without_a_pinned_key_the_message_shows_the_key_to_compare_and_pin() -> None:
    objection = trust().objection(HostKey.read(ED25519))

    assert objection is not None
    assert ED25519 in objection


def test_the_pinned_key_types_are_requested_first_and_all_others_after_them() -> None:
    requested = trust(ECDSA).algorithms()

    assert requested[0] == "ecdsa-sha2-nistp256"
    assert sorted(requested) == sorted(algorithm for some in ALGORITHMS.values() for algorithm in some)
