"""A pretend FlashSystem array: its command line over SSH, and a control port to look behind it and to break it.

It stands alone. Nothing of the operator is imported here, so that a wrong idea about the command line shows as a
failing test and does not cancel out.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Control, ControlError
    from .server.simulator import Simulator

__all__ = ["Control", "ControlError", "Simulator"]
_HOME = {"Control": ".client", "ControlError": ".client", "Simulator": ".server.simulator"}


def __getattr__(name: str) -> Any:
    """Import on first use: who only shows the help of `simulate` needs no SSH server."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - asyncssh is slow to load

    return getattr(import_module(_HOME[name], __name__), name)
