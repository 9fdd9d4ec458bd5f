"""Ways in which an answer can arrive spoilt."""

from typing import Literal

Garbling = Literal["truncated", "binary", "missing_field", "extra_field", "empty", "no_header"]
JUNK = "\udcff\udcc3(\x00\x1b[2J\udcfe"
"""Bytes that are no UTF-8, as surrogates that the server turns back into bytes."""


def garbled(text: str, how: Garbling) -> str:
    """A spoilt copy of an answer; each way is one that a reader may meet."""
    lines = text.splitlines(keepends=True)
    match how:
        case "truncated":
            return text[: len(text) * 2 // 3]
        case "binary":
            middle = len(text) // 2
            return text[:middle] + JUNK + text[middle:]
        case "missing_field":
            return "".join([*lines[:-1], _shorter(lines[-1])]) if lines else ""
        case "extra_field":
            return "".join([*lines[:-1], lines[-1].rstrip("\n") + "!!!\n"]) if lines else ""
        case "no_header":
            return "".join(lines[1:])
        case "empty":
            return ""


def _shorter(line: str) -> str:
    """A line without its last separator and what follows."""
    body = line.rstrip("\n")
    separators = [sign for sign in "!:,; " if sign in body]
    return body.rpartition(separators[0])[0] + "\n" if separators else "\n"
