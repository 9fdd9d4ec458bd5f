"""Host clusters: their members and shared mappings."""

from collections.abc import Callable

from flashsystem_operator.simulator.console.parser import FLAG, NEEDED, VALUE, Call, Grammar, Need, Verb
from flashsystem_operator.simulator.state import model
from flashsystem_operator.simulator.state.model import Host, HostCluster, Volume
from flashsystem_operator.simulator.state.refusals import Refused
from flashsystem_operator.simulator.state.rules import HOST_CLUSTERS
from flashsystem_operator.simulator.state.system import Mapping, System
from flashsystem_operator.simulator.verbs import find
from flashsystem_operator.simulator.verbs.mappings import MOST_LUNS, lun
from flashsystem_operator.simulator.verbs.protection import Guard, refuse_if_needed, refuse_if_recent

MOST_MEMBERS = 128


def mkhostcluster(array: System, call: Call) -> str:
    name = model.name(call.value("-name")) if call.has("-name") else ""
    if name in array.cluster_named:
        raise Refused("CMMVC6035E")
    seeds = _hosts(array, call, "-seedfromhost")
    # The mappings of the first members become shared, except those of ignored volumes.
    ignored = [find.volume(array, argument).id for argument in call.listed("-ignoreseedvolume", ":")]
    mappings = [mapping for host in seeds for mapping in array.of_host[host.id].values()]
    if any(volume not in {mapping.volume.id for mapping in mappings} for volume in ignored):
        raise Refused("CMMVC9078E")
    for host in seeds:
        _refuse_member(array, host, None)
    kept = [mapping for mapping in mappings if mapping.volume.id not in ignored]
    shared = {mapping.volume.id: mapping for mapping in kept}
    if any(shared[mapping.volume.id].lun != mapping.lun for mapping in kept):
        raise Refused("CMMVC9068E")
    if len({mapping.lun for mapping in shared.values()}) < len(shared):
        raise Refused("CMMVC9077E")
    number = array.cluster_ids.take()
    cluster = HostCluster(
        id=number, name=name or f"hostcluster{number}", protocol=seeds[0].protocol if seeds else "scsi"
    )
    array.add_cluster(cluster)
    for host in seeds:
        host.host_cluster = cluster.name
        for mapping in list(array.of_host[host.id].values()):
            if mapping.volume.id in shared:
                array.unmap(mapping)
    for mapping in shared.values():
        array.map(Mapping(cluster, mapping.volume, mapping.lun))
    return f"Host cluster, id [{number}], successfully created\n"


def _hosts(array: System, call: Call, option: str) -> list[Host]:
    """Return the hosts of a list, without repetitions."""
    found = [find.host(array, argument) for argument in call.listed(option, ":")]
    if len({host.id for host in found}) < len(found):
        raise Refused("CMMVC9081E")
    return found


def _refuse_member(array: System, host: Host, cluster: HostCluster | None) -> None:
    """Refuse a host that is in a host cluster, or that has another protocol than this one."""
    if host.host_cluster:
        raise Refused("CMMVC8934E")
    if cluster and array.members(cluster) and host.protocol != array.members(cluster)[0].protocol:
        raise Refused("CMMVC9343E")


def addhostclustermember(array: System, call: Call) -> str:
    cluster = _cluster(array, call)
    hosts = _hosts(array, call, "-host")
    if len(array.members(cluster)) + len(hosts) > MOST_MEMBERS:
        raise Refused("CMMVC8937E")
    shared = array.shared[cluster.id]
    luns = {mapping.lun for mapping in shared.values()}
    for host in hosts:
        _refuse_member(array, host, cluster)
        private = array.of_host[host.id]
        if any(private[volume].lun != shared[volume].lun for volume in private.keys() & shared.keys()):
            raise Refused("CMMVC9073E")
        if luns & {mapping.lun for volume, mapping in private.items() if volume not in shared}:
            raise Refused("CMMVC9072E")
    for host in hosts:
        host.host_cluster = cluster.name
        for volume in array.of_host[host.id].keys() & shared.keys():
            array.unmap(array.of_host[host.id][volume])
    return ""


def _cluster(array: System, call: Call) -> HostCluster:
    return find.cluster(array, call.object, "CMMVC8935E")


def rmhostclustermember(array: System, call: Call) -> str:
    cluster = _cluster(array, call)
    hosts = _hosts(array, call, "-host")
    if any(host.host_cluster != cluster.name for host in hosts):
        raise Refused("CMMVC8938E")
    _refuse_undecided(array, call, cluster, "CMMVC9070E")
    if len(hosts) == len(array.members(cluster)) and array.shared[cluster.id] and not call.has("-force"):
        raise Refused("CMMVC9064E")
    if call.has("-removemappings"):
        refuse_if_recent(array, _volumes(array, cluster), Guard.MEMBER)
    for host in hosts:
        _leave(array, host, cluster, keep=call.has("-keepmappings"))
    return ""


def _refuse_undecided(array: System, call: Call, cluster: HostCluster, code: str) -> None:
    """Require an option for the shared mappings if there are some."""
    given = sum(call.has(option) for option in ("-keepmappings", "-removemappings", "-removeallhosts"))
    if given > 1:
        raise Refused("CMMVC5713E")
    if not given and array.shared[cluster.id]:
        raise Refused(code)


