"""Names, identifiers and secrets: checked once where they enter; and the names that the operator gives to host objects.

A `VolumeName` was checked by `volume_name()`: later code need not check its length or characters. Names that the
*array* prints are taken as they are (an array administrator may have chosen unusual ones). All are quoted in commands.

The name of a host object that the operator creates is

    <base>-<6 hex of the installation><8 hex of the resource>

It can be computed again from the resource alone, so a crash between mkhost and the status write leaks nothing. The
suffix is the proof of ownership without which nothing is ever deleted; its first half distinguishes an orphan of this
installation from the host objects of others.

Sources: array-cli facts 4.1 (names), 4.2 (initiators), 4.3 (LUNs), 2.7 (volume UIDs), 2.1 (system ids), 2.11 (CHAP);
array-cli-volumes 3 and 4.2 (provisioning).
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

VolumeName = NewType("VolumeName", str)
HostName = NewType("HostName", str)
PoolName = NewType("PoolName", str)
VolumeUid = NewType("VolumeUid", str)
SystemId = NewType("SystemId", str)
Iqn = NewType("Iqn", str)
Lun = NewType("Lun", int)

MAX_NAME = 63
MAX_IQN = 223
MAX_LUN = 2047
MAX_PERSISTENT_VOLUME_LUN = 255
"""The highest LUN that Kubernetes takes in an iSCSI PersistentVolume (validation of ISCSIPersistentVolumeSource)."""
MAX_INITIATORS = 16
MIN_CHAP_SECRET, MAX_CHAP_SECRET = 12, 79

BLOCK = 512
"""Bytes: the size of a volume is a multiple of it. Source: array-cli-volumes 1.1."""

ROUNDING = 1024 * 1024
"""Bytes: some releases round sizes up to a multiple of it. Source: array-cli-volumes 1.1."""


class Provisioning(StrEnum):
    """How a volume takes space of its pool. FlashSystem 840 and 900 have only Thick."""

    THICK = "Thick"
    THIN = "Thin"
    COMPRESSED = "Compressed"
    THIN_DEDUPLICATED = "ThinDeduplicated"
    COMPRESSED_DEDUPLICATED = "CompressedDeduplicated"

    @property
    def is_compressed(self) -> bool:
        return self in (Provisioning.COMPRESSED, Provisioning.COMPRESSED_DEDUPLICATED)

    @property
    def is_deduplicated(self) -> bool:
        return self in (Provisioning.THIN_DEDUPLICATED, Provisioning.COMPRESSED_DEDUPLICATED)


MASK = "***"
"""Replaces a secret in output."""

_NAME = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_. -]{0,61}[A-Za-z0-9_.-])?")
_CHAP_SECRET = re.compile(r"(?!-)[!-~]+")
_UID = re.compile(r"[0-9A-Fa-f]{32}")
_SYSTEM_ID = re.compile(r"[0-9A-Fa-f]{16}")
_ERROR = re.compile(r"\bCMMVC\d{4}E\b")
_WARNING = re.compile(r"\bCMMVC\d{4}W\b")
_IQN_FORMS = re.compile(
    r"iqn\.(?:[0-9]{4}-[0-9]{2}|0)\.[a-z0-9][a-z0-9.-]*(?::[a-z0-9.:_-]+)?"
    r"|iqn\.[a-z0-9][a-z0-9.-]*\.hostid\.[0-9a-f]{8}"
    r"|eui\.[0-9a-f]{16}|naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})",
)


def volume_name(text: str) -> VolumeName:
    """Read a volume name. Raises ValueError with the rules for names."""
    return VolumeName(_name(text, "volume"))


def host_name(text: str) -> HostName:
    """Read a host object's name. Raises ValueError with the rules for names."""
    return HostName(_name(text, "host"))


def pool_name(text: str) -> PoolName:
    """Read a storage pool's name. Raises ValueError with the rules for names."""
    return PoolName(_name(text, "pool"))


def volume_uid(text: str) -> VolumeUid:
    """Read a `vdisk_UID` of 32 hexadecimal digits in either case; kept in upper case, as the array prints it."""
    if not _UID.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a volume UID: it has 32 hexadecimal digits, as `lsvdisk` prints in vdisk_UID"
        )
    return VolumeUid(text.upper())


def nguid(uid: VolumeUid) -> VolumeUid:
    """Return what the array shows instead of a UID while the volume is mapped to an NVMe host: its parts reordered.

    Source: array-cli facts 2.7.
    """
    oui, vendor, extension = uid[1:7], uid[7:16], uid[16:]
    return VolumeUid(f"{extension}{oui}0{vendor}")


def is_nguid(uid: VolumeUid) -> bool:
    """Whether this is the `nguid` of a volume rather than its UID: it has IBM's OUI in the place of an NGUID."""
    oui = "005076"
    return uid[16:23] == f"{oui}0" and uid[1:7] != oui


