"""A label selector chooses the same as everywhere in Kubernetes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.api.array import LabelSelector
from flashsystem_operator.planner.desired import chooses

PRODUCTION = {"stage": "production", "team": "a"}


def selector(*expressions: tuple[Any, ...], **labels: str) -> LabelSelector:
    requirements = [{"key": key, "operator": how, "values": values} for key, how, *values in expressions]
    return LabelSelector.model_validate({"matchLabels": labels, "matchExpressions": requirements})


@pytest.mark.parametrize(
    ("because", "label_selector", "chosen"),
    [
        ("an empty selector chooses everything", selector(), True),
        ("a label has the value", selector(stage="production"), True),
        ("a label has another value", selector(stage="test"), False),
        ("case counts", selector(stage="Production"), False),
        ("a label is not there", selector(region="eu"), False),
        ("all labels must match", selector(stage="production", team="b"), False),
        ("In: one of the values", selector(("team", "In", "a", "b")), True),
        ("In: none of the values", selector(("team", "In", "b", "c")), False),
        ("In: the label is not there", selector(("region", "In", "eu")), False),
        ("NotIn: another value", selector(("team", "NotIn", "b")), True),
        ("NotIn: one of the values", selector(("team", "NotIn", "a", "b")), False),
        ("NotIn: the label is not there", selector(("region", "NotIn", "eu")), True),
        ("Exists: it does", selector(("team", "Exists")), True),
        ("Exists: it does not", selector(("region", "Exists")), False),
        ("DoesNotExist: it does", selector(("team", "DoesNotExist")), False),
        ("DoesNotExist: it does not", selector(("region", "DoesNotExist")), True),
        ("labels and expressions must both hold", selector(("team", "In", "a"), stage="test"), False),
        ("all expressions must hold", selector(("team", "In", "a"), ("region", "Exists")), False),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_a_selector_chooses(because: str, label_selector: LabelSelector, chosen: bool) -> None:
    assert chooses(label_selector, PRODUCTION) is chosen, because


texts = st.sampled_from(["", "a", "b", "c"])
known = st.dictionaries(texts, texts, max_size=3)


@given(known, texts, st.lists(texts, min_size=1, max_size=3))
def test_each_operator_has_its_opposite(labels: dict[str, str], key: str, values: list[str]) -> None:
    def holds(how: str, *some: str) -> bool:
        expression = {"key": key or "k", "operator": how, "values": some}
        return chooses(LabelSelector.model_validate({"matchExpressions": [expression]}), labels)

    assert holds("In", *values) is not holds("NotIn", *values)
    assert holds("Exists") is not holds("DoesNotExist")
    assert holds("Exists") or not holds("In", *values)


@pytest.mark.parametrize(
    ("how", "values"), [("In", []), ("NotIn", []), ("Exists", ["a"]), ("DoesNotExist", ["a"])], ids=str
)
def test_values_are_required_or_rejected_depending_on_the_operator(how: str, values: list[str]) -> None:
    with pytest.raises(ValueError, match="In and NotIn need values; Exists and DoesNotExist take none"):
        selector(("team", how, *values))
