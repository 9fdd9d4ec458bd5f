"""What the demo writes: with colours on a terminal, plain in a pipe. Every line is out at once."""

import os
import sys
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from textwrap import wrap
from typing import Any, TextIO

_INDENT = "     "
_WIDTH = 90
_GLUE = "\N{NO-BREAK SPACE}"


class Screen:
    """Writes to `out`. NO_COLOR is respected."""

    def __init__(self, out: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._out = out or sys.stdout
        self._coloured = self._out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    def show(self, sentence: str = "") -> None:
        self._line(sentence)

    def chapter(self, title: str) -> None:
        self._line()
        self._line(self._in("1;36", f"== {title} " + "=" * max(3, 96 - len(title))))

    def step(self, number: int, promise: str) -> None:
        self._line()
        self._line(self._in("1", f"{number:3}. {promise}"))

    def wrote(self, yaml: str) -> None:
        """What the user wrote before applying it."""
        self._block(yaml, "2")

    def typed(self, command: str) -> None:
        self._line(f"{_INDENT}{self._in('36', '$')} {command}")

    def answered(self, text: str) -> None:
        self._block(text)

    def array(self, commands: Iterable[Mapping[str, Any]]) -> None:
        """What the array received, in its own order: queries in short, changes in full."""
        for changing, some in groupby(commands, key=itemgetter("writes")):
            if changing:
                for command in some:
                    self._line(f"{_INDENT}{self._in('1;33', _change(command))}")
                continue
            for number, line in enumerate(_in_lines(map(_asked, some))):
                begin = " " * 19 if number else "the array was asked"
                self._line(f"{_INDENT}{self._in('2', f'{begin}  {line}')}")

    def held(self, what: str) -> None:
        self._line(f"{_INDENT}{self._in('1;32', 'ok')} {what}")

    def broke(self, sentence: str) -> None:
        self._line()
        self._line(self._in("1;31", sentence))

    def _block(self, text: str, colour: str = "") -> None:
        for line in text.rstrip().splitlines():
            self._line(f"{_INDENT}  {self._in(colour, line)}" if line else "")

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._coloured and colour else text

    def _line(self, text: str = "") -> None:
        self._out.write(f"{text.rstrip()}\n")
        self._out.flush()


def _change(command: Mapping[str, Any]) -> str:
    return f"the array received   {' '.join(filter(None, (command['prefix'], *command['named'])))}{_refusal(command)}"


def _asked(command: Mapping[str, Any]) -> str:
    """A query, without the options that all queries have."""
    return " ".join(command["words"]).replace(" -delim !", "") + _refusal(command)


def _refusal(command: Mapping[str, Any]) -> str:
    return f" ({command['code']})" if command["code"] else ""


def _in_lines(texts: Iterable[str]) -> list[str]:
    """A list, in lines of a good width; no text is broken across lines."""
    glued = ", ".join(text.replace(" ", _GLUE) for text in texts)
    lines = wrap(glued, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines]
