"""How long a host object that we made stays on the array: when its last volume goes, and when its resource goes."""

from flashsystem_operator.api.host import FlashSystemHost, Lifecycle, Ownership
from flashsystem_operator.api.references import DeletionPolicy
from flashsystem_operator.array.commands import RemoveHost
from flashsystem_operator.array.state import Host
from flashsystem_operator.array.view import View
from flashsystem_operator.reconcile.decision import Act, Reason, Refuse, Release, Wait
from flashsystem_operator.reconcile.holding import way_out
from flashsystem_operator.reconcile.words import listed, plural
from flashsystem_operator.reconcile.world import World


def is_needed_no_more(resource: FlashSystemHost, host: Host, world: World, view: View) -> bool:
    """Whether the host object of a resource that is to stay goes: it is empty, and no attachment wants it.

    Retain keeps it here, too: whether the last volume or the resource went first must not decide what is left.
    """
    wanted = any(not each.metadata.deleting for each in world.attachments_of(resource))
    return not wanted and resource.spec.lifecycle is not Lifecycle.PERSISTENT and _may_go(resource, host, view)


def outlived(resource: FlashSystemHost, stands_on: Host | None, world: World, view: View) -> tuple[RemoveHost, ...]:
    """The removal of host objects that we made for a resource that is not what it stands on any more.

    Its initiators are on another host object by now: of an administrator, to which the spec was changed, or of another
    owner, which may never let them go; or one bears the name of a former installation. Such a host object would stay
    for ever, and with it its initiators, which no other FlashSystemHost could use.
    """
    if resource.unreadable or on_another_system(resource, world, view):
        return ()
    wished = resource.spec.initiators.iscsi
    left = (host for host in _made_for(resource, world, view) if host != stands_on)
    going = (
        host.name
        for host in left
        if not world.is_unsettled(host.name) and _may_go(resource, host, view)
        if host.iqns.isdisjoint(wished) or is_needed_no_more(resource, host, world, view)
    )
    return tuple(map(RemoveHost, going))


def _made_for(resource: FlashSystemHost, world: World, view: View) -> tuple[Host, ...]:
    return tuple(view.hosts[name] for name in world.names_of(resource) if name in view.hosts)


def _may_go(resource: FlashSystemHost, host: Host, view: View) -> bool:
    retained = resource.spec.deletion_policy is DeletionPolicy.RETAIN
    return not (retained or view.on_host(host.name) or host.cluster)


def in_use(resource: FlashSystemHost, world: World) -> Wait | None:
    """Who still needs a resource that is being deleted."""
    attachments = world.attachments_of(resource)
    if not attachments:
        return None
    names = listed(sorted(each.metadata.name for each in attachments))
    return Wait(
        Reason.IN_USE,
        f"In use by {plural(len(attachments), 'VolumeAttachment')}: {names}. Delete them first, or wait if they are "
        "being deleted.",
    )


def end(resource: FlashSystemHost, world: World, view: View) -> Act | Release:
    """What becomes of the host objects that we made for a deleted resource that is in use no more."""
    hosts = _made_for(resource, world, view)
    if going := tuple(RemoveHost(host.name) for host in hosts if _may_go(resource, host, view)):
        return Act(going)
    return Release(" ".join(_why_it_stays(host, view) for host in hosts), on=tuple(host.name for host in hosts))


def _why_it_stays(host: Host, view: View) -> str:
    stays = f"Host object {host.name} stays on the array"
    if left := len(view.on_host(host.name)):
        return f"{stays}: it has mappings of {plural(left, 'volume')} of others."
    if host.cluster:
        return f"{stays}: it is a member of host cluster {host.cluster}."
    return f"{stays}, as spec.deletionPolicy Retain says."


def on_another_system(resource: FlashSystemHost, world: World, view: View) -> Refuse | None:
    """Whether what we made for it is on another system than the one to which the array's resource leads by now.

    Of an administrator's host object that was adopted there nothing is ours: the host is looked for anew.
    """
    seen, system = resource.status.array, view.body.system
    if resource.status.ownership is not Ownership.CREATED or seen is None or seen.system_id in (None, system.id):
        return None
    return Refuse(
        Reason.OTHER_SYSTEM,
        f"{_host_object(resource)} was made on system {seen.system_id}, but {world.array.ref} leads to {system.name} "
        f"({system.id}) by now. What is on the former system cannot be seen from here. Let spec.management and "
        "spec.systemID of the array lead there again; or delete this FlashSystemHost and "
        f"{way_out(resource.metadata)}.",
    )


def end_on_another_system(resource: FlashSystemHost, world: World, view: View) -> Refuse | Release | None:
    """What becomes of a deleted resource whose host object is there: it waits, unless the host object was to stay."""
    elsewhere, seen = on_another_system(resource, world, view), resource.status.array
    if elsewhere is None or seen is None or resource.spec.deletion_policy is not DeletionPolicy.RETAIN:
        return elsewhere
    return Release(
        f"{_host_object(resource)} stays on system {seen.system_id}, as spec.deletionPolicy Retain says; "
        f"{world.array.ref} leads to another system by now."
    )


def _host_object(resource: FlashSystemHost) -> str:
    return f"Host object {resource.status.name}" if resource.status.name else "The host object"
