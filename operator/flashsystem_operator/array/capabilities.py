"""What this array's command line can do. Seen from its answers where that is possible, else from its code level."""

from dataclasses import dataclass

from flashsystem_operator.array.state import Dialect, System

_PORTSETS = (8, 4, 2, 0)
_MKHOST_PROTOCOL = (8, 7)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """portsets: addresses are listed by `lsip` and grouped (8.4.2; what `lsportip` answers there no source shows).

    host_protocol: what `mkhost -protocol` must say for iSCSI: a name from 8.7 on, None before, where it is unknown.
    finds_by_uid: `lsvdisk -filtervalue vdisk_UID=...` is offered.
    default_pool: the pool that an array of this kind always has, None where the user must name one.

    Source: array-cli facts 2.1 (version gates), 2.6, 2.7, 2.10.
    """

    portsets: bool
    host_protocol: str | None
    finds_by_uid: bool
    default_pool: str | None


def capabilities(system: System) -> Capabilities:
    """What a system of this dialect and code level can do."""
    modern = system.dialect is Dialect.MODERN
    return Capabilities(
        portsets=modern and system.code_level >= _PORTSETS,
        host_protocol="iscsi" if modern and system.code_level >= _MKHOST_PROTOCOL else None,
        finds_by_uid=modern,
        default_pool=None if modern else "mdiskgrp0",
    )
