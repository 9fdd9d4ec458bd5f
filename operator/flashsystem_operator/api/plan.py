"""What would be typed, for people to read before it is."""

from typing import Annotated

from flashsystem_operator.api.base import AtMost

Plan = Annotated[tuple[Annotated[str, AtMost(4096)], ...], AtMost(64)]
"""The commands in their order, exactly as they would be sent; secrets as `***`."""
