"""How a reason is explained."""

from typing import NamedTuple


class Entry(NamedTuple):
    """on: what gives it, of array, host and attachment. means, remedy: parts of sentences, in Markdown.

    remedy is empty where all is well.
    """

    on: str
    means: str
    remedy: str = ""
