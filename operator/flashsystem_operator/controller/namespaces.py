"""Namespaces: which of them are watched, and their labels, by which arrays choose who may use them."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from flashsystem_operator.controller.answers import Forbidden
from flashsystem_operator.reconcile.labels import Labels


class Namespaces:
    """labels: of each namespace that was seen. A mapping once handed out never changes: a pass may stand on it.

    watched: the namespaces whose objects are looked after; none: all. Belongs to one event loop.
    """

    def __init__(self, watched: Collection[str] = ()) -> None:
        self.watched = tuple(watched)
        self.labels: Mapping[str, Labels] = {}

    def watches(self, name: str) -> bool:
        return not self.watched or name in self.watched

    def learn_all(self, labels: Mapping[str, Labels]) -> None:
        """Take in a whole listing."""
        self.labels = dict(labels)

    def learn(self, name: str, labels: Labels | None) -> bool:
        """Take in a sighting, None for the end of a namespace; answers whether it says something new."""
        if self.labels.get(name) == labels:
            return False
        others = {other: known for other, known in self.labels.items() if other != name}
        self.labels = others if labels is None else {**others, name: dict(labels)}
        return True


async def listed(ask: Callable[[], Awaitable[Mapping[str, Labels]]]) -> Mapping[str, Labels] | None:
    """The labels of all namespaces, or None while we may not list them. Raises KubeError."""
    try:
        return await ask()
    except Forbidden:
        return None


def changes(known: Mapping[str, Labels], found: Mapping[str, Labels]) -> Mapping[str, Labels | None]:
    """What a listing says that was not known, None of a namespace that is gone."""
    names = (name for name in known.keys() | found.keys() if known.get(name) != found.get(name))
    return {name: found.get(name) for name in names}
