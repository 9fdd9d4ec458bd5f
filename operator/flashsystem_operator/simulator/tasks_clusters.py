"""Host clusters: members, and volumes shared with all of them."""

from collections.abc import Callable

from . import find, naming
from .call import FLAG, NEEDED, VALUE, Call, Grammar, Need
from .objects import Host, HostCluster
from .refusals import Refused
from .release import HOST_CLUSTERS
from .system import Mapping, System
from .tasks_mappings import lun, others, refuse_if_recent
from .tasks_ports import refuse_if_protected
from .verb import Verb


def mkhostcluster(array: System, call: Call) -> str:
    name = naming.name(call.value("-name")) if call.has("-name") else ""
    if name in array.cluster_named:
        raise Refused("CMMVC6035E")
    seed = find.host(array, call.value("-seedfromhost")) if call.has("-seedfromhost") else None
    if seed and seed.host_cluster:
        raise Refused(find.GONE)
    number = array.cluster_ids.take()
    cluster = HostCluster(id=number, name=name or f"hostcluster{number}")
    array.add_cluster(cluster)
    if seed:
        _share_all(array, seed, cluster)
    return f"Host cluster, id [{number}], successfully created\n"


def _share_all(array: System, seed: Host, cluster: HostCluster) -> None:
    """Let every mapping of the first member become one of the host cluster."""
    seed.host_cluster = cluster.name
    for mapping in list(array.of_host[seed.id].values()):
        array.unmap(mapping)
        array.map(Mapping(cluster, mapping.volume, mapping.lun))


def addhostclustermember(array: System, call: Call) -> str:
    cluster = find.cluster(array, call.object)
    hosts = [find.host(array, word) for word in call.listed("-host", ":")]
    shared = {mapping.lun for mapping in array.shared[cluster.id].values()}
    for host in hosts:
        if host.host_cluster:
            raise Refused(find.GONE)
        if shared & {mapping.lun for mapping in array.of_host[host.id].values()}:
            raise Refused("CMMVC5879E")
    for host in hosts:
        host.host_cluster = cluster.name
    return ""


def rmhostclustermember(array: System, call: Call) -> str:
    cluster = find.cluster(array, call.object)
    host = find.host(array, call.value("-host"))
    _one_of(call, "-keepmappings", "-removemappings")
    if host.host_cluster != cluster.name:
        raise Refused(find.GONE)
    if len(array.members(cluster)) == 1 and array.shared[cluster.id] and not call.has("-force"):
        raise Refused("CMMVC6045E")
    _leave(array, host, cluster, keep=call.has("-keepmappings"))
    return ""


def _leave(array: System, host: Host, cluster: HostCluster, *, keep: bool) -> None:
    host.host_cluster = ""
    for mapping in array.shared[cluster.id].values():
        if keep:
            array.map(Mapping(host, mapping.volume, mapping.lun))


def _one_of(call: Call, *options: str) -> None:
    given = sum(call.has(option) for option in options)
    if given != 1:
        raise Refused("CMMVC5713E" if given else "CMMVC5707E")


def rmhostcluster(array: System, call: Call) -> str:
    cluster = find.cluster(array, call.object)
    _one_of(call, "-keepmappings", "-removemappings")
    members = array.members(cluster)
    for mapping in array.shared[cluster.id].values():
        refuse_if_recent(array, mapping.volume)
    for host in members if call.has("-removeallhosts") else ():
        refuse_if_protected(array, host)
    for host in members:
        _leave(array, host, cluster, keep=call.has("-keepmappings"))
        if call.has("-removeallhosts"):
            array.remove_host(host)
    array.remove_cluster(cluster)
    return ""


def mkvolumehostclustermap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object, array.rules.volume_missing_code)
    cluster = find.cluster(array, call.value("-hostcluster"), find.UNKNOWN)
    if volume.id in array.shared[cluster.id]:
        raise Refused("CMMVC9066E")
    wanted = lun(array, call.value("-scsi")) if call.has("-scsi") else None
    used = {mapping.lun for host in array.members(cluster) for mapping in array.seen_by(host)}
    used |= {mapping.lun for mapping in array.shared[cluster.id].values()}
    if wanted in used:
        raise Refused("CMMVC5879E")
    if others(array, volume) and not call.has("-force"):
        raise Refused(array.rules.other_host_code or "")
    free = next(number for number in range(len(used) + 1) if number not in used)
    array.map(Mapping(cluster, volume, free if wanted is None else wanted))
    return "Volume to Host Cluster map, id [0], successfully created\n"


def rmvolumehostclustermap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    cluster = find.cluster(array, call.value("-hostcluster"), find.UNKNOWN)
    mapping = array.shared[cluster.id].get(volume.id)
    if mapping is None:
        raise Refused("CMMVC9069E")
    refuse_if_recent(array, volume)
    array.unmap(mapping)
    return ""


KEEP: Grammar = dict.fromkeys(("-keepmappings", "-removemappings"), FLAG)
MAP: Grammar = {"-hostcluster": NEEDED, "-scsi": VALUE, "-force": FLAG}


def _task(name: str, run: Callable[[System, Call], str], grammar: Grammar, need: Need = "required") -> Verb:
    return Verb(name, run, grammar, need, writes=True, since=HOST_CLUSTERS)


VERBS = (
    _task("mkhostcluster", mkhostcluster, {"-name": VALUE, "-seedfromhost": VALUE}, "none"),
    _task("addhostclustermember", addhostclustermember, {"-host": NEEDED}),
    _task("rmhostclustermember", rmhostclustermember, {"-host": NEEDED, "-force": FLAG, **KEEP}),
    _task("rmhostcluster", rmhostcluster, {"-removeallhosts": FLAG, **KEEP}),
    _task("mkvolumehostclustermap", mkvolumehostclustermap, MAP),
    _task("rmvolumehostclustermap", rmvolumehostclustermap, {"-hostcluster": NEEDED}),
)
