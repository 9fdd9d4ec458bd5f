"""Reads YAML as Kubernetes' own reader does, and says what is wrong with it without repeating what stands there.

That reader turns YAML into JSON: what JSON has no word for cannot be applied. What is read may be a Secret, so of a
mistake only its line is told, and the names of keys.
"""

import json
import re
from typing import Any

import yaml


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
