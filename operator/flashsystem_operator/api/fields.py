"""Types of the fields of resources: their patterns, limits, parsers, and error messages.

The functions of `values` decide what is valid. The patterns here state the same for the API server and for editors; a
test compares the two.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from flashsystem_operator import values

NAME_PATTERN = r"^[A-Za-z_]([A-Za-z0-9_. -]{0,61}[A-Za-z0-9_.-])?$"
UID_PATTERN = r"^[0-9A-Fa-f]{32}$"
SYSTEM_ID_PATTERN = r"^[0-9A-Fa-f]{16}$"
IQN_PATTERN = (
    r"^([Ii][Qq][Nn]\.([0-9]{4}-[0-9]{2}|0)\.[A-Za-z0-9][A-Za-z0-9.-]*(:[A-Za-z0-9.:_-]+)?"
    r"|[Ii][Qq][Nn]\.[A-Za-z0-9][A-Za-z0-9.-]*\.[Hh][Oo][Ss][Tt][Ii][Dd]\.[0-9A-Fa-f]{8}"
    r"|[Ee][Uu][Ii]\.[0-9A-Fa-f]{16}|[Nn][Aa][Aa]\.([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}))$"
)
IO_GROUP_PATTERN = r"^([0-9]|[A-Za-z_][A-Za-z0-9_.-]*)$"
HOST_BASE_PATTERN = r"^[A-Za-z0-9_.-]+$"
OBJECT_NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
NAMESPACE_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
ADDRESS_PATTERN = (
    r"^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$"
)
IP_PATTERN = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$"
DURATION_PATTERN = r"^([0-9]{1,6}(\.[0-9]{1,3})?(h|m|s|ms)){1,4}$"
HOST_KEY_PATTERN = r"^(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?$"
LABEL_KEY_PATTERN = (  # prefix/name
    r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
)
MAX_LABEL_KEY = 317
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
GLOB_PATTERN = r"^([A-Za-z0-9_. *?-]|\[!?[A-Za-z0-9_. -]+\])+$"
CLASS_PATTERN = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$"
FS_TYPE_PATTERN = r"^[a-z0-9]+$"
MOUNT_OPTION_PATTERN = r"^[!-+.-~-]+$"
"""One option between two commas of `mount -o`."""

MAX_DURATION = 32
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def _text(pattern: str, longest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "maxLength": longest})


def seconds(value: Any) -> Any:
    """Read a Go duration, such as `30s` or `1m30s`, as everywhere in Kubernetes; a number is seconds already."""
    if not isinstance(value, str):
        return value
    if len(value) > MAX_DURATION or not re.fullmatch(DURATION_PATTERN, value):
        raise ValueError(f"{value!r} is not a duration: write numbers with units, such as 30s, 1m30s or 2h")
    parts = re.findall(r"([0-9.]+)([a-z]+)", value)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _within(shortest: str, longest: str) -> AfterValidator:
    def within(value: float) -> float:
        if not seconds(shortest) <= value <= seconds(longest):
            raise ValueError(f"must be from {shortest} to {longest}: write a duration within that")
        return value

    return AfterValidator(within)


def _once(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := next((each for each in items if items.count(each) > 1), None):
        raise ValueError(f"{str(twice)[:64]!r} is listed twice: keep one of the two")
    return items


ONCE = AfterValidator(_once)
"""For a list of type set in the CRD. It checks parsed items: initiators that differ in case only are duplicates."""

ONCE_AS_WRITTEN = BeforeValidator(lambda value: _once(tuple(value)) if isinstance(value, list) else value)
"""Checks items as written: two spellings of one value are allowed, as in the API server."""


def ip(text: str) -> str:
    """Parse an IP address and return it in canonical form, so that different spellings of an IPv6 address are equal.

    Zones and IPv4-mapped addresses are refused, as by the API server.
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        found = None
    if found is None or (isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found.ipv4_mapped)):
        raise ValueError(f"{text!r} is not an IP address: write it without port and brackets")
    return str(found)


def host_or_ip(text: str) -> str:
    """Check an address and return it as written. Digits with dots, or a text with a colon, must be an IP address."""
    if ":" in text or re.fullmatch(r"[0-9.]+", text):
        ip(text)
    return text


Iqn = Annotated[values.Iqn, AfterValidator(values.iqn), _text(IQN_PATTERN, values.MAX_IQN)]
"""An initiator in lower case, so that different spellings are equal."""

VolumeName = Annotated[values.VolumeName, AfterValidator(values.volume_name), _text(NAME_PATTERN, values.MAX_NAME)]
PoolName = Annotated[values.PoolName, AfterValidator(values.pool_name), _text(NAME_PATTERN, values.MAX_NAME)]
VolumeUid = Annotated[values.VolumeUid, AfterValidator(values.volume_uid), _text(UID_PATTERN, 32)]
SystemId = Annotated[values.SystemId, AfterValidator(values.system_id), _text(SYSTEM_ID_PATTERN, 16)]
Lun = Annotated[values.Lun, Field(ge=0, le=values.MAX_LUN)]

