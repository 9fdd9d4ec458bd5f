"""Base models of resources, the types of their fields with patterns and limits, and the parts that kinds share.

camelCase in JSON, snake_case in Python. The functions of `values` decide what is valid; the patterns here state the
same for the API server and for editors, and a test compares the two.

The spec is strict, the status lenient. An invalid value in a *spec* is an error: the operator must not guess what the
user wants. The CRDs refuse it first; only a CRD of another release accepts one. A *status* may have been written by
another release. Parts of it that cannot be read count as not recorded, because a status must never prevent a
reconciliation.
"""

import copy
import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

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
NAME_BASE_PATTERN = r"^[A-Za-z0-9_.-]+$"
OBJECT_NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
NAMESPACE_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
ADDRESS_PATTERN = (
    r"^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$"
)
IP_PATTERN = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$"
DURATION_PATTERN = r"^([0-9]{1,6}(\.[0-9]{1,3})?(h|m|s|ms)){1,4}$"
QUANTITY_PATTERN = (  # the decimals are those with which the number of bytes is whole
    r"^[0-9]{1,20}((\.[0-9]{1,3})?[kMGTPE]|(\.([05]0{0,2}|[27]50?|(12|37|62|87)5))?[KMGTPE]i)?$"
)
BANDWIDTH_PATTERN = r"^[0-9]{1,9}[MGT]i$"
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

MAX_QUANTITY = 32
_PREFIXES = "KMGTPE"
_BYTES: Mapping[str, int] = {
    "": 1,
    **{f"{prefix}i": 1024**power for power, prefix in enumerate(_PREFIXES, 1)},
    **{prefix.replace("K", "k"): 1000**power for power, prefix in enumerate(_PREFIXES, 1)},
}


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


def parse_quantity(value: Any) -> int:
    """Read a Kubernetes Quantity of bytes: a whole number, or a text such as `10Gi`, `1.5Ti` or `500G`.

    Raises ValueError for fractions of a byte, such as `1.1Gi`, and for signs, exponents and the suffixes below one.
    """
    text = str(value)
    known = isinstance(value, int | str) and not isinstance(value, bool)
    if not known or len(text) > MAX_QUANTITY or not re.fullmatch(QUANTITY_PATTERN, text):
        raise ValueError(f"{text[:64]!r} is not a number of whole bytes: write a Quantity such as 10Gi, 1.5Ti or 500G")
    number = text.rstrip("kKMGTPEi")
    whole, _, decimals = number.partition(".")
    return int(whole + decimals) * _BYTES[text.removeprefix(number)] // int(10 ** len(decimals))


def quantity(number: int) -> str:
    """Return a number of bytes as an exact Quantity, in the largest binary unit of which it is a whole number."""
    units = [(unit, size) for unit, size in _BYTES.items() if unit.endswith("i") and number and number % size == 0]
    unit, size = max(units, key=lambda each: each[1], default=("", 1))
    return f"{number // size}{unit}"


def _of_bytes(least: str, most: str) -> AfterValidator:
    def of_bytes(value: int) -> int:
        if not parse_quantity(least) <= value <= parse_quantity(most):
            raise ValueError(f"must be from {least} to {most}, not {quantity(value)}: write a Quantity within that")
        return value

    return AfterValidator(of_bytes)


_QUANTITY = WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": QUANTITY_PATTERN, "maxLength": MAX_QUANTITY})


