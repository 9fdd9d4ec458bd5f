"""Code, docs and CRDs are in plain technical English, and few helpers are used once: tools/style.py measures it."""

import pytest
from tools import style

EVERYTHING = style.count_terms()


def share(terms: frozenset[str]) -> float:
    """Occurrences in 10,000 terms."""
    return 10_000 * sum(EVERYTHING[each] for each in terms) / EVERYTHING.total()


def test_verbs_of_speech_are_rare() -> None:
    assert share(style.TALK) < 5


@pytest.mark.parametrize("term", sorted(style.PEOPLE | style.ARCHAIC))
def test_no_text_has_an_indefinite_person_or_a_metaphor(term: str) -> None:
    assert EVERYTHING[term] == 0, f"git grep -iw {term}"


def test_the_usual_verbs_of_the_field_are_used() -> None:
    assert share(style.NORMAL) >= 30


def test_few_private_functions_are_used_once() -> None:
    functions, once = style.functions_used_once()

    assert 100 * once / functions < 12
