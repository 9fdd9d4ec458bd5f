"""A simulated FlashSystem array: its command line over SSH, and a control port to inspect it and to inject faults.

It imports nothing of the operator, so that a wrong assumption about the command line makes a test fail and does not
cancel out.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Control, ControlError
    from .server.simulator import Simulator

__all__ = ["Control", "ControlError", "Simulator"]
_HOME = {"Control": ".client", "ControlError": ".client", "Simulator": ".server.simulator"}


def __getattr__(name: str) -> Any:
    """Import on first use: the help of `simulate` needs no SSH server."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - asyncssh is slow to load

    return getattr(import_module(_HOME[name], __name__), name)
