"""Reads YAML as Kubernetes' own reader does, and says what is wrong with it without repeating what stands there.

That reader turns YAML into JSON: what JSON has no word for cannot be applied. What is read may be a Secret, so of a
mistake only its line is told, and the names of keys.
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
from flashsystem_operator.controller.kube.errors import Secret


class NotYaml(ValueError):
    """Says in which line, why, and the way out; to be put behind the name of a file."""


def documents(text: str) -> list[Any]:
    """All documents of a file, an empty one as None. Raises NotYaml."""
    try:
        found: list[Any] = json.loads(json.dumps([*yaml.load_all(text, _Loader)], allow_nan=False))
    except yaml.YAMLError as error:
        raise NotYaml(_told(error)) from None
    except (TypeError, ValueError):
        raise NotYaml(
            "holds what JSON cannot: a list or mapping inside itself, .nan, .inf, or digits that are no number. Write "
            "something else, or put it in quotes"
        ) from None
    except RecursionError:
        raise NotYaml("holds lists or mappings too deep inside one another: no manifest needs as many") from None
    return found


def _told(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be read"
    line = f" in line {mark.line + 1}" if mark else ""
    instead = next((said for words, said in _INSTEAD.items() if words in problem), problem)
    return f"is not YAML{line}: {instead}"


_INSTEAD = {
    "undefined alias": "* begins an alias, and there is none of that name: put text that begins with * in quotes",
    "tag": "! begins a tag that has no meaning here: put text that begins with ! in quotes",
    "unhashable key": "a key is a list or a mapping, as where {{ }} of a template stands: render the template first",
}
"""What to say where the library repeats what it read, or speaks in words of its own."""


class _Loader(yaml.SafeLoader):
    """As the API server's own reader has it: a key that is there twice is a mistake, and a date is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} is there twice: take one of the two out",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_NOT_JSON = frozenset(f"tag:yaml.org,2002:{word}" for word in ("binary", "omap", "pairs", "set", "timestamp"))
_Loader.yaml_constructors = {
    tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag not in _NOT_JSON
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_JSON]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


def as_kubernetes(reader: Any) -> None:
    """Let a reader of PyYAML's, or a writer, take for no text what Kubernetes' reader takes for none."""
    reader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))
    number = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"
    reader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(number), list("-+.0123456789"))


as_kubernetes(_Loader)


STDIN = "-"
_ENDINGS = (".yaml", ".yml", ".json")
_KINDS: Mapping[str, type[Resource]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.ATTACHMENT: VolumeAttachment,
}


class BadManifests(Exception):
    """What the files hold cannot be applied. mistakes: a line for each, with file, document, field and way out."""

    def __init__(self, field_errors: Iterable[str]) -> None:
        self.field_errors = tuple(field_errors)
        super().__init__("; ".join(self.field_errors))


@dataclass(frozen=True, slots=True)
class Manifests:
    """secrets: by namespace and name. namespaces: the labels of each. others: documents of other kinds, passed over."""

    arrays: Mapping[ObjectRef, FlashSystemArray]
    hosts: Mapping[ObjectRef, FlashSystemHost]
    attachments: Mapping[ObjectRef, VolumeAttachment]
    secrets: Mapping[tuple[str, str], Secret] = field(repr=False)
    namespaces: Mapping[str, Mapping[str, str]]
    others: int = 0


@dataclass(frozen=True, slots=True)
class _Document:
    where: str
    body: Any


def load(paths: Iterable[str], namespace: str, *, recursive: bool = False) -> Manifests:
    """Everything in these files and folders (`-` is standard input), or BadManifests with every mistake.

    namespace: of objects that name none.
    """
    resources: dict[ObjectRef, Resource] = {}
    secrets: dict[tuple[str, str], Secret] = {}
    namespaces: dict[str, Mapping[str, str]] = {}
    wrong: list[str] = []
    others = 0
    for document in _documents(paths, wrong, recursive=recursive):
        body = document.body
        if not isinstance(body, Mapping) or not isinstance(body.get("kind"), str):
            wrong.append(f"{document.where}: is no Kubernetes object: it has no kind. Write one, or take it out")
        elif body["kind"] == "Secret":
            _add_secret(secrets, document, namespace, wrong)
        elif body["kind"] == "Namespace" and body.get("apiVersion") == "v1":
            _add_namespace(namespaces, document, wrong)
        elif not str(body.get("apiVersion")).startswith(f"{GROUP}/"):
            others += 1
        elif body["kind"] not in _KINDS:
            wrong.append(f"{document.where}: {GROUP} has no kind {body['kind']!r}: write one of {', '.join(_KINDS)}")
        else:
            _add_resource(resources, document, namespace, wrong)
    if wrong:
        raise BadManifests(wrong)
    return Manifests(
        {ref: each for ref, each in resources.items() if isinstance(each, FlashSystemArray)},
        {ref: each for ref, each in resources.items() if isinstance(each, FlashSystemHost)},
        {ref: each for ref, each in resources.items() if isinstance(each, VolumeAttachment)},
        secrets,
        namespaces,
        others,
    )


