"""Find which of a few terms a text has, without cutting all of the text into terms.

An answer compares dozens of sentences with the words of one question: looking for these takes a third of the time of
cutting every sentence.
"""

import re
from collections.abc import Set

from rag.text.cjk import CJK
from rag.text.likeness import abbreviations, is_telling, name_terms, stem
from rag.text.short_texts import remember_short
from rag.text.tokens import WORD, normalize, word_terms

_CJK = re.compile(f"[{CJK}]+")
_LONGEST_ABBREVIATION = 5


class TermFinder:
    """Finds those of some terms that `tokenize` would return for a text, among others.

    `stemmed`: those that `stems` would return. It remembers what it found, so it is for the texts of one question.
    """

    def __init__(self, terms: Set[str], *, stemmed: bool = False) -> None:
        self._cjk = [term for term in terms if _CJK.fullmatch(term)]
        self._words = frozenset(terms).difference(self._cjk)
        self._terms_of = _word_stems if stemmed else word_terms
        self._may_be_short = stemmed and any(len(term) <= _LONGEST_ABBREVIATION for term in self._words)
        self._found: dict[str, frozenset[str]] = {}

    def find(self, text: str) -> frozenset[str]:
        """Return the terms that a text has."""
        if text not in self._found:
            self._found[text] = self._search(text)
        return self._found[text]

    def find_names(self, text: str) -> frozenset[str]:
        """Return the stems that `name_terms` would return for a text, among others."""
        found = self.find(text)
        telling = frozenset(filter(is_telling, found))
        return telling if telling or not found else found & name_terms(text)

    def _search(self, text: str) -> frozenset[str]:
        plain = normalize(text)
        found = {term for term in self._cjk if term in plain}
        folded = plain.casefold() if self._words else ""
        if any(term in folded for term in self._words):
            for terms in map(self._terms_of, set(WORD.findall(plain))):
                found |= self._words.intersection(terms)
        if self._may_be_short:
            found |= self._words.intersection(map(stem, abbreviations(text)))
        return frozenset(found)


@remember_short(texts=1 << 14, characters=64)
def _word_stems(word: str) -> tuple[str, ...]:
    return tuple(map(stem, word_terms(word)))