def _volumes(array: System, cluster: HostCluster) -> list[Volume]:
    return [mapping.volume for mapping in array.shared[cluster.id].values()]


def _leave(array: System, host: Host, cluster: HostCluster, *, keep: bool) -> None:
    host.host_cluster = ""
    for mapping in array.shared[cluster.id].values():
        if keep:
            array.map(Mapping(host, mapping.volume, mapping.lun))


def rmhostcluster(array: System, call: Call) -> str:
    cluster = _cluster(array, call)
    members = array.members(cluster)
    _refuse_undecided(array, call, cluster, "CMMVC8936E")
    if call.has("-removeallhosts"):
        if any(array.seen_by(host) for host in members) and not call.has("-force"):
            raise Refused("CMMVC9079E")
        for host in members:
            refuse_if_needed(array, host, array.seen_by(host), Guard.HOST)
    if call.has("-removemappings"):
        refuse_if_recent(array, _volumes(array, cluster), Guard.HOST)
    for host in members:
        _leave(array, host, cluster, keep=call.has("-keepmappings"))
        if call.has("-removeallhosts"):
            array.remove_host(host)
    array.remove_cluster(cluster)
    return ""


def mkvolumehostclustermap(array: System, call: Call) -> str:
    volume = find.live_volume(array, call.object, array.rules.volume_missing_code)
    cluster = find.cluster(array, call.value("-hostcluster"), find.UNKNOWN)
    members = array.members(cluster)
    if volume.id in array.shared[cluster.id]:
        raise Refused("CMMVC9066E")
    if not members:
        raise Refused("CMMVC9065E")
    if call.has("-scsi") and call.has("-allowmismatchedscsiids"):
        raise Refused("CMMVC5713E")
    wanted = lun(array, call.value("-scsi")) if call.has("-scsi") else None
    private = [array.of_host[host.id][volume.id] for host in members if volume.id in array.of_host[host.id]]
    placed = _lun(array, cluster, wanted, private)
    outside = any(host not in members for host in array.hosts_of(volume))
    if outside and not call.has("-force"):
        raise Refused("CMMVC9074E")
    for mapping in private:
        array.unmap(mapping)
    array.map(Mapping(cluster, volume, placed))
    return f"Volume to Host Cluster map, id [{placed}], successfully created\n"


def _lun(array: System, cluster: HostCluster, wanted: int | None, private: list[Mapping]) -> int:
    """Return the LUN of a new shared mapping: as requested, that of members with the volume, or the lowest free."""
    luns = {mapping.lun for mapping in private}
    if len(luns) > 1:
        raise Refused("CMMVC9077E")
    if luns and wanted not in {None, *luns}:
        raise Refused("CMMVC9073E")
    if luns:
        return luns.pop()
    used = {mapping.lun for host in array.members(cluster) for mapping in array.seen_by(host)}
    if wanted in used:
        raise Refused("CMMVC9072E")
    free = next(number for number in range(len(used) + 1) if number not in used)
    if free >= (array.limits.luns_per_host or MOST_LUNS):
        raise Refused("CMMVC9076E")
    return free if wanted is None else wanted


def rmvolumehostclustermap(array: System, call: Call) -> str:
    volume = find.volume(array, call.object)
    cluster = find.cluster(array, call.value("-hostcluster"), find.UNKNOWN)
    mapping = array.shared[cluster.id].get(volume.id)
    if mapping is None:
        raise Refused("CMMVC9069E")
    keeping = _hosts(array, call, "-makeprivate")
    if any(host.host_cluster != cluster.name for host in keeping):
        raise Refused("CMMVC8938E")
    refuse_if_recent(array, [volume], Guard.MAPPING)
    array.unmap(mapping)
    for host in keeping:
        array.map(Mapping(host, volume, mapping.lun))
    return ""


MAKE: Grammar = dict.fromkeys(("-name", "-seedfromhost", "-ignoreseedvolume"), VALUE)
KEEP: Grammar = dict.fromkeys(("-keepmappings", "-removemappings", "-force"), FLAG)
MAP: Grammar = {"-hostcluster": NEEDED, "-scsi": VALUE, "-allowmismatchedscsiids": FLAG, "-force": FLAG}


def _task(name: str, run: Callable[[System, Call], str], grammar: Grammar, need: Need = "required") -> Verb:
    return Verb(name, run, grammar, need, writes=True, since=HOST_CLUSTERS)


CLUSTER_CHANGES = (
    _task("mkhostcluster", mkhostcluster, MAKE, "none"),
    _task("addhostclustermember", addhostclustermember, {"-host": NEEDED}),
    _task("rmhostclustermember", rmhostclustermember, {"-host": NEEDED, **KEEP}),
    _task("rmhostcluster", rmhostcluster, {"-removeallhosts": FLAG, **KEEP}),
    _task("mkvolumehostclustermap", mkvolumehostclustermap, MAP),
    _task("rmvolumehostclustermap", rmvolumehostclustermap, {"-hostcluster": NEEDED, "-makeprivate": VALUE}),
)
