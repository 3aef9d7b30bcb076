"""Whether quotes tell what is asked: the names in the question, and the attribute of the thing that it asks for.

A rule besides the probability of rag/retrieval/sufficiency.py, which judges passages: a passage may be about the right
thing and say nothing of its price.
"""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Literal

from rag.answering.quotes import Quote
from rag.retrieval.evidence import Evidence
from rag.text import segmentation
from rag.text.attributes import asked_attributes
from rag.text.cjk import has_han
from rag.text.facts import find_latin_names
from rag.text.language import detect_language, is_cross_lingual
from rag.text.likeness import name_terms, stem
from rag.text.question_form import read_form
from rag.text.question_words import GENERIC
from rag.text.tokens import LATIN_WORD, normalize, strip_question_words, tokenize

Verdict = Literal["told", "missing", "unknown"]

_TOLD = 0.75
"""Quotes that hold this share of the question's words, weighted by idf, tell what it asks."""
_YES_OR_NO = re.compile(
    r"(?:吗\s*[？?]?\s*\Z|是否|能否|可否|能不能|可不可以|有没有|是不是|会不会)|\A\s*(?:does|do|did|is|are|was|were|can|could|will|has|have)\b",
    re.IGNORECASE,
)
_MIN_CONFIRMED = 0.5
"""A question for yes or no names what it asks about: quotes that hold less of its words do not confirm or deny it."""
_EVERYWHERE = 1.5
"""The idf of what every fifth passage names."""
_TYPING_ERROR = 0.8
_ABBREVIATION = 3
_NAME_TAGS = frozenset({"nr", "ns", "nt"})
"""Persons, places and organisations; the dictionary takes too much for the names of other things."""


def judge_quotes(quotes: Sequence[Quote], evidence: Evidence, *, is_exact: bool = False) -> Verdict:
    """Return whether the quotes tell what the question asks, by the words of both.

    `is_exact`: the quotes were found by the form of the question, such as both sides of a comparison.
    `missing`: a name of the question or the attribute that it asks for is not in them, or what it wants confirmed.
    Quotes that hold all else of the question tell the attribute, too, in words that no table foresees.
    """
    text = "\n".join(_text(quote) for quote in quotes)
    question = evidence.question
    form = read_form(question)
    is_across = is_cross_lingual(question, text)
    # The step after something need not name it.
    names = [] if form.place and form.place.anchor else [name for name in _names(question) if name not in form.excluded]
    if is_across:  # what is written in Chinese cannot stand in an English text
        names = [name for name in names if not has_han(name)]
    # A document about one thing may name it in its file name alone.
    sources = "\n".join(quote.passage.chunk.source for quote in quotes)
    has_names = all(_holds(f"{sources}\n{text}", name) or _is_everywhere(name, evidence) for name in names)
    attributes = asked_attributes(question)
    covered = 0.0 if is_across else _covered(text, evidence)
    is_missing = (
        # An English question may have the Latin form of a name that a Chinese text translates.
        (not has_names and not (is_across and detect_language(question) == "en"))
        or (covered < _TOLD and not all(attribute.tells.search(text) for attribute in attributes))
        or (not is_exact and not is_across and covered < _MIN_CONFIRMED and bool(_YES_OR_NO.search(question)))
    )
    if is_missing:
        return "missing"
    is_told = (attributes and names and has_names) or is_exact or covered >= _TOLD
    return "told" if is_told or (form.column and _holds_abbreviations(question, quotes)) else "unknown"


def _is_everywhere(name: str, evidence: Evidence) -> bool:
    """Return whether all documents are about a name, so that a passage need not repeat it."""
    weights = [evidence.idf[term] for term in tokenize(name) if term in evidence.idf]
    return bool(weights) and max(weights) <= _EVERYWHERE


def _text(quote: Quote) -> str:
    chunk = quote.passage.chunk
    lead = [quote.block.lead.text] if quote.block.lead else []
    labels = [row.label for row in quote.rows]
    headers = [cell.header for row in quote.rows for cell in row.cells]
    return "\n".join([chunk.context, *lead, *labels, *headers, *(span.text for span in quote.spans)])


def _names(question: str) -> list[str]:
    """Return the names that a question holds; a short abbreviation such as AI or IDE is none."""
    if detect_language(question) == "en":
        return [name for name in find_latin_names(question) if len(name) > _ABBREVIATION or not name.isalpha()]
    latin = LATIN_WORD.findall(normalize(question))
    names = [word for word in latin if word != word.lower() and (len(word) > _ABBREVIATION or not word.isupper())]
    tagged = segmentation.tag(LATIN_WORD.sub(" ", question))
    return [*names, *(word for word, tag in tagged if tag in _NAME_TAGS and len(word) > 1 and word not in GENERIC)]


def _holds_abbreviations(question: str, quotes: Sequence[Quote]) -> bool:
    """Return whether "which company makes E5" is answered by a row or sentence that itself has `E5`."""
    words = [word for word in LATIN_WORD.findall(question) if word != word.lower() and word[1:] != word[1:].lower()]
    words += [word for word in LATIN_WORD.findall(question) if any(map(str.isdigit, word))]
    text = " ".join(span.text for quote in quotes for span in quote.spans)
    return bool(words) and all(_holds(text, word) for word in words)


def _holds(text: str, name: str) -> bool:
    """Return whether a text holds a name, in any case, however its parts are joined, or with a typing error."""
    plain, wanted = normalize(text).casefold(), normalize(name).casefold()
    joined = "".join(char for char in plain if char.isalnum())
    bare = "".join(char for char in wanted if char.isalnum())
    if bare in joined or (len(bare) > _ABBREVIATION and bare.removesuffix("s") in joined):
        return True
    return len(bare) > _ABBREVIATION and bool(
        get_close_matches(wanted, set(LATIN_WORD.findall(plain)), 1, _TYPING_ERROR)
    )


def _covered(text: str, evidence: Evidence) -> float:
    """Return the share (0..1) of the question's weight that is in the text, only of words that it may not lack."""
    asked = name_terms(strip_question_words(evidence.question))
    terms = {stem(term): weight for term, weight in evidence.idf.items() if stem(term) in asked}
    found = name_terms(text)
    held = (weight for term, weight in terms.items() if term in found or _is_misspelt(term, found))
    return sum(held) / sum(terms.values()) if terms else 0.0


def _is_misspelt(term: str, words: Collection[str]) -> bool:
    is_word = term.isascii() and term.isalpha() and len(term) > _ABBREVIATION + 1
    return is_word and bool(get_close_matches(term, words, 1, _TYPING_ERROR))
