"""What this array's command line can do. Seen from its answers where that is possible, else from its code level."""

from dataclasses import dataclass

from flashsystem_operator.array.state import Dialect, System

_PORTSETS = (8, 4, 2, 0)
_HOST_CLUSTERS = (7, 7, 1)
_MKHOST_PROTOCOL = (8, 7)
_HOST_KINDS = (8,)
_HOST_SECRET = (9, 1)

_OLD_KINDS = frozenset({"generic", "hpux", "tpgs", "openvms"})
_NEW_KINDS = frozenset({"adminlun", "hide_secondary"})


@dataclass(frozen=True, slots=True)
class Capabilities:
    """portsets: addresses are listed by `lsip` and grouped (8.4.2; what `lsportip` answers there no source shows).

    host_protocol: what `mkhost -protocol` may say for iSCSI: a name from 8.7 on, None before, where it is unknown.
    host_kinds: what `mkhost -type` may say.
    chap: the options of `chhost` that set a secret and take it away; None where there is no CHAP for a host.
    finds_by_uid: `lsvdisk -filtervalue vdisk_UID=...` is offered.
    host_clusters: volumes can be mapped to host clusters, also to one without members, which no view of a host shows.
    default_pool: the pool that an array of this kind always has, None where the user must name one.

    Source: array-cli facts 2.1 (version gates), 2.6, 2.7, 2.10, 2.11, 2.16.
    """

    portsets: bool
    host_protocol: str | None
    host_kinds: frozenset[str]
    chap: tuple[str, str] | None
    finds_by_uid: bool
    host_clusters: bool
    default_pool: str | None


def capabilities(system: System) -> Capabilities:
    """What a system of this dialect and code level can do."""
    modern = system.dialect is Dialect.MODERN
    return Capabilities(
        portsets=modern and system.code_level >= _PORTSETS,
        host_protocol="iscsi" if modern and system.code_level >= _MKHOST_PROTOCOL else None,
        host_kinds=_OLD_KINDS | (_NEW_KINDS if modern and system.code_level >= _HOST_KINDS else frozenset()),
        chap=_chap(system) if modern else None,
        finds_by_uid=modern,
        host_clusters=modern and system.code_level >= _HOST_CLUSTERS,
        default_pool=None if modern else "mdiskgrp0",
    )


def _chap(system: System) -> tuple[str, str]:
    if system.code_level >= _HOST_SECRET:
        return "-hostsecret", "-nohostsecret"
    return "-chapsecret", "-nochapsecret"