def _whole_mebibytes(value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(BANDWIDTH_PATTERN, value):
        raise ValueError(f"{str(value)[:64]!r} is not a bandwidth: write it per second in Mi, Gi or Ti, such as 200Mi")
    return parse_quantity(value)


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
NameBase = Annotated[str, Field(pattern=NAME_BASE_PATTERN, max_length=values.MAX_NAME)]
"""Prefix of a name on the array. It is made valid for the array where it is used (first digit, length)."""

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

Delay = Annotated[float, BeforeValidator(seconds), _within("0s", "8760h"), _text(DURATION_PATTERN, MAX_DURATION)]
"""A duration of up to a year, or none."""

Size = Annotated[int, BeforeValidator(parse_quantity), _of_bytes("1", "256Ti"), _QUANTITY]
"""The size of a volume: bytes in Python, a Quantity in YAML. No array has larger ones (array-cli-volumes 1.1)."""

TotalSize = Annotated[int, BeforeValidator(parse_quantity), _of_bytes("1", "1Ei"), _QUANTITY]
"""The size of many volumes."""

Bandwidth = Annotated[
    int, BeforeValidator(_whole_mebibytes), _of_bytes("1Mi", "256Ti"), _text(BANDWIDTH_PATTERN, MAX_QUANTITY)
]
"""Bytes per second in Python, always whole mebibytes, in which arrays count (array-cli-volumes 7)."""

LabelKey = Annotated[str, Field(pattern=LABEL_KEY_PATTERN, max_length=MAX_LABEL_KEY)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE_PATTERN, max_length=63)]
Glob = Annotated[str, Field(pattern=GLOB_PATTERN, max_length=128)]
"""A pattern of names: `*` any characters, `?` one, `[abc]` one of these, `[!abc]` one other. Case-sensitive."""

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
    NAME_BASE_PATTERN: "this cannot begin a name on the array: it has letters, digits and '_.-'",
    ADDRESS_PATTERN: (
        "this is neither a host name nor an IP address: write it without brackets, and the port in spec.management.port"
    ),
    HOST_KEY_PATTERN: (
        "this is not a public host key: write type and key as `ssh-keyscan ADDRESS` prints them, without the name in "
        "front, such as ssh-ed25519 AAAAC3Nza..."
    ),
    GLOB_PATTERN: (
        "this is not a pattern of names: it has letters, digits, spaces, '_.-', the signs * and ?, and [...] or "
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


_CAPITALS = {"id": "ID", "iqn": "IQN", "iqns": "IQNs", "lun": "LUN", "luns": "LUNs", "uid": "UID"}


def camel(name: str) -> str:
    """The JSON spelling of a field: `target_iqns` is `targetIQNs`, but the first part stays lower case: `iqn`."""
    first, *others = name.split("_")
    return first + "".join(_CAPITALS.get(part, part.capitalize()) for part in others)


class Model(BaseModel):
    """Frozen model. Reads both spellings, writes the JSON one, ignores fields of other releases."""

    model_config = ConfigDict(
        alias_generator=camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class StatusModel(Model):
    """A part of a status. Only the operator writes it, so an invalid value is a bug and raises; see `remember`."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the status, in camelCase. Unknown values are left out; empty lists are not."""
        return self.model_dump(mode="json", exclude_none=True)


M = TypeVar("M", bound=StatusModel)


def remember(model: type[M], recorded: Any) -> M:
    """Read a status of any origin, without the parts that cannot be read."""
    legible = copy.deepcopy(recorded) if isinstance(recorded, dict) else {}
    while legible:
        try:
            return model.model_validate(legible)
        except ValidationError as error:
            found = error.errors(include_url=False)
            _cut_out_all(legible, {_legible_part(legible, details["loc"]) for details in found})
    return model()


def read_in_part(model: type[Model], tree: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the readable part of the JSON of a spec, and the names of its incomplete top-level fields.

    Required fields that are missing stay missing.
    """
    legible: dict[str, Any] = copy.deepcopy(tree) if isinstance(tree, dict) else {}
    incomplete = set[str]()
    while True:
        try:
            model.model_validate(legible)
        except ValidationError as error:
            found = error.errors(include_url=False)
            incomplete |= {str(details["loc"][0]) for details in found if details["loc"]}
            invalid = (details["loc"] for details in found if details["type"] != "missing")
            paths = {path for loc in invalid if (path := _legible_part(legible, loc))}
            if not paths:
                return legible, frozenset(incomplete)
            _cut_out_all(legible, paths)
        else:
            return legible, frozenset(incomplete)


def _legible_part(tree: Any, path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the part of `path` that exists: an object that lacks a field is removed as a whole."""
    if not path:
        return ()
    step, *rest = path
    there = step in tree if isinstance(tree, dict) else isinstance(tree, list) and step in range(len(tree))
    return (step, *_legible_part(tree[step], tuple(rest))) if there else ()


def _cut_out_all(tree: dict[str, Any], paths: Collection[tuple[int | str, ...]]) -> None:
    """Remove the items from last to first, so that removing one does not change the index of the others."""
    for path in sorted(paths, key=lambda path: [f"{step:>9}" for step in path], reverse=True):
        if not path:
            tree.clear()
            continue
        container: Any = tree
        for step in path[:-1]:
            container = container[step]
        del container[path[-1]]


@dataclass(frozen=True, slots=True)
class AtMost:
    """Truncate a text or a list to the limit in the CRD.

    The API server would refuse the whole status if one part of it were too long.
    """

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(lambda value: value[: self.limit], handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json = handler(schema)
        json["maxItems" if json.get("type") == "array" else "maxLength"] = self.limit
        return json


Text = Annotated[str, AtMost(256)]
"""A text from the array or the cluster in a status: unchanged, but truncated to 256 characters."""

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC, with whole seconds and a Z: the text sorts as the times do."""


Truth = Literal["True", "False", "Unknown"]


class Condition(StatusModel):
    """A condition. `last_transition_time` changes only when `status` does."""

    type: Text
    """Ready, Reconciling, Stalled or Reachable."""
    status: Truth
    """Unknown: it could not be observed."""
    reason: Annotated[str, AtMost(1024)]
    """A CamelCase name, by the remedy."""
    message: Annotated[str, AtMost(32768)]
    """Sentences with the remedy; messages of the array are quoted. Never contains a secret."""
    observed_generation: int | None = None
    """The metadata.generation that the condition was computed for."""
    last_transition_time: Time
    """When `status` last changed (RFC 3339, UTC)."""


Conditions = Annotated[tuple[Condition, ...], AtMost(16)]


def find(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of that type, if there is one."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: tuple[Condition, ...], kind: str) -> bool:
    """Return whether the condition exists and is True."""
    found = find(conditions, kind)
    return found is not None and found.status == "True"


class DriftPolicy(StrEnum):
    """What to do about drift of attachments, of the ports of hosts, and of volumes."""

    CORRECT = "Correct"
    """Correct it where that is safe for running hosts, report it otherwise."""
    REPORT = "Report"
    """Report it."""
    IGNORE = "Ignore"
    """Neither; only Ready shows it."""


Plan = Annotated[tuple[Annotated[str, AtMost(4096)], ...], AtMost(64)]
"""The commands in order, exactly as they would be sent; secrets as `***`."""


class DeletionPolicy(StrEnum):
    """What happens to the object on the array when the resource is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class NameRef(Model):
    """A reference to an object in the same namespace."""

    name: ObjectName


class ArrayRef(Model):
    """A reference to a FlashSystemArray."""

    name: ObjectName
    namespace: Namespace | None = None
    """None: the namespace of the object with the reference."""


class ArraySeen(StatusModel):
    """The array of the last reconciliation. `system_id` identifies it after the FlashSystemArray was deleted."""

    name: Text | None = None
    namespace: Text | None = None
    system_id: SystemId | None = None


class Origin(StrEnum):
    """Whether the operator created an object on the array, and may change and remove it, or adopted it."""

    CREATED = "Created"
    ADOPTED = "Adopted"
