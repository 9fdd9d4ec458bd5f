"""Tenancy: which namespaces may use an array, adopt its host objects, attach which volumes, create PersistentVolumes.

Label selectors have the semantics of Kubernetes.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from flashsystem_operator.api.array import (
    Expression,
    FlashSystemArray,
    From,
    LabelSelector,
    Namespaces,
    Operator,
    PersistentVolumes,
)
from flashsystem_operator.planner.decision import Note, Reason, Refuse, Wait
from flashsystem_operator.planner.text import listed

Labels = Mapping[str, str]


def chooses(selector: LabelSelector, labels: Labels) -> bool:
    """Whether all requirements of the selector hold for these labels. An empty selector chooses everything."""
    required = selector.match_labels or {}
    return all(labels.get(key) == value for key, value in required.items()) and all(
        _holds(expression, labels) for expression in selector.match_expressions
    )


def _holds(expression: Expression, labels: Labels) -> bool:
    """Evaluate one requirement. Like DoesNotExist, NotIn also holds without such a label."""
    value = labels.get(expression.key)
    match expression.operator:
        case Operator.IN:
            return value is not None and value in expression.values
        case Operator.NOT_IN:
            return value is None or value not in expression.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None


LABELS_UNKNOWN = "LabelsUnknown"

Refusal = Wait | Refuse | None
"""Why something is not allowed, or None if it is. Wait: it is not known yet."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The permissions of one array.

    labels: of each namespace that is known.
    namespaced: the operator is installed for named namespaces; it may know no labels, and keep no PersistentVolumes.
    """

    array: FlashSystemArray
    labels: Mapping[str, Labels]
    namespaced: bool = False

    def use(self, namespace: str) -> Refusal:
        """Why a namespace may have no host and no attachment on the array."""
        return self._among(
            self.array.spec.allowed_namespaces,
            "allowedNamespaces",
            namespace,
            Refuse(
                Reason.ARRAY_NOT_ALLOWED,
                f"{self.array.ref} does not allow namespace {namespace}: {self._rule('allowedNamespaces')}. Ask "
                "the array administrator to allow it, or create this object in a namespace that is allowed. "
                "Attached volumes stay attached.",
            ),
        )

    def adoption(self, namespace: str) -> Refusal:
        """Why a namespace may neither adopt a host object nor take over a mapping that the operator did not create."""
        return self._among(
            self.array.spec.host_adoption,
            "hostAdoption",
            namespace,
            Refuse(
                Reason.ADOPTION_NOT_ALLOWED,
                f"Initiators of this host, or this mapping, were created on the array outside this operator, "
                f"and {self.array.ref} does not let namespace {namespace} take that over: "
                f"{self._rule('hostAdoption')}. Ask the array administrator to allow it.",
            ),
        )

    def volume(self, namespace: str, name: str | None, uid: str | None = None) -> Refusal:
        """Why a namespace may not attach a volume.

        name: the present name of the volume; None if the array shows no volume of the UID. A namespace must not learn
            from a UID whether another namespace's volume exists, so both are refused with the same message, without
            the name: only a namespace with an entry for every volume is informed that there is none.
        uid: if the volume is requested by UID and not by name.
        """
        entries = self.array.spec.volume_access
        if not entries:
            return None
        labels = self.labels.get(namespace)
        if labels is None:
            return self._unknown(namespace, "volumeAccess")
        globs = (glob for entry in entries if chooses(entry.namespace_selector, labels) for glob in entry.volumes)
        if any(fnmatchcase(name, glob) if name is not None else set(glob) == {"*"} for glob in globs):
            return None
        none_for = f"No entry in spec.volumeAccess of {self.array.ref} lets namespace {namespace} attach"
        if uid is None:
            message = f"{none_for} volume {name}. Ask the array administrator for one."
        else:
            message = (
                f"{none_for} a volume with UID {uid}, if the array has one. Create this attachment again with another "
                "spec.volume, or ask the array administrator for an entry."
            )
        return Refuse(Reason.VOLUME_NOT_ALLOWED, message)

    def persistent_volumes(self) -> Note | None:
        """Why no attachment of the array may create a PersistentVolume."""
        if self.namespaced:
            return Note(
                "PersistentVolumeBlocked",
                Reason.NAMESPACED_INSTALLATION,
                "This operator is installed for named namespaces, and PersistentVolumes belong to none. Remove "
                "spec.persistentVolume and use status.connection or spec.connectionSecret; or ask the cluster "
                "administrator to install the operator for the whole cluster.",
            )
        if self.array.spec.persistent_volumes is PersistentVolumes.ALLOWED:
            return None
        return Note(
            "PersistentVolumeBlocked",
            Reason.PERSISTENT_VOLUME_NOT_ALLOWED,
            f"{self.array.ref} has spec.persistentVolumes Forbidden. Ask the array administrator to set it to Allowed, "
            "or remove spec.persistentVolume.",
        )

    def unusable(self) -> Note | None:
        """The condition about permissions that cannot allow any namespace. The array administrator can fix them."""
        fields = _choosing_by_labels(self.array)
        if not self.namespaced or not fields:
            return None
        outs = ["set from to Same or All"] if fields != ("volumeAccess",) else []
        outs += ["leave volumeAccess out"] if "volumeAccess" in fields else []
        return Note(
            LABELS_UNKNOWN,
            Reason.NAMESPACED_INSTALLATION,
            f"{listed([f'spec.{field}' for field in fields])} would choose namespaces by their labels, which this "
            "operator may not read: it is installed for named namespaces. So nothing new is allowed by that, in any "
            "namespace; attached volumes stay attached. Ask the cluster administrator to install the operator for the "
            f"whole cluster; or {' and '.join(outs)}.",
        )

    def _among(self, choice: Namespaces, field: str, namespace: str, refusal: Refuse) -> Refusal:
        match choice.from_:
            case From.ALL:
                return None
            case From.SAME:
                return None if namespace == self.array.metadata.namespace else refusal
            case From.SELECTOR:
                labels = self.labels.get(namespace)
                if labels is None:
                    return self._unknown(namespace, field)
                return None if choice.selector and chooses(choice.selector, labels) else refusal

    def _unknown(self, namespace: str, field: str) -> Wait | Refuse:
        if self.namespaced:
            return Refuse(
                Reason.NAMESPACED_INSTALLATION,
                f"{self.array.ref} chooses namespaces by their labels, in spec.{field}, and this operator is installed "
                "for named namespaces and may not read labels. Ask the array administrator to "
                + ("leave that field out" if field == "volumeAccess" else "set it to from Same or All")
                + ", or the cluster administrator to install the operator for the whole cluster. Attached volumes stay "
                "attached.",
            )
        return Wait(
            Reason.NAMESPACE_UNKNOWN,
            f"The labels of namespace {namespace}, by which the array chooses who may use it, are not known to the "
            "operator. It goes on when they are; the operator needs the right to list and watch namespaces.",
        )

    def _rule(self, field: str) -> str:
        """The field that decides; the labels of a selector are shown in the array's own namespace only."""
        choice = self.array.spec.allowed_namespaces if field == "allowedNamespaces" else self.array.spec.host_adoption
        if choice.from_ is From.SAME:
            return f"its spec.{field} is from Same, the array's own namespace"
        return f"the selector in its spec.{field} does not choose that namespace's labels"


def by_labels(array: FlashSystemArray) -> bool:
    """Whether the permissions of the array depend on labels of namespaces."""
    return bool(_choosing_by_labels(array))


def _choosing_by_labels(array: FlashSystemArray) -> tuple[str, ...]:
    """The fields of the spec that choose namespaces by labels."""
    spec = array.spec
    chosen = {
        "allowedNamespaces": spec.allowed_namespaces.from_ is From.SELECTOR,
        "hostAdoption": spec.host_adoption.from_ is From.SELECTOR,
        "volumeAccess": bool(spec.volume_access),
    }
    return tuple(field for field, by_labels in chosen.items() if by_labels)
