"""The merge patch that turns one status into another (RFC 7386)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.controller.kube.client import merge_patch

LEAVES = st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3))
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), LEAVES, max_size=4),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), st.one_of(LEAVES, inner), max_size=4),
    max_leaves=12,
)


def patched(target: Any, patch: Any) -> Any:
    """Apply a patch as an API server does: the pseudo code of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        pytest.param({"a": "b"}, {"a": "c"}, {"a": "c"}, id="a changed value is in the patch"),
        pytest.param({"a": "b"}, {"a": "b", "b": "c"}, {"b": "c"}, id="an unchanged value is not in the patch"),
        pytest.param({"a": "b", "b": "c"}, {"b": "c"}, {"a": None}, id="a removed value is null in the patch"),
        pytest.param({"a": ["b"]}, {"a": ["c", "d"]}, {"a": ["c", "d"]}, id="a list is replaced as a whole"),
        pytest.param({"a": {"b": "c", "d": 1}}, {"a": {"d": 1}}, {"a": {"b": None}}, id="a nested value is removed"),
        pytest.param({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}, id="an object becomes a list"),
        pytest.param({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="a list becomes an object"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 1}}, {}, id="without a change the patch is empty"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}, id="an object is emptied"),
    ],
)
def test_a_patch_contains_what_changed_and_no_more(
    before: dict[str, Any], after: dict[str, Any], patch: dict[str, Any]
) -> None:
    assert merge_patch(before, after) == patch
    assert patched(before, patch) == after


@given(OBJECTS, OBJECTS)
def test_applying_the_patch_yields_the_intended_status(before: dict[str, Any], after: dict[str, Any]) -> None:
    original = copy.deepcopy(before)

    assert patched(before, merge_patch(before, after)) == after
    assert before == original
    assert merge_patch(after, after) == {}
