"""Which labels a selector chooses: the semantics that Kubernetes has everywhere.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from collections.abc import Mapping

from flashsystem_operator.api.tenancy import Expression, LabelSelector, Operator

Labels = Mapping[str, str]


def chooses(selector: LabelSelector, labels: Labels) -> bool:
    """Whether all that the selector says holds for these labels. An empty selector chooses everything."""
    wished = selector.match_labels or {}
    return all(labels.get(key) == value for key, value in wished.items()) and all(
        _holds(expression, labels) for expression in selector.match_expressions
    )


def _holds(expression: Expression, labels: Labels) -> bool:
    """NotIn holds for what has no such label too, as DoesNotExist does."""
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
