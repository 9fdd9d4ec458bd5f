"""Reads manifests from files: our kinds strictly, Secrets for their credentials, and counts the rest.

Without a cluster nobody knows how old an object is, so those of the files count as made one after another, and a
status in a file says nothing.
"""

import base64
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flashsystem_operator.api.array import FlashSystemArray
from flashsystem_operator.api.attachment import VolumeAttachment
from flashsystem_operator.api.host import FlashSystemHost
from flashsystem_operator.api.kinds import GROUP, Kind, ObjectRef
from flashsystem_operator.api.meta import Resource
from flashsystem_operator.api.strict import mistakes
from flashsystem_operator.cli import reading
from flashsystem_operator.controller.answers import Secret

STDIN = "-"
_ENDINGS = (".yaml", ".yml", ".json")
_KINDS: Mapping[str, type[Resource]] = {
    Kind.ARRAY: FlashSystemArray,
    Kind.HOST: FlashSystemHost,
    Kind.ATTACHMENT: VolumeAttachment,
}


class BadManifests(Exception):
    """What the files hold cannot be applied. mistakes: a line for each, with file, document, field and way out."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(self.mistakes))


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
    if bad := mistakes(kind, body):
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
        read = reading.documents(text)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        wrong.append(f"{name}: cannot be read ({why}): give a file that can")
        return
    except reading.NotYaml as error:
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
