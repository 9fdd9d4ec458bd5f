"""What is wrong with a field, in words for the person who wrote it: pydantic's own are for programmers.

What the functions of `values` and the models say themselves goes through as it is.
"""

from collections.abc import Mapping
from typing import Any

from flashsystem_operator.api import persistent_volume, tenancy, words

_LABEL = "letters, digits and '-_.', and a letter or digit at both ends"

PATTERNS: Mapping[str, str] = {
    words.OBJECT_NAME_PATTERN: (
        "this cannot be the name of an object: it has lower-case letters, digits and '-', with single dots between, "
        "and a letter or digit at both ends of each part"
    ),
    words.NAMESPACE_PATTERN: (
        "this cannot be the name of a namespace: it has lower-case letters, digits and '-', and a letter or digit at "
        "both ends"
    ),
    words.NAME_PATTERN: (
        "this is no name of the array: it has 1 to 63 letters, digits, spaces and '_.-', begins with a letter or '_' "
        "and does not end with a space"
    ),
    words.IO_GROUP_PATTERN: "this is no I/O group: write its name or its id, such as io_grp0 or '0'",
    words.HOST_BASE_PATTERN: "this cannot begin a host name: it has letters, digits and '_.-'",
    words.ADDRESS_PATTERN: (
        "this is neither a host name nor an IP address: write it without brackets, and the port in spec.management.port"
    ),
    words.HOST_KEY_PATTERN: (
        "this is not a public host key: write type and key as `ssh-keyscan ADDRESS` prints them, without the name in "
        "front, such as ssh-ed25519 AAAAC3Nza..."
    ),
    tenancy.GLOB_PATTERN: (
        "this is not a pattern of volume names: it has letters, digits, spaces, '_.-', the signs * and ?, and [...] or "
        "[!...] with something inside"
    ),
    tenancy.LABEL_KEY_PATTERN: f"this is not a label's key: it has {_LABEL}, and perhaps a prefix and a slash in front",
    tenancy.LABEL_VALUE_PATTERN: f"this is not a label's value: it has at most 63 {_LABEL}",
    persistent_volume.CLASS_PATTERN: (
        "this cannot be the name of a storage class: it has lower-case letters, digits and '-', with single dots "
        "between; leave it empty for none"
    ),
    persistent_volume.FS_TYPE_PATTERN: "this is no file system: write lower-case letters and digits, such as xfs",
    persistent_volume.MOUNT_OPTION_PATTERN: "this is not one option of mount: write each as an item, without blanks",
}


def worded(details: Mapping[str, Any]) -> str:
    """One of the errors of a ValidationError, with the way out."""
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


def told(errors: list[Any]) -> list[Any]:
    """The errors without those that only follow from others: that a list of which an item is wrong lacks that item."""
    wrong = {error["loc"][:end] for error in errors for end in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or error["loc"] not in wrong]
