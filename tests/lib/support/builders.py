"""Short builders for tests of decisions: resources (desired), and host objects, volumes and mappings (observed)."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import FINALIZER
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.array.model import (
    Body,
    Dialect,
    Host,
    Inventory,
    Mapping,
    Node,
    Pool,
    Port,
    Portal,
    Portset,
    Protocol,
    System,
    Volume,
)
from flashsystem_operator.planner.desired import Desired, with_volumes
from flashsystem_operator.values import (
    ChapSecret,
    HostName,
    Iqn,
    Lun,
    PoolName,
    SystemId,
    VolumeName,
    VolumeUid,
    host_object_name,
)

INSTALLATION = "this-cluster"
NAMESPACE = "storage"
SYSTEM = SystemId("0000020421A0BEEF")
NODE = Node(
    "1",
    "node1",
    online=True,
    status="online",
    iqn="iqn.1986-03.com.ibm:n1",
    io_group="io_grp0",
    config_node=True,
    io_group_id="0",
)
PORTAL = Portal("10.0.1.11", "1", "node1", "io_grp0", "iqn.1986-03.com.ibm:n1", "", "configured", usable=True)
POOL = Pool(PoolName("Pool0"), "online", 1 << 40, 1 << 39)

_ages = count()


def iqn(last: str) -> Iqn:
    return Iqn(f"iqn.1994-05.com.redhat:{last}")


def uid(number: int) -> VolumeUid:
    return VolumeUid(f"6005076{number:025X}")


def own_name(host: str) -> HostName:
    """The name of the host object that this installation makes for the FlashSystemHost of that name."""
    return host_object_name(INSTALLATION, NAMESPACE, host, host)


def own_volume_name(resource: str) -> VolumeName:
    """The name of the volume that this installation creates for the FlashSystemVolume of that name."""
    return VolumeName(own_name(resource))


# -- resources -------------------------------------------------------------------------------------------------------


def metadata(name: str, **more: Any) -> dict[str, Any]:
    """Each object is younger than the one before. deleting: its deletionTimestamp is set, our finalizer is on."""
    age = next(_ages)
    deleting = {"deletion_timestamp": "2026-02-01T00:00:00Z", "finalizers": (FINALIZER,)}
    if not more.pop("deleting", False):
        deleting = {}
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-{age:06}",
        "generation": 1,
        "resource_version": str(age),
        "creation_timestamp": f"2026-01-01T{age // 3600 % 24:02}:{age // 60 % 60:02}:{age % 60:02}Z",
        **deleting,
        **more,
    }


def array(*, status: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **spec: Any) -> FlashSystemArray:
    defaults = {
        "management": {"addresses": ["10.0.0.1"]},
        "credentials_secret_ref": {"name": "login"},
        "host_key_policy": "TrustOnFirstUse",
        **spec,
    }
    return FlashSystemArray.model_validate(
        {"metadata": metadata(**{"name": "array", **(meta or {})}), "spec": defaults, "status": status or {}}
    )


def host(
    name: str, *iqns: str, status: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **spec: Any
) -> FlashSystemHost:
    """iqns: the last parts of its initiators; one like its name if none is given."""
    defaults = {
        "array_ref": {"name": "array"},
        "initiators": {"iscsi": [iqn(each) for each in iqns or (name,)]},
        **spec,
    }
    return FlashSystemHost.model_validate(
        {"metadata": metadata(**{"name": name, **(meta or {})}), "spec": defaults, "status": status or {}}
    )


def attachment(
    name: str,
    on: str,
    volume: str | VolumeUid | dict[str, Any] = "data",
    *,
    status: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    **spec: Any,
) -> VolumeAttachment:
    """Of a volume, by name or UID or as in the spec, to the FlashSystemHost `on`."""
    selector = volume if isinstance(volume, dict) else {"uid": volume} if len(volume) == 32 else {"name": volume}
    defaults = {"host_ref": {"name": on}, "volume": selector, **spec}
    return VolumeAttachment.model_validate(
        {"metadata": metadata(**{"name": name, **(meta or {})}), "spec": defaults, "status": status or {}}
    )


def managed_volume(
    name: str = "data", *, status: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **spec: Any
) -> FlashSystemVolume:
    """A FlashSystemVolume; one of 1 GiB to be created, if the spec has neither a size nor an import."""
    size = {} if "size" in spec or "import" in spec else {"size": "1Gi"}
    defaults = {"array_ref": {"name": "array"}, **size, **spec}
    return FlashSystemVolume.model_validate(
        {"metadata": metadata(**{"name": name, **(meta or {})}), "spec": defaults, "status": status or {}}
    )


def of_volume(what: Volume, **more: Any) -> dict[str, Any]:
    """The status of a FlashSystemVolume that was bound to this volume, which the operator created."""
    return {
        "array": {"name": "array", "namespace": NAMESPACE, "system_id": SYSTEM},
        "name": what.name,
        "uid": what.uid,
        "origin": "Created",
        "observed_generation": 1,
        **more,
    }


def bound(to: Host | HostName, volume: Volume, **more: Any) -> dict[str, Any]:
    """The status of an attachment that was attached once: to this host object, of this volume."""
    name, iqns = (to.name, to.iqns) if isinstance(to, Host) else (to, ())
    return {
        "array": {"name": "array", "namespace": NAMESPACE, "system_id": SYSTEM},
        "host": {"name": name, "initiators": sorted(iqns)},
        "volume": {"name": volume.name, "uid": volume.uid},
        "origin": "Created",
        **more,
    }


def desired(
    *resources: FlashSystemHost | FlashSystemVolume | VolumeAttachment,
    of: FlashSystemArray | None = None,
    **more: Any,
) -> Desired:
    """Attachments that refer to a FlashSystemVolume have its volume, as in the desired state of a worker."""
    hosts = {each.ref: each for each in resources if isinstance(each, FlashSystemHost)}
    volumes = {each.ref: each for each in resources if isinstance(each, FlashSystemVolume)}
    attachments = {each.ref: each for each in resources if isinstance(each, VolumeAttachment)}
    return Desired(of or array(), hosts, with_volumes(attachments, volumes), INSTALLATION, volumes=volumes, **more)


# -- facts -----------------------------------------------------------------------------------------------------------


def port(last: str, logins: int = 0) -> Port:
    return Port(Protocol.ISCSI, iqn(last), logins, "active" if logins else "offline")


def wwpn(name: str = "2100000E1E30E597") -> Port:
    return Port(Protocol.FC, name, 0, "offline")


def host_object(name: str, *ports: str | Port, cluster: str = "", portset: str = "", kind: str = "generic") -> Host:
    """ports: iSCSI ones by the last part of their name."""
    known = tuple(each if isinstance(each, Port) else port(each) for each in ports)
    return Host("7", HostName(name), known, cluster, portset, kind=kind)


def volume(name: str = "data", number: int = 1, io_group: str = "io_grp0", **more: Any) -> Volume:
    return Volume(str(number), VolumeName(name), uid(number), 1 << 30, io_group, **more)


def mapped(on: Host, what: Volume, *luns: int, cluster: str = "") -> Mapping:
    return Mapping(on.name, what.name, what.uid, tuple(map(Lun, luns or (1,))), cluster)


def body(
    *,
    portals: Iterable[Portal] = (PORTAL,),
    nodes: Iterable[Node] = (NODE,),
    pool: Pool | None = POOL,
    dialect: Dialect = Dialect.MODERN,
    level: tuple[int, ...] = (8, 6, 0, 0),
    open_access: bool | None = None,
    portsets: tuple[str | Portset, ...] = ("portset0",),
) -> Body:
    system = System(SYSTEM, "fs", dialect, level, "8.6", "IBM FlashSystem", open_access)
    known = tuple(Portset(each, "host", "ethernet") if isinstance(each, str) else each for each in portsets)
    return Body(system, tuple(nodes), tuple(portals), pool, known)


def inventory(
    *facts: Host | Volume | Mapping,
    of: Body | None = None,
    io_groups: dict[HostName, set[str]] | None = None,
    chap: dict[HostName, ChapSecret | None] | None = None,
    pools: Iterable[Pool] = (POOL,),
    proven: bool = True,
) -> Inventory:
    """The inventory after reads of an array with these objects. io_groups: ids by host object.

    proven: whether the mappings of each host were read by a command meant for it, too.
    """
    seen = Inventory(of or body())
    for fact in facts:
        match fact:
            case Volume():
                seen.learn_volume(fact)
            case Host():
                seen.learn_host(fact.name, fact)
            case Mapping():
                continue
    mappings = [fact for fact in facts if isinstance(fact, Mapping)]
    for known in list(seen.hosts):
        seen.learn_mappings_of_host(known, [each for each in mappings if each.host == known], proven=proven)
    seen.io_groups = {name: frozenset(groups) for name, groups in (io_groups or {}).items()}
    seen.chap = chap
    seen.pools = {each.name: each for each in pools}
    return seen
