"""The names of host objects of the operator, and what a name proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator.values import HostName, host_name, host_object_name, made_by

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)
HERE, THERE = "a-cluster", "another-cluster"


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_every_resource_gets_a_name_that_the_array_accepts_and_that_proves_its_installation(
    installation: str, namespace: str, name: str, base: str
) -> None:
    generated = host_object_name(installation, namespace, name, base)

    assert host_name(generated) == generated
    assert " " not in generated
    assert made_by(installation, generated)
    assert host_object_name(installation, namespace, name, base) == generated


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,63}", fullmatch=True))
def test_a_base_is_readable_in_the_name(base: str) -> None:
    generated = host_object_name(HERE, "ns", "name", base)

    assert base[:47] in generated


@pytest.mark.parametrize(
    ("base", "begins"),
    [
        pytest.param("10-node", "h10-node-", id="a first digit"),
        pytest.param("-node", "h-node-", id="a first dash"),
        pytest.param("_node", "_node-", id="a first underscore is accepted"),
        pytest.param("n" * 63, "n" * 48 + "-", id="a long base is truncated"),
        pytest.param("Worker.Example.COM", "Worker.Example.COM-", id="capitals and dots stay"),
    ],
)
def test_a_base_is_made_valid(base: str, begins: str) -> None:
    assert host_object_name(HERE, "ns", "name", base).startswith(begins)


def test_names_with_a_common_prefix_stay_distinct() -> None:
    names = {host_object_name(HERE, "ns", name, "n" * 63) for name in ("a", "b", "ab")}
    names |= {host_object_name(HERE, namespace, "a", "n" * 63) for namespace in ("one", "two")}

    assert len(names) == 5


@pytest.mark.parametrize(
    "name",
    [
        host_object_name(THERE, "ns", "name", "node"),
        host_object_name(HERE, "ns", "name", "node") + "0",
        host_object_name(HERE, "ns", "name", "node").upper(),
        host_object_name(HERE, "ns", "name", "node")[:-1],
        "node",
        "node-0123456789abcd",
        "",
    ],
)
def test_a_name_that_the_operator_did_not_generate_proves_nothing(name: str) -> None:
    assert not made_by(HERE, HostName(name))
