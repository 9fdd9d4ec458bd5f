"""Who may use an array, and for what: the parts of a FlashSystemArray's spec that choose namespaces."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from flashsystem_operator.api.base import Model

LABEL_KEY_PATTERN = (  # prefix/name
    r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
)
MAX_LABEL_KEY = 317
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
GLOB_PATTERN = r"^([A-Za-z0-9_. *?-]|\[!?[A-Za-z0-9_. -]+\])+$"

LabelKey = Annotated[str, Field(pattern=LABEL_KEY_PATTERN, max_length=MAX_LABEL_KEY)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE_PATTERN, max_length=63)]


def _label_keys(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse a key that no label can have: the CRD's schema has no word for keys, but a rule."""
    for key in labels:
        if len(key) > MAX_LABEL_KEY or not re.fullmatch(LABEL_KEY_PATTERN, key):
            raise ValueError(
                f"{key[:64]!r} is not a label's key: it has letters, digits and '-_.', a letter or digit at both ends, "
                "and perhaps a prefix and a slash in front"
            )
    return labels


Glob = Annotated[str, Field(pattern=GLOB_PATTERN, max_length=128)]
"""A pattern of volume names: `*` any letters, `?` one, `[abc]` one of these, `[!abc]` none of these. Case counts."""


class From(StrEnum):
    """Which namespaces are meant: the array's own, all, or those that a selector chooses by their labels."""

    SAME = "Same"
    ALL = "All"
    SELECTOR = "Selector"


class Operator(StrEnum):
    """How an expression compares a label with its values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Expression(Model):
    """One requirement on a label, as everywhere in Kubernetes."""

    key: LabelKey
    operator: Operator
    values: Annotated[tuple[LabelValue, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if (self.operator in (Operator.IN, Operator.NOT_IN)) != bool(self.values):
            raise ValueError("In and NotIn need values; Exists and DoesNotExist take none")
        return self


class LabelSelector(Model):
    """Chooses by labels, as everywhere in Kubernetes: all of it must hold; an empty one chooses everything."""

    match_labels: Annotated[Mapping[str, LabelValue], Field(max_length=64), AfterValidator(_label_keys)] | None = None
    match_expressions: Annotated[tuple[Expression, ...], Field(max_length=64)] = ()


class Namespaces(Model):
    """A choice of namespaces."""

    from_: From = From.SAME
    selector: LabelSelector | None = None

    @model_validator(mode="after")
    def _selector_when_selected(self) -> Self:
        if (self.from_ is From.SELECTOR) != (self.selector is not None):
            raise ValueError("selector goes with from: Selector, and with nothing else: add one of them, or remove it")
        return self


class VolumeAccess(Model):
    """Which volumes some namespaces may attach."""

    namespace_selector: LabelSelector
    volumes: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=64)]


class PersistentVolumes(StrEnum):
    """Whether attachments of this array may make PersistentVolumes, which belong to the whole cluster."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"