def _add_resource(found: dict[ObjectRef, Resource], document: _Document, namespace: str, wrong: list[str]) -> None:
    body, kind = document.body, _KINDS[document.body["kind"]]
    if bad := field_errors(kind, body):
        wrong += [f"{document.where}, {mistake.field}: {mistake.reason}" for mistake in bad]
        return
    written = body["metadata"]
    metadata = {
        "name": written["name"],
        "namespace": written.get("namespace") or namespace,
        "annotations": written.get("annotations") or {},
        "uid": f"{len(found):08}",  # of two the one that was read first is the elder
        "generation": 1,
    }
    resource = kind.read({"metadata": metadata, "spec": body["spec"]})
    if resource.ref in found:
        wrong.append(f"{document.where}: {resource.ref} was there before: take one of the two out")
    found[resource.ref] = resource


def _add_secret(found: dict[tuple[str, str], Secret], document: _Document, namespace: str, wrong: list[str]) -> None:
    metadata = document.body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    data, texts = document.body.get("data") or {}, document.body.get("stringData") or {}
    words = [*data.values(), *texts.values()] if isinstance(data, Mapping) and isinstance(texts, Mapping) else [None]
    if not name or not all(isinstance(word, str) for word in words):
        # Nothing of it is repeated here: it is a Secret.
        wrong.append(f"{document.where}: this Secret needs metadata.name, and text in data or stringData")
        return
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    found[str(metadata.get("namespace") or namespace), str(name)] = Secret("", {**data, **encoded})


def _add_namespace(found: dict[str, Mapping[str, str]], document: _Document, wrong: list[str]) -> None:
    """Its labels, with the one that the API server puts on each."""
    metadata = document.body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    labels = metadata.get("labels") or {} if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not isinstance(labels, Mapping):
        wrong.append(f"{document.where}: this Namespace needs metadata.name, and labels that are a mapping")
        return
    found[name] = {**labels, "kubernetes.io/metadata.name": name}


def _documents(paths: Iterable[str], wrong: list[str], *, recursive: bool) -> Iterator[_Document]:
    for path in paths:
        try:
            files = _files(Path(path), recursive=recursive) if path != STDIN else [Path(STDIN)]
        except OSError as error:
            wrong.append(f"{path}: cannot be read ({error.strerror}): give a file or folder that can")
            continue
        if not files:
            deeper = "" if recursive else ", or -R for the folders below it"
            wrong.append(f"{path}: holds no file that ends in {', '.join(_ENDINGS)}: give another one{deeper}")
        for file in files:
            yield from _of_file(file, wrong)


def _files(path: Path, *, recursive: bool) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = path.rglob("*") if recursive else path.iterdir()
    return sorted(each for each in found if each.suffix in _ENDINGS and each.is_file())


def _of_file(file: Path, wrong: list[str]) -> Iterator[_Document]:
    name = "standard input" if str(file) == STDIN else str(file)
    try:
        text = sys.stdin.read() if str(file) == STDIN else file.read_text(encoding="utf-8")
        read = documents(text)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        wrong.append(f"{name}: cannot be read ({why}): give a file that can")
        return
    except NotYaml as error:
        wrong.append(f"{name}: {error}")
        return
    for number, body in enumerate(read, 1):
        if body is None:  # nothing but a comment between two lines of ---
            continue
        where = f"{name}, document {number}"
        listed = body.get("items") if isinstance(body, Mapping) and str(body.get("kind")).endswith("List") else None
        if isinstance(listed, list):
            yield from (_Document(f"{where}, items[{at}]", item) for at, item in enumerate(listed))
        else:
            yield _Document(where, body)
