"""The patch that makes one status of another (RFC 7386)."""

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
    """What an API server makes of it: the pseudo code of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = patched(made.get(name), value)
    return made


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        pytest.param({"a": "b"}, {"a": "c"}, {"a": "c"}, id="a changed value is named"),
        pytest.param({"a": "b"}, {"a": "b", "b": "c"}, {"b": "c"}, id="what stays is not named"),
        pytest.param({"a": "b", "b": "c"}, {"b": "c"}, {"a": None}, id="what goes is named null"),
        pytest.param({"a": ["b"]}, {"a": ["c", "d"]}, {"a": ["c", "d"]}, id="a list is replaced whole"),
        pytest.param({"a": {"b": "c", "d": 1}}, {"a": {"d": 1}}, {"a": {"b": None}}, id="a part of a part goes"),
        pytest.param({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}, id="a part becomes a list"),
        pytest.param({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="a list becomes a part"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 1}}, {}, id="nothing new, nothing said"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}, id="a part is emptied"),
    ],
)
def test_a_patch_says_what_changed_and_no_more(
    before: dict[str, Any], after: dict[str, Any], patch: dict[str, Any]
) -> None:
    assert merge_patch(before, after) == patch
    assert patched(before, patch) == after


@given(OBJECTS, OBJECTS)
def test_the_api_server_makes_of_it_what_was_meant(before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = copy.deepcopy(before)

    assert patched(before, merge_patch(before, after)) == after
    assert before == kept
    assert merge_patch(after, after) == {}
