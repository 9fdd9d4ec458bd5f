"""What becomes of a change that another hand made on the array."""

from enum import StrEnum


class DriftPolicy(StrEnum):
    """Of attachments, and of the ports of hosts."""

    CORRECT = "Correct"
    """Put it right where that hurts no running host; say so where it would."""
    REPORT = "Report"
    """Say so."""
    IGNORE = "Ignore"
    """Neither; only Ready tells."""
