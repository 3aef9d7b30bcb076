"""How well a text holds a name, and how alike a name and the cells of a row are.

Words count in any case and by their stems; of Chinese, the pairs of characters count.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from rag.text.short_texts import remember_short
from rag.text.tokens import tokenize

_PART = re.compile(r"\s*[,，、/；;：]\s*|:\s+")
_IN_BRACKETS = re.compile(r"[（(][^（()）]*[)）]")
_CAPITAL = re.compile(r"\b[A-Z]")
_WRITTEN_OUT = re.compile(r"\b[A-Z][a-z]+(?:[ -][A-Z][a-z]+){2,4}\b")
_ENDINGS = ("s", "ing", "ed", "e")
_MIN_STEM = {"s": 2}
"""Characters that remain without an ending, else three: IPs are IP, but `ring` is no `r`."""


def without_brackets(text: str) -> str:
    """Return a text without what stands in brackets."""
    return _IN_BRACKETS.sub("", text)


def abbreviations(text: str) -> frozenset[str]:
    """Return what the names of three to five words in a text are called for short, in lower case.

    >>> abbreviations("Fine-tune a Large Language Model")
    frozenset({'llm'})
    """
    return frozenset("".join(_CAPITAL.findall(name)).lower() for name in _WRITTEN_OUT.findall(text))


@remember_short(texts=256, characters=1000)
def stems(text: str) -> frozenset[str]:
    """Return the terms of a text without their endings, and its names for short.

    An answer compares the same sentences and passages several times.
    """
    return frozenset(map(stem, (*tokenize(text), *abbreviations(text))))


def name_terms(text: str) -> frozenset[str]:
    """Return the words and pairs of characters of a text, and its names for short.

    A single character only if it is all there is.
    """
    terms = stems(text)
    return frozenset(filter(is_telling, terms)) or terms


def is_telling(term: str) -> bool:
    """Return whether a term is a number or longer than a character, so that few texts have it by chance."""
    return len(term) > 1 or term.isdecimal()


def share_of(name: str, text: str) -> float:
    """Return the share (0..1) of a name's terms that a text holds."""
    terms = name_terms(name)
    return len(terms & name_terms(text)) / len(terms) if terms else 0.0


def likeness(name: str, cells: Iterable[str]) -> float:
    """Return how alike (0..1) a name is to the one of the cells, or parts of cells, that is most alike.

    >>> likeness("Ollama", ["ollama-webui"]), likeness("LLM", ["Large Language Model"])
    (0.5, 1.0)
    """
    asked = name_terms(name)
    return max((_dice(asked, form) for cell in cells for form in _forms(cell)), default=0.0)


def _forms(cell: str) -> Iterable[frozenset[str]]:
    bare = without_brackets(cell)
    for text in dict.fromkeys((cell, bare, *_PART.split(bare))):
        yield name_terms(text)
    initials = "".join(_CAPITAL.findall(bare))
    if len(initials) > 2:
        yield name_terms(initials)


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


@lru_cache(maxsize=1 << 14)
def stem(term: str) -> str:
    """Return a term without the ending of an English word: that of a plural, of `-ed` or `-ing`, or a last `e`.

    >>> {stem(word) for word in ("bundle", "bundles", "bundled", "bundling")}
    {'bundl'}
    """
    if not (term.isascii() and term.isalpha()):
        return term
    for ending in _ENDINGS:
        rest = term.removesuffix(ending)
        if rest != term and len(rest) >= _MIN_STEM.get(ending, 3) and not (ending == "s" and rest.endswith("s")):
            term = rest
    return term
