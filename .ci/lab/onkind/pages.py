"""The blocks of a page: what it tells people to type, and what it says is printed then.

A test that runs a block of the README names it by how it begins, `block(README, "kubectl apply -k")`, and so claims it:
tests/unit/docs/test_blocks.py fails when a block is claimed by nobody. In docs/tutorial.md all of them are typed, and

- a block ```sh is typed as it stands, all of them in one shell; one with a title is for another machine;
- a block ```text is all that the block before it printed. `...` stands for anything, also for several lines where it
  stands alone; how many spaces or empty lines there are does not count. Everything else is to the letter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.standing import CHECKOUT

README = "README.md"
TUTORIAL = "docs/tutorial.md"

_FENCE = r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]*)\")?\n(?P<text>.*?)^```$"
_FENCED = re.compile(_FENCE, re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?:(?: {4}.*)?\n)*(?: {4}.*\n)")


@dataclass(frozen=True, slots=True)
class Block:
    """line: where it begins, counted from 1. language: of its fence; empty when it is merely indented."""

    page: str
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """All blocks of a page of this checkout, in their order."""
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    return sorted(_found(page, text), key=lambda each: each.line)


def block(page: str, begins: str) -> Block:
    """The one that begins so."""
    (found,) = [each for each in blocks(page) if each.text.startswith(begins)]
    return found


def printed_as(expected: str, said: str) -> bool:
    """Whether that is what a page shows: see above."""
    return re.fullmatch("".join(map(_pattern, _lines(expected))), "".join(_lines(said))) is not None


def _lines(text: str) -> list[str]:
    """Those that are not empty, with one space for many."""
    return [f"{' '.join(line.split())}\n" for line in text.splitlines() if line.strip()]


def _pattern(line: str) -> str:
    return r"(?:.*\n)*?" if line == "...\n" else re.escape(line).replace(re.escape("..."), ".*")


def _found(page: str, text: str) -> Iterator[Block]:
    for each in _FENCED.finditer(text):
        yield Block(page, _line(text, each.start()), each["language"], each["title"] or "", each["text"])
    without = _FENCED.sub(lambda each: "\n" * each[0].count("\n"), text)
    for each in _INDENTED.finditer(without):
        dedented = re.sub(r"(?m)^ {4}", "", each[0].strip("\n"))
        first = each.start() + len(each[0]) - len(each[0].lstrip("\n"))
        yield Block(page, _line(without, first), "", "", f"{dedented}\n")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
