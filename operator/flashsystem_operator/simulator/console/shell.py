"""One exec line as the array's restricted bash reads it.

Quoting is bash's. Chains (`;`, `&&`, `||`), `echo` and `$?` mean what they mean in bash. Every other piece of shell
syntax that is not quoted, and every substitution inside double quotes, is *suspect*: whoever sent it let data become
code. It is named in the log of commands and never carried out.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

STATUS = None
"""A part of a word that becomes the last exit status: `$?`."""
CHAINS = (";", "&&", "||")
SUSPECT = {
    "`": "command substitution",
    "|": "pipe",
    "&": "background",
    "<": "redirection",
    ">": "redirection",
    "(": "parenthesis",
    ")": "parenthesis",
    "\n": "newline",
    "\r": "newline",
}
HARMLESS = {"*": "glob", "?": "glob", "[": "glob", "{": "brace expansion"}
"""Suspect as well, but what bash makes of them where no file matches is the text itself."""


@dataclass(slots=True)
class Piece:
    """A command of a chain: how it follows the one before, and its words, in parts."""

    chain: str = ""
    words: list[list[str | None]] = field(default_factory=list)

    def said(self, status: int) -> list[str]:
        """The words, with the last exit status where `$?` stood."""
        return ["".join(str(status) if part is STATUS else part for part in word) for word in self.words]


@dataclass(slots=True)
class Line:
    """An exec line that was read. fatal: why a bash would not, or must not, run it."""

    pieces: list[Piece]
    suspects: list[str]
    fatal: str = ""

    @property
    def needs_shell(self) -> bool:
        """Whether it asks for more than one plain command."""
        return len(self.pieces) > 1 or any(piece.chain or _uses_shell(piece) for piece in self.pieces)


def _uses_shell(piece: Piece) -> bool:
    return any(STATUS in word for word in piece.words) or (bool(piece.words) and piece.words[0] == ["echo"])


class Reader:
    """Reads one line, character by character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._pieces = [Piece()]
        self._word: list[str | None] | None = None
        self._suspects: list[str] = []
        self._fatal = ""

    def read(self) -> Line:
        while self._at < len(self._text) and not self._fatal:
            self._step()
        self._end_word()
        if len(self._pieces) > 1 and not self._pieces[-1].words:
            self._drop_last()
        return Line(self._pieces, self._suspects, self._fatal)

    def _drop_last(self) -> None:
        """A `;` may end a line; the other signs want a command after them."""
        if self._pieces.pop().chain != ";":
            self._fail("syntax error: unexpected end of file")

    def _step(self) -> None:
        text, at = self._text, self._at
        here = text[at]
        if here in " \t":
            self._at += 1
            self._end_word()
        elif here == "\\":
            self._add(text[at + 1 : at + 2], 2)
        elif here == "'":
            self._single()
        elif here == '"':
            self._double()
        elif here == "$":
            self._dollar()
        elif text[at : at + 2] in CHAINS:
            self._chain(text[at : at + 2])
        elif here == ";":
            self._chain(here)
        else:
            self._plain(here)

    def _plain(self, here: str) -> None:
        first = self._word is None
        if here in SUSPECT:
            self._suspect(SUSPECT[here], fatal=True)
        if here == "#" and first:
            self._suspect("comment", fatal=True)
        if here == "~" and first:
            self._suspect("tilde")
        if here in HARMLESS and not self._asks_for_filters(here):
            self._suspect(HARMLESS[here])
        self._add(here, 1)

    def _asks_for_filters(self, here: str) -> bool:
        """-filtervalue? is how the attributes are asked for, question mark and all."""
        return here == "?" and self._word is not None and "".join(part or "" for part in self._word) == "-filtervalue"

    def _single(self) -> None:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self._fail("unexpected EOF while looking for matching `''")
            return
        self._add(self._text[self._at + 1 : end], end + 1 - self._at)

    def _double(self) -> None:
        self._add("", 1)
        while self._at < len(self._text):
            here, after = self._text[self._at], self._text[self._at + 1 : self._at + 2]
            if here == '"':
                self._at += 1
                return
            if here == "\\" and after in {"$", "`", '"', "\\"}:
                self._add(after, 2)
            elif here == "$":
                self._dollar()
            else:
                if here == "`":
                    self._suspect(SUSPECT[here], fatal=True)
                self._add(here, 1)
        self._fail("unexpected EOF while looking for matching `\"'")

    def _dollar(self) -> None:
        after = self._text[self._at + 1 : self._at + 2]
        if after == "?":
            self._add(STATUS, 2)
            return
        if after == "(":
            self._suspect("command substitution", fatal=True)
        elif after.isalnum() or (after and after in "_{@*#$!-'\""):
            self._suspect("expansion", fatal=True)
        self._add("$", 1)

    def _chain(self, sign: str) -> None:
        self._end_word()
        if not self._pieces[-1].words:
            self._fail(f"syntax error near unexpected token `{sign}'")
        self._pieces.append(Piece(sign))
        self._at += len(sign)

    def _add(self, part: str | None, length: int) -> None:
        if self._word is None:
            self._word = []
        self._word.append(part)
        self._at += length

    def _end_word(self) -> None:
        if self._word is not None:
            joined = ["".join(part or "" for part in self._word)] if STATUS not in self._word else self._word
            self._pieces[-1].words.append(list(joined))
            self._word = None

    def _suspect(self, what: str, *, fatal: bool = False) -> None:
        self._suspects.append(what)
        if fatal:
            self._fail(f"{what}: restricted")

    def _fail(self, why: str) -> None:
        self._fatal = self._fatal or why


@dataclass(slots=True)
class Answer:
    """What comes back: text on both streams and an exit status."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0


async def run(line: Line, command: Callable[[list[str]], Awaitable[Answer]]) -> Answer:
    """Run the commands of a chain one after another, as bash would."""
    whole = Answer()
    for piece in line.pieces:
        if (piece.chain == "&&" and whole.status) or (piece.chain == "||" and not whole.status):
            continue
        words = piece.said(whole.status)
        one = Answer(_echo(words[1:])) if words[:1] == ["echo"] else await command(words)
        whole = Answer(whole.stdout + one.stdout, whole.stderr + one.stderr, one.status)
    return whole


def _echo(words: list[str]) -> str:
    return " ".join(words[1:]) if words[:1] == ["-n"] else " ".join(words) + "\n"
