"""The blocks of a page: the commands that it shows to the user, and the output that it shows for them.

A test that runs a block of the README names it by its beginning, `block(README, "kubectl apply -k")`, and so claims it:
tests/unit/docs/test_blocks.py fails if a block is claimed by no test. In docs/tutorial.md all blocks are typed, and

- a block ```sh is typed as it is, all of them in one shell; one with a title is for another machine;
- a block ```text is the complete output of the block before it. `...` matches anything, or several lines if it is
  alone on its line; the number of spaces and of empty lines does not matter. Everything else must match exactly.
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
    """A block of a page.

    line: where it begins, counted from 1. language: of its fence; empty if the block is only indented.
    """

    page: str
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """All blocks of a page of this checkout, in order."""
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    return sorted(_found(page, text), key=lambda each: each.line)


def block(page: str, begins: str) -> Block:
    """The one block that begins with this text."""
    (found,) = [each for each in blocks(page) if each.text.startswith(begins)]
    return found


def printed_as(expected: str, output: str) -> bool:
    """Whether this output matches what a page shows, by the rules above."""
    return re.fullmatch("".join(map(_pattern, _lines(expected))), "".join(_lines(output))) is not None


def _lines(text: str) -> list[str]:
    """The lines that are not empty, with runs of spaces collapsed."""
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
