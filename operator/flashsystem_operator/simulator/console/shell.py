"""The array's restricted bash: reads an exec line and runs its commands.

Quoting is bash's. Chains (`;`, `&&`, `||`), `echo` and `$?` mean what they mean in bash. Every other piece of shell
syntax that is not quoted, and every substitution inside double quotes, is *suspect*: the client let data become code.
It is named in the log of commands and never executed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

STATUS = None
"""A part of a token that is replaced by the last exit status: `$?`."""
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
"""Also suspect, but bash leaves the text unchanged where no file matches."""


@dataclass(slots=True)
class Piece:
    """A command of a chain.

    chain: the operator that connects it to the command before. tokens: the verb and its arguments, each in parts.
    """

    chain: str = ""
    tokens: list[list[str | None]] = field(default_factory=list)

    def said(self, status: int) -> list[str]:
        """Return the tokens, with the last exit status in place of `$?`."""
        return ["".join(str(status) if part is STATUS else part for part in token) for token in self.tokens]


@dataclass(slots=True)
class Line:
    """A parsed exec line. fatal: why bash would not, or must not, run it."""

    pieces: list[Piece]
    suspects: list[str]
    fatal: str = ""

    @property
    def needs_shell(self) -> bool:
        """Whether it contains more than one plain command."""
        return len(self.pieces) > 1 or any(
            piece.chain or piece.tokens[:1] == [["echo"]] or any(STATUS in token for token in piece.tokens)
            for piece in self.pieces
        )


class Reader:
    """Parse one line, character by character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._pieces = [Piece()]
        self._token: list[str | None] | None = None
        self._suspects: list[str] = []
        self._fatal = ""

    def read(self) -> Line:
        text = self._text
        while self._at < len(text) and not self._fatal:
            at = self._at
            here = text[at]
            if here in " \t":
                self._at += 1
                self._end_token()
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
        self._end_token()
        # A `;` may end a line; the other operators need a command after them.
        if len(self._pieces) > 1 and not self._pieces[-1].tokens and self._pieces.pop().chain != ";":
            self._fail("syntax error: unexpected end of file")
        return Line(self._pieces, self._suspects, self._fatal)

    def _plain(self, here: str) -> None:
        first = self._token is None
        if here in SUSPECT:
            self._suspect(SUSPECT[here], fatal=True)
        if here == "#" and first:
            self._suspect("comment", fatal=True)
        if here == "~" and first:
            self._suspect("tilde")
        # `-filtervalue?` lists the attributes; the question mark belongs to it.
        asks_for_filters = here == "?" and "".join(part or "" for part in self._token or ()) == "-filtervalue"
        if here in HARMLESS and not asks_for_filters:
            self._suspect(HARMLESS[here])
        self._add(here, 1)

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
        self._end_token()
        if not self._pieces[-1].tokens:
            self._fail(f"syntax error near unexpected token `{sign}'")
        self._pieces.append(Piece(sign))
        self._at += len(sign)

    def _add(self, part: str | None, length: int) -> None:
        if self._token is None:
            self._token = []
        self._token.append(part)
        self._at += length

    def _end_token(self) -> None:
        if self._token is not None:
            joined = ["".join(part or "" for part in self._token)] if STATUS not in self._token else self._token
            self._pieces[-1].tokens.append(list(joined))
            self._token = None

    def _suspect(self, what: str, *, fatal: bool = False) -> None:
        self._suspects.append(what)
        if fatal:
            self._fail(f"{what}: restricted")

    def _fail(self, why: str) -> None:
        self._fatal = self._fatal or why


@dataclass(slots=True)
class Answer:
    """The output of a command: text on both streams and an exit status."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0


async def run(line: Line, command: Callable[[list[str]], Awaitable[Answer]]) -> Answer:
    """Run the commands of a chain in order, as bash does."""
    whole = Answer()
    for piece in line.pieces:
        if (piece.chain == "&&" and whole.status) or (piece.chain == "||" and not whole.status):
            continue
        tokens = piece.said(whole.status)
        if tokens[:2] == ["echo", "-n"]:
            one = Answer(" ".join(tokens[2:]))
        elif tokens[:1] == ["echo"]:
            one = Answer(" ".join(tokens[1:]) + "\n")
        else:
            one = await command(tokens)
        whole = Answer(whole.stdout + one.stdout, whole.stderr + one.stderr, one.status)
    return whole
