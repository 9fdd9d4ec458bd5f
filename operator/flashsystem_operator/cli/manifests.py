"""Read YAML and JSON manifests as Kubernetes does, and collect all errors in them.

Kubernetes converts YAML to JSON: what JSON cannot express cannot be applied. The files may contain Secrets, so error
messages contain line numbers and names of keys, but no values.
"""

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.metadata import GROUP, Kind, ObjectRef, Resource
from flashsystem_operator.api.validation import field_errors
from flashsystem_operator.api.volume import FlashSystemVolume
from flashsystem_operator.controller.kube.errors import Secret


class NotYaml(ValueError):
    """Text that is not valid YAML. The message has the line, the cause and what to do; the file name goes before it."""


def documents(text: str) -> list[Any]:
    """Return all documents of a file, None for an empty one. Raises NotYaml."""
    try:
        found: list[Any] = json.loads(json.dumps([*yaml.load_all(text, _Loader)], allow_nan=False))
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be read"
        line = f" in line {mark.line + 1}" if mark else ""
        explanation = next((text for part, text in _EXPLANATIONS.items() if part in problem), problem)
        raise NotYaml(f"is not YAML{line}: {explanation}") from None
    except (TypeError, ValueError):
        raise NotYaml(
            "contains what JSON cannot express: a list or mapping inside itself, .nan, .inf, or digits that are no "
            "number. Write something else, or put it in quotes"
        ) from None
    except RecursionError:
        raise NotYaml("contains too deeply nested lists or mappings: reduce the nesting") from None
    return found


_EXPLANATIONS = {
    "undefined alias": "* begins an alias, and there is none of that name: put text that begins with * in quotes",
    "tag": "! begins a tag that has no meaning here: put text that begins with ! in quotes",
    "unhashable key": "a key is a list or a mapping, as with {{ }} of a template: render the template first",
}
"""Replacements for messages of the library that contain values from the file, or that users may not understand."""


