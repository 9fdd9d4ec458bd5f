"""Reasons that tell what another hand did on the array."""

from collections.abc import Mapping

from flashsystem_operator.planner.decision import Reason
from flashsystem_operator.planner.glossary.entry import Entry

REASONS: Mapping[Reason, Entry] = {
    Reason.MAPPING_REMOVED: Entry(
        "attachment",
        "another hand unmapped the volume, and it is not mapped again by itself",
        "[answer by an annotation](drift.md#the-answer), map it on the array, or delete the attachment",
    ),
    Reason.LUN_CHANGED: Entry(
        "attachment",
        "another hand moved the volume to another LUN",
        "accept it [by an annotation](drift.md#the-answer), or move it back on the array",
    ),
    Reason.SHARED_BEYOND_SPEC: Entry(
        "attachment",
        "another hand mapped the volume to a further host, which the spec does not allow",
        "unmap it there, or set `access: Shared` on all",
    ),
    Reason.HOST_REMOVED: Entry(
        "host",
        "another hand removed the host object with its mappings",
        "see its attachments: it is made again with the first one that is mapped again",
    ),
    Reason.PORTS_CHANGED: Entry(
        "host",
        "another hand took an initiator off the host object, or added one",
        "put it right on the array, or in the spec; or set `driftPolicy: Correct`",
    ),
}