def system_id(text: str) -> SystemId:
    """Read the 16 hexadecimal digits that `lssystem` prints as id; kept in upper case."""
    if not _SYSTEM_ID.fullmatch(text):
        raise ValueError(f"{text!r} is not a system id: it has 16 hexadecimal digits, as `lssystem` prints in id")
    return SystemId(text.upper())


def iqn(text: str) -> Iqn:
    """Read an iSCSI name (`iqn.`, `eui.` or `naa.` form, at most 223 bytes); folded to lower case, its normal form.

    RFC 3722 makes lower case the normal form, and hosts report either: two spellings are one initiator. AIX names its
    initiators without a date (`iqn.localhost.hostid.7f000002`, `iqn.0.com.example:x`), and arrays accept that.
    """
    folded = text.lower()
    if not text.isascii() or len(folded) > MAX_IQN or not _IQN_FORMS.fullmatch(folded):
        raise ValueError(
            f"{text!r} is not an iSCSI name: write iqn.YYYY-MM.reversed.domain:name, eui. with 16 or naa. with 16 or "
            f"32 hexadecimal digits, at most {MAX_IQN} characters, as in the host's /etc/iscsi/initiatorname.iscsi"
        )
    return Iqn(folded)


def lun(number: int) -> Lun:
    """Read a SCSI LUN, 0 to 2047, or raise ValueError."""
    if not 0 <= number <= MAX_LUN:
        raise ValueError(f"{number} is not a LUN: it is a number from 0 to {MAX_LUN}")
    return Lun(number)


@dataclass(frozen=True, slots=True)
class ChapSecret:
    """The secret with which a host authenticates at login. It is not shown by `str` and `repr`.

    version: of the Secret that it comes from, empty for the array's own. It is ignored in comparisons.
    username: the login name, where the array specifies one; empty: the name of the host's initiator.
    """

    text: str = field(repr=False)
    version: str = field(default="", compare=False)
    username: str = field(default="", compare=False)

    def __str__(self) -> str:
        return MASK


def chap_secret(text: str, version: str = "") -> ChapSecret:
    """Read a CHAP secret. Raises ValueError with the rules, without any part of the secret.

    RFC 7143 (9.2.1) forbids shorter ones and initiators refuse them; the array refuses longer ones.
    """
    if not MIN_CHAP_SECRET <= len(text) <= MAX_CHAP_SECRET or not _CHAP_SECRET.fullmatch(text):
        raise ValueError(
            f"a CHAP secret has {MIN_CHAP_SECRET} to {MAX_CHAP_SECRET} ASCII letters, digits and signs, has no blank, "
            "and does not begin with a dash"
        )
    return ChapSecret(text, version)


def _name(text: str, what: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a {what} name: it has 1 to {MAX_NAME} letters, digits, spaces and '_.-', begins with a "
            "letter or '_' and does not end with a space"
        )
    return text


def code_in(text: str) -> str:
    """Return the first CMMVC code in the text (a shell may print a banner before it), or an empty string.

    An error takes precedence over a warning, whichever comes first: a warning alone means that the command was done.
    """
    found = _ERROR.search(text) or _WARNING.search(text)
    return found.group() if found else ""


_BASE = 48
_SUFFIX = re.compile(r"-([0-9a-f]{6})([0-9a-f]{8})$")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.-]")


def host_object_name(installation: str, namespace: str, name: str, base: str) -> HostName:
    """The name, at most 63 characters, for the FlashSystemHost `namespace/name`.

    base: its beginning; characters that the array does not accept become dashes, and an h is put before a first
          character that is not allowed there.
    """
    cleaned = _NOT_ALLOWED.sub("-", base)
    if not re.match(r"[A-Za-z_]", cleaned):
        cleaned = f"h{cleaned}"
    return host_name(f"{cleaned[:_BASE]}-{_digest(installation, 6)}{mark_of(namespace, name)}")


def made_by(installation: str, name: HostName | VolumeName) -> bool:
    """Whether the name proves that this installation created the object, for any resource."""
    found = _SUFFIX.search(name)
    return found is not None and found.group(1) == _digest(installation, 6)


def made_for(name: HostName, namespace: str, resource: str) -> bool:
    """Whether the name proves that some installation created the host object for the FlashSystemHost of that name.

    The resource need not exist any longer, and its status does not matter.
    """
    return mark_in(name) == mark_of(namespace, resource)


def mark_of(namespace: str, resource: str) -> str:
    """The end of the name of each host object that an operator creates for this FlashSystemHost."""
    return _digest(f"{namespace}/{resource}", 8)


def mark_in(name: HostName) -> str | None:
    """The mark in the name of a host object; None if no operator created it."""
    found = _SUFFIX.search(name)
    return found.group(2) if found else None


def made_by_another(ours: Collection[str], name: HostName | VolumeName) -> bool:
    """Whether the name is that of an installation, but of none of these."""
    found = _SUFFIX.search(name)
    return found is not None and all(found.group(1) != _digest(installation, 6) for installation in ours)


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