PortsetName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=values.MAX_NAME)]
IoGroup = Annotated[str, Field(pattern=IO_GROUP_PATTERN, max_length=values.MAX_NAME)]
"""An I/O group by name or id."""
HostBase = Annotated[str, Field(pattern=HOST_BASE_PATTERN, max_length=values.MAX_NAME)]
"""Prefix of the name of a host object. It is made valid for the array where it is used (first digit, length)."""

ObjectName = Annotated[str, Field(pattern=OBJECT_NAME_PATTERN, max_length=253)]
Namespace = Annotated[str, Field(pattern=NAMESPACE_PATTERN, max_length=63)]
Address = Annotated[str, Field(pattern=ADDRESS_PATTERN, max_length=253), AfterValidator(host_or_ip)]
IpAddress = Annotated[str, AfterValidator(ip), _text(IP_PATTERN, 45)]
Port = Annotated[int, Field(ge=1, le=65535)]
HostKey = Annotated[str, Field(pattern=HOST_KEY_PATTERN, max_length=4096)]
"""A public key as in `known_hosts`, without the name: type, key, and an optional comment."""

Duration = Annotated[float, BeforeValidator(seconds), _within("1s", "24h"), _text(DURATION_PATTERN, MAX_DURATION)]
"""Seconds in Python; a Go duration in YAML."""

CommandTime = Annotated[float, BeforeValidator(seconds), _within("1s", "10m"), _text(DURATION_PATTERN, MAX_DURATION)]
"""How long a command may take."""

Span = Annotated[float, BeforeValidator(seconds), _within("0s", "24h"), _text(DURATION_PATTERN, MAX_DURATION)]
"""A duration that may be none."""

LabelKey = Annotated[str, Field(pattern=LABEL_KEY_PATTERN, max_length=MAX_LABEL_KEY)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE_PATTERN, max_length=63)]
Glob = Annotated[str, Field(pattern=GLOB_PATTERN, max_length=128)]
"""A pattern of volume names: `*` any characters, `?` one, `[abc]` one of these, `[!abc]` one other. Case-sensitive."""

ClassName = Annotated[str, Field(pattern=CLASS_PATTERN, max_length=253)]
FsType = Annotated[str, Field(pattern=FS_TYPE_PATTERN, max_length=32)]
MountOption = Annotated[str, Field(pattern=MOUNT_OPTION_PATTERN, max_length=128)]
Hostname = Annotated[str, Field(pattern=OBJECT_NAME_PATTERN, max_length=63)]


_LABEL = "letters, digits and '-_.', and a letter or digit at both ends"

PATTERNS: Mapping[str, str] = {
    OBJECT_NAME_PATTERN: (
        "this cannot be the name of an object: it has lower-case letters, digits and '-', with single dots between, "
        "and a letter or digit at both ends of each part"
    ),
    NAMESPACE_PATTERN: (
        "this cannot be the name of a namespace: it has lower-case letters, digits and '-', and a letter or digit at "
        "both ends"
    ),
    NAME_PATTERN: (
        "this is not a name on the array: it has 1 to 63 letters, digits, spaces and '_.-', begins with a letter or "
        "'_' and does not end with a space"
    ),
    IO_GROUP_PATTERN: "this is no I/O group: write its name or its id, such as io_grp0 or '0'",
    HOST_BASE_PATTERN: "this cannot begin a host name: it has letters, digits and '_.-'",
    ADDRESS_PATTERN: (
        "this is neither a host name nor an IP address: write it without brackets, and the port in spec.management.port"
    ),
    HOST_KEY_PATTERN: (
        "this is not a public host key: write type and key as `ssh-keyscan ADDRESS` prints them, without the name in "
        "front, such as ssh-ed25519 AAAAC3Nza..."
    ),
    GLOB_PATTERN: (
        "this is not a pattern of volume names: it has letters, digits, spaces, '_.-', the signs * and ?, and [...] or "
        "[!...] with something inside"
    ),
    LABEL_KEY_PATTERN: f"this is not a label's key: it has {_LABEL}, and perhaps a prefix and a slash in front",
    LABEL_VALUE_PATTERN: f"this is not a label's value: it has at most 63 {_LABEL}",
    CLASS_PATTERN: (
        "this cannot be the name of a storage class: it has lower-case letters, digits and '-', with single dots "
        "between; leave it empty for none"
    ),
    FS_TYPE_PATTERN: "this is no file system: write lower-case letters and digits, such as xfs",
    MOUNT_OPTION_PATTERN: "this is not one option of mount: write each as an item, without blanks",
}


def describe_error(details: Mapping[str, Any]) -> str:
    """Describe one error of a ValidationError, and what to do."""
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing: add it"
        case "string_pattern_mismatch":
            return PATTERNS.get(context["pattern"], str(details["msg"]))
        case "string_type":
            return "this is not text: put it in quotes"
        case "too_short":
            return f"needs at least {context['min_length']} of these: add one, or leave the field out if it may be"
        case "too_long":
            return f"takes at most {context['max_length']} of these, not {context['actual_length']}: remove some"
        case _:
            return str(details["msg"]).removeprefix("Value error, ").replace("Input should", "it should", 1)


def without_consequences(errors: list[Any]) -> list[Any]:
    """Remove errors that only follow from others: a list with an invalid item also counts as too short."""
    invalid = {error["loc"][:end] for error in errors for end in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or error["loc"] not in invalid]