class _Loader(yaml.SafeLoader):
    """Reads as the API server does: a duplicate key is an error, and a date is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} is there twice: remove one of the two",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_NOT_JSON = frozenset(f"tag:yaml.org,2002:{name}" for name in ("binary", "omap", "pairs", "set", "timestamp"))
_Loader.yaml_constructors = {
    tag: construct for tag, construct in yaml.SafeLoader.yaml_constructors.items() if tag not in _NOT_JSON
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_JSON]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


def as_kubernetes(reader: Any) -> None:
    """Make a loader or dumper of PyYAML resolve plain scalars to booleans and floats as Kubernetes does."""
    reader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))
    number = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"
    reader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(number), list("-+.0123456789"))


as_kubernetes(_Loader)


STDIN = "-"
_ENDINGS = (".yaml", ".yml", ".json")
_KINDS: Mapping[str, type[Resource]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.VOLUME: FlashSystemVolume,
    Kind.ATTACHMENT: VolumeAttachment,
}


class BadManifests(Exception):
    """The files contain errors. field_errors: one line each, with file, document, field and what to do."""

    def __init__(self, field_errors: Iterable[str]) -> None:
        self.field_errors = tuple(field_errors)
        super().__init__("; ".join(self.field_errors))


@dataclass(frozen=True, slots=True)
class Manifests:
    """The objects in the files.

    secrets: by namespace and name. namespaces: labels by name. others: number of ignored documents of other kinds.
    """

    arrays: Mapping[ObjectRef, FlashSystemArray]
    hosts: Mapping[ObjectRef, FlashSystemHost]
    volumes: Mapping[ObjectRef, FlashSystemVolume]
    attachments: Mapping[ObjectRef, VolumeAttachment]
    secrets: Mapping[tuple[str, str], Secret] = field(repr=False)
    namespaces: Mapping[str, Mapping[str, str]]
    others: int = 0


@dataclass(frozen=True, slots=True)
class _Document:
    where: str
    body: Any


def load(paths: Iterable[str], namespace: str, *, recursive: bool = False) -> Manifests:
    """Read all objects in these files and folders (`-` is standard input). Raises BadManifests with all errors.

    namespace: of objects that specify none.
    """
    resources: dict[ObjectRef, Resource] = {}
    secrets: dict[tuple[str, str], Secret] = {}
    namespaces: dict[str, Mapping[str, str]] = {}
    errors: list[str] = []
    others = 0
    for document in _documents(paths, errors, recursive=recursive):
        body = document.body
        if not isinstance(body, Mapping) or not isinstance(body.get("kind"), str):
            errors.append(f"{document.where}: is not a Kubernetes object: it has no kind. Add a kind, or remove it")
        elif body["kind"] == "Secret":
            _add_secret(secrets, document, namespace, errors)
        elif body["kind"] == "Namespace" and body.get("apiVersion") == "v1":
            _add_namespace(namespaces, document, errors)
        elif not str(body.get("apiVersion")).startswith(f"{GROUP}/"):
            others += 1
        elif body["kind"] not in _KINDS:
            errors.append(f"{document.where}: {GROUP} has no kind {body['kind']!r}: write one of {', '.join(_KINDS)}")
        else:
            _add_resource(resources, document, namespace, errors)
    if errors:
        raise BadManifests(errors)
    return Manifests(
        {ref: each for ref, each in resources.items() if isinstance(each, FlashSystemArray)},
        {ref: each for ref, each in resources.items() if isinstance(each, FlashSystemHost)},
        {ref: each for ref, each in resources.items() if isinstance(each, FlashSystemVolume)},
        {ref: each for ref, each in resources.items() if isinstance(each, VolumeAttachment)},
        secrets,
        namespaces,
        others,
    )


def _add_resource(found: dict[ObjectRef, Resource], document: _Document, namespace: str, errors: list[str]) -> None:
    body, kind = document.body, _KINDS[document.body["kind"]]
    if invalid := field_errors(kind, body):
        errors += [f"{document.where}, {error.field}: {error.reason}" for error in invalid]
        return
    given = body["metadata"]
    metadata = {
        "name": given["name"],
        "namespace": given.get("namespace") or namespace,
        "annotations": given.get("annotations") or {},
        "uid": f"{len(found):08}",  # of two resources, the one that was read first counts as older
        "generation": 1,
    }
    resource = kind.read({"metadata": metadata, "spec": body["spec"]})
    if resource.ref in found:
        errors.append(f"{document.where}: {resource.ref} was there before: remove one of the two")
    found[resource.ref] = resource


def _add_secret(found: dict[tuple[str, str], Secret], document: _Document, namespace: str, errors: list[str]) -> None:
    metadata = document.body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    data, texts = document.body.get("data") or {}, document.body.get("stringData") or {}
    fields = [*data.values(), *texts.values()] if isinstance(data, Mapping) and isinstance(texts, Mapping) else [None]
    if not name or not all(isinstance(value, str) for value in fields):
        # The message contains nothing of the Secret.
        errors.append(f"{document.where}: this Secret needs metadata.name, and text in data or stringData")
        return
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    found[str(metadata.get("namespace") or namespace), str(name)] = Secret("", {**data, **encoded})


def _add_namespace(found: dict[str, Mapping[str, str]], document: _Document, errors: list[str]) -> None:
    """Add the labels of a namespace, including the label that the API server sets on each."""
    metadata = document.body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    labels = metadata.get("labels") or {} if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not isinstance(labels, Mapping):
        errors.append(f"{document.where}: this Namespace needs metadata.name, and labels that are a mapping")
        return
    found[name] = {**labels, "kubernetes.io/metadata.name": name}


def _documents(paths: Iterable[str], errors: list[str], *, recursive: bool) -> Iterator[_Document]:
    for path in paths:
        try:
            files = [Path(path)]
            if path != STDIN and files[0].is_dir():
                found = files[0].rglob("*") if recursive else files[0].iterdir()
                files = sorted(each for each in found if each.suffix in _ENDINGS and each.is_file())
        except OSError as error:
            errors.append(f"{path}: cannot be read ({error.strerror}): give a file or folder that can")
            continue
        if not files:
            deeper = "" if recursive else ", or -R for the folders below it"
            errors.append(f"{path}: contains no file that ends in {', '.join(_ENDINGS)}: give another path{deeper}")
        for file in files:
            yield from _read_file(file, errors)


def _read_file(file: Path, errors: list[str]) -> Iterator[_Document]:
    name = "standard input" if str(file) == STDIN else str(file)
    try:
        text = sys.stdin.read() if str(file) == STDIN else file.read_text(encoding="utf-8")
        bodies = documents(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        errors.append(f"{name}: cannot be read ({reason}): give a file that can")
        return
    except NotYaml as error:
        errors.append(f"{name}: {error}")
        return
    for number, body in enumerate(bodies, 1):
        if body is None:  # only comments between two lines of ---
            continue
        where = f"{name}, document {number}"
        listed = body.get("items") if isinstance(body, Mapping) and str(body.get("kind")).endswith("List") else None
        if isinstance(listed, list):
            yield from (_Document(f"{where}, items[{at}]", item) for at, item in enumerate(listed))
        else:
            yield _Document(where, body)
