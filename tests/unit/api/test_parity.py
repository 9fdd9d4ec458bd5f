"""The CRDs and the models match in both directions: every field of one is in the other, with the same constraints."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsystem_operator import values
from flashsystem_operator.api import base
from flashsystem_operator.api.base import Model, ip, parse_quantity, seconds
from flashsystem_operator.api.metadata import CATEGORY, GROUP, VERSION, Kind, Resource
from support.schemas import RESOURCES, crd, crd_schema, defaulted, from_crd, from_model, nodes, part_of, type_of

every_kind = pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)

LEAST: dict[Kind, dict[str, Any]] = {
    Kind.ARRAY: {
        "management": {"addresses": ["array.example.com"]},
        "credentialsSecretRef": {"name": "login"},
        "hostKeys": ["ssh-ed25519 AAAA"],
    },
    Kind.HOST: {"arrayRef": {"name": "fs"}, "initiators": {"iscsi": ["iqn.1994-05.com.redhat:node-1"]}},
    Kind.VOLUME: {"arrayRef": {"name": "fs"}, "size": "10Gi"},
    Kind.ATTACHMENT: {"hostRef": {"name": "node-1"}, "volume": {"name": "data"}},
}


@every_kind
@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_is_in_the_crd_and_in_the_model_alike(kind: Kind, part: str) -> None:
    in_crd = from_crd(crd_schema(kind)["properties"][part])

    assert in_crd == from_model(part_of(RESOURCES[kind], part))


@every_kind
def test_a_spec_with_the_defaults_of_the_crd_reads_like_one_without(kind: Kind) -> None:
    spec = part_of(RESOURCES[kind], "spec")
    stored = defaulted(crd_schema(kind)["properties"]["spec"], LEAST[kind])

    assert spec.model_validate(stored) == spec.model_validate(LEAST[kind])


@every_kind
@pytest.mark.parametrize("part", ["spec", "status"])
def test_what_has_a_default_in_the_model_has_one_in_the_crd(kind: Kind, part: str) -> None:
    for path, has_default, model_default in _defaults(crd_schema(kind)["properties"][part], RESOURCES[kind], part):
        assert has_default == (model_default not in (None, ())), path


@every_kind
def test_a_new_object_counts_as_never_observed(kind: Kind) -> None:
    schema = crd_schema(kind)["properties"]["status"]

    assert schema["default"] == {"observedGeneration": -1}
    assert part_of(RESOURCES[kind], "status").model_validate(schema["default"]) == RESOURCES[kind].model_fields[
        "status"
    ].get_default(call_default_factory=True, validated_data={})


@every_kind
def test_every_field_has_a_description_in_complete_sentences(kind: Kind) -> None:
    for path, node in nodes(crd_schema(kind)):
        assert re.fullmatch(r"[A-Z].*\.", node.get("description", ""), re.DOTALL), path


@every_kind
def test_every_list_and_text_has_a_limit_and_every_list_a_type(kind: Kind) -> None:
    for path, node in nodes(crd_schema(kind)):
        if type_of(node) == "array":
            assert "maxItems" in node, path
            assert "x-kubernetes-list-type" in node, path
        if type_of(node) == "string":
            assert "maxLength" in node or "enum" in node or node.get("format") == "date-time", path


@every_kind
def test_a_validation_rule_uses_the_pattern_of_its_field(kind: Kind) -> None:
    for path, node in nodes(crd_schema(kind)):
        for rule in node.get("x-kubernetes-validations", []):
            if "self.matches(" in rule["rule"]:
                in_cel = node["pattern"].replace("\\", "\\\\")
                assert f"self.matches('{in_cel}')" in rule["rule"], path


@every_kind
def test_a_kind_is_named_in_the_crd_as_in_the_code(kind: Kind) -> None:
    loaded = crd(kind)
    names = loaded["spec"]["names"]

    assert loaded["metadata"]["name"] == kind.crd
    assert (loaded["spec"]["group"], loaded["spec"]["versions"][0]["name"]) == (GROUP, VERSION)
    assert (names["kind"], names["plural"], names["shortNames"]) == (kind, kind.plural, [kind.short_name])
    assert names["categories"] == [CATEGORY]


@every_kind
def test_every_printed_column_shows_a_field_that_exists(kind: Kind) -> None:
    known = {path for path, _ in nodes(crd_schema(kind))} | {".metadata.creationTimestamp"}

    for column in crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]:
        assert re.sub(r"\[[^]]*\]", "[]", column["jsonPath"]) in known, column["name"]


ALPHABET = "aAfFgz019_.- :;$`'\"\n[]%é"


@pytest.mark.parametrize(
    ("pattern", "longest", "read"),
    [
        (base.NAME_PATTERN, values.MAX_NAME, values.volume_name),
        (base.UID_PATTERN, 32, values.volume_uid),
        (base.SYSTEM_ID_PATTERN, 16, values.system_id),
        (base.IQN_PATTERN, values.MAX_IQN, values.iqn),
        (base.DURATION_PATTERN, base.MAX_DURATION, seconds),
        (base.QUANTITY_PATTERN, base.MAX_QUANTITY, parse_quantity),
    ],
    ids=["names", "volume uids", "system ids", "initiators", "durations", "quantities"],
)
@given(data=st.data())
def test_a_pattern_accepts_exactly_what_the_code_accepts(pattern: str, longest: int, read: Any, data: Any) -> None:
    likely = st.from_regex(pattern, fullmatch=True).map(lambda text: text.rstrip("\n"))
    near = st.builds(lambda text, more: text + more, likely, st.text(ALPHABET, max_size=2))
    text = data.draw(likely | near | st.text(ALPHABET, max_size=70))

    accepted = len(text) <= longest and re.fullmatch(pattern, text) is not None

    assert accepted == _reads(read, text)


@given(st.ip_addresses().filter(lambda address: not getattr(address, "ipv4_mapped", None)).map(str))
def test_every_ip_address_passes_its_pattern(address: str) -> None:
    assert re.fullmatch(base.IP_PATTERN, address)
    assert re.fullmatch(base.ADDRESS_PATTERN, address)
    assert ip(address) == address


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _defaults(node: dict[str, Any], owner: type[Resource], part: str) -> list[tuple[str, bool, Any]]:
    """Path, whether the CRD has a default, and the model's default, of every optional field below a part."""
    found = []

    def walk(schema: dict[str, Any], model: type[Model], path: str) -> None:
        by_alias = {field.alias: field for field in model.model_fields.values()}
        for name, inner in schema["properties"].items():
            field = by_alias[name]
            if not field.is_required():
                found.append((f"{path}.{name}", "default" in inner, field.default))
            inner_model = _model_in(field.annotation)
            items = inner.get("items", inner)
            if inner_model is not None and "properties" in items:
                walk(items, inner_model, f"{path}.{name}")

    walk(node, part_of(owner, part), part)
    return found


def _model_in(annotation: Any) -> type[Model] | None:
    """The model that a field holds: itself, one or None, or a tuple of them."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next(filter(None, map(_model_in, getattr(annotation, "__args__", ()))), None)
