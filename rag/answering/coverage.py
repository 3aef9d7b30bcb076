"""Whether quotes tell what is asked: the names in the question, and the attribute of the thing that it asks for.

A rule besides the probability of rag/retrieval/sufficiency.py, which judges passages: a passage may be about the right
thing and say nothing of its price.
"""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Literal

from rag.answering.asked_names import (
    ABBREVIATION,
    asked_names,
    holds_name,
    holds_names,
    is_everywhere,
    is_guessed,
    of_same_sections,
)
from rag.answering.quotes import Quote
from rag.retrieval.evidence import Evidence
from rag.retrieval.sufficiency import LIKELY
from rag.retrieval.translated_words import translate_question
from rag.text.asked_noun import asked_noun, holds_noun
from rag.text.attributes import Attribute, asked_attributes, asked_words, tells_all
from rag.text.cjk import has_han
from rag.text.language import detect_language, is_cross_lingual
from rag.text.likeness import name_terms, stem
from rag.text.question_form import read_form
from rag.text.term_finder import TermFinder
from rag.text.tokens import LATIN_WORD, strip_question_words

Verdict = Literal["told", "missing", "unknown"]

_TOLD = 0.75
"""Quotes that hold this share of the question's words, weighted by idf, tell what it asks."""
_YES_OR_NO = re.compile(
    r"(?:吗\s*[？?]?\s*\Z|是否|能否|可否|能不能|可不可以|有没有|是不是|会不会)|\A\s*(?:does|do|did|is|are|was|were|can|could|will|has|have)\b",
    re.IGNORECASE,
)
_PREDICATES = (
    re.compile(r"(?:能不能|能否|能|可不可以|可以|可否|会不会|会|支持|是否|是不是|有没有)(?P<what>[^，,；;。？?]+)"),
    re.compile(r"(?<![没所只含])有(?P<what>[^，,；;。？?有]+?)[吗么]\W*\Z"),
)
_CONFIRMED = 0.5
_CONFIRMED_OF_REST = 0.3
_MIN_CONFIRMED = 0.15
"""A question for yes or no is confirmed or denied by quotes that hold at least the first share of its words; in English
also by those that hold the second share of it without its names; in Chinese, which has many words for one thing, the
third share of what it asks of its subject."""
_TYPING_ERROR = 0.8
_SOURCE = re.compile(r"\A\s*(?:(?:根据|依据|按照)[^，,？?]{2,40}|according to [^,?]{2,60})[，,]", re.IGNORECASE)
"""A clause that says where the answer stands, and not what is asked."""


def judge_quotes(quotes: Sequence[Quote], evidence: Evidence, *, is_exact: bool = False) -> Verdict:
    """Return whether the quotes tell what the question asks, by the words of both.

    `is_exact`: the quotes were found by the form of the question, such as both sides of a comparison.
    `missing`: a name of the question or the attribute that it asks for is not in them, or what it wants confirmed.
    Quotes that hold all else of the question tell the attribute, too, in words that no table foresees, if it has such.
    """
    of_sections = _by_section(quotes)
    text = "\n".join(of_sections)
    question = evidence.question
    form = read_form(question)
    is_across = is_cross_lingual(question, text)
    names = asked_names(form, text)
    has_names = _has_names(f"{_around(quotes, evidence)}\n{text}", names, evidence)
    attributes = asked_attributes(question)
    # What one section, or one row of a table, says of one thing is no attribute of another one.
    rows, others = _rows_apart(quotes, names)
    of_names = [each for each in (*rows, *others) if holds_names(each, names, evidence)] or [text]
    covered = 0.0 if is_across else max(_covered(each, evidence) for each in (*rows, "\n".join(others)))
    required = attributes if covered < _TOLD else [attribute for attribute in attributes if attribute.is_closed]
    words_decide = not is_exact and not is_across
    is_missing = (
        # An English question may have the Latin form of a name that a Chinese text translates.
        (not has_names and not (is_across and detect_language(question) == "en"))
        or not any(tells_all(required, each) for each in of_names)
        or (words_decide and _lacks_noun(quotes, evidence))
        or (words_decide and _is_unconfirmed(text, names, evidence))
    )
    if is_missing:
        return "missing"
    # What stands in passages about different things tells nothing together, nor does the title of a whole page.
    told_by_attribute = names and any(_tells(attributes, names, each) for each in quotes)
    holds_all = not is_across and any(_covered(each, evidence) >= _TOLD for each in of_sections)
    is_told = told_by_attribute or is_exact or holds_all
    return "told" if is_told or (form.column and _holds_abbreviations(question, quotes)) else "unknown"


def _has_names(text: str, names: Sequence[str], evidence: Evidence) -> bool:
    """Return whether a text holds all names; if an answer is likely, without those that may be none."""
    absent = [name for name in names if not holds_names(text, [name], evidence)]
    return all(map(is_guessed, absent)) and (not absent or evidence.reaches(LIKELY))


def _lacks_noun(quotes: Sequence[Quote], evidence: Evidence) -> bool:
    """Return whether the question asks for what no passage of the quoted documents names, in either language."""
    noun = asked_noun(evidence.question)
    if not noun or any(noun in words for words in asked_words(evidence.question)):
        return False
    sources = {quote.passage.chunk.source for quote in quotes}
    passages = (passage.chunk for passage in evidence.passages if passage.chunk.source in sources)
    text = "\n".join([*sources, *(chunk.searchable_text for chunk in passages)])
    return not all(_has_noun(text, word, evidence) for word in noun.split())


def _has_noun(text: str, noun: str, evidence: Evidence) -> bool:
    """Return whether a text has a noun that the question asks for, in either language, or with a typing error.

    A Latin word of a Chinese question is a name, which a text may write in other parts, or longer: macOS for mac.
    """
    forms = [noun, *(form for word in translate_question(noun) for form in word.translations)]
    if any(all(holds_noun(text, word) for word in form.split()) for form in forms):
        return True
    if not noun.isascii():
        return False
    words = frozenset(LATIN_WORD.findall(text.lower()))
    if _is_misspelt(noun, words):
        return True
    if not has_han(evidence.question):
        return False
    is_written_otherwise = len(noun) > ABBREVIATION and holds_name(text, noun)
    return is_written_otherwise or is_everywhere(noun, evidence) or any(word.startswith(noun) for word in words)


def _tells(attributes: Sequence[Attribute], names: Sequence[str], quote: Quote) -> bool:
    """Return whether a quote, with the heading right above it, holds the names and the attributes asked for."""
    text = "\n".join([*quote.passage.chunk.heading_path[-1:], *_parts(quote)])
    return bool(attributes) and tells_all(attributes, text) and all(holds_name(text, name) for name in names)


def _by_section(quotes: Sequence[Quote]) -> list[str]:
    """Return the texts of the quotes of each section, below its headings."""
    texts: dict[tuple[str, str], list[str]] = {}
    for quote in quotes:
        chunk = quote.passage.chunk
        texts.setdefault((chunk.source, chunk.context), [chunk.context]).extend(_parts(quote))
    return ["\n".join(each) for each in texts.values()]


def _rows_apart(quotes: Sequence[Quote], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the texts of the rows of tables, each below its headings, and those of the other quotes of each section.

    A table with a cell that is a name, and no more, is about that in all its rows, which stay together.
    """
    tables = [quote for quote in quotes if quote.block.kind == "table" and not _has_cell(quote, names)]
    rows = []
    for quote in tables:
        lead = [quote.block.lead.text] if quote.block.lead else []
        above = [quote.passage.chunk.context, *lead, *(row.label for row in quote.rows)]
        rows += ["\n".join([*above, span.text]) for span in quote.spans]
    return rows, _by_section([quote for quote in quotes if quote not in tables])


def _has_cell(quote: Quote, names: Sequence[str]) -> bool:
    wanted = {name.casefold() for name in names}
    return any(cell.value.strip().casefold() in wanted for row in quote.rows for cell in row.cells)


def _around(quotes: Sequence[Quote], evidence: Evidence) -> str:
    """Return what else may name the thing that the quotes are about: the names of their files, and their sections.

    A document about one thing may name it in its file name alone, and the sentence above a table need not be quoted.
    """
    quoted = [quote.passage for quote in quotes]
    beside = (passage.chunk.content for passage in of_same_sections(quoted, evidence.passages))
    return "\n".join([*(passage.chunk.source for passage in quoted), *beside])


def _parts(quote: Quote) -> list[str]:
    lead = [quote.block.lead.text] if quote.block.lead else []
    labels = [row.label for row in quote.rows]
    headers = [cell.header for row in quote.rows for cell in row.cells]
    return [*lead, *labels, *headers, *(span.text for span in quote.spans)]


def _holds_abbreviations(question: str, quotes: Sequence[Quote]) -> bool:
    """Return whether "which company makes E5" is answered by a row or sentence that itself has `E5`."""
    words = [word for word in LATIN_WORD.findall(question) if word != word.lower() and word[1:] != word[1:].lower()]
    words += [word for word in LATIN_WORD.findall(question) if any(map(str.isdigit, word))]
    text = " ".join(span.text for quote in quotes for span in quote.spans)
    return bool(words) and all(holds_name(text, word) for word in words)


def _is_unconfirmed(text: str, names: Sequence[str], evidence: Evidence) -> bool:
    """Return whether the question asks for yes or no, the passages may lack the answer, and the text says none."""
    is_open = _YES_OR_NO.search(evidence.question) and not _confirms(text, names, evidence)
    return bool(is_open) and not evidence.reaches(LIKELY)


def _confirms(text: str, names: Sequence[str], evidence: Evidence) -> bool:
    """Return whether a text says anything of what a question for yes or no asks of the things that it names."""
    if _covered(text, evidence) >= _CONFIRMED:
        return True
    question, without = evidence.question, " ".join(names)
    if detect_language(question) == "en":
        return _share_held(question, text, evidence, without=without) >= _CONFIRMED_OF_REST
    asked = next((match for form in _PREDICATES if (match := form.search(question))), None)
    held = _share_held(asked["what"], text, evidence, without=without) if asked else 0.0
    return held >= _MIN_CONFIRMED


def _covered(text: str, evidence: Evidence) -> float:
    """Return the share (0..1) of the question's weight that is in the text, only of words that it may not lack."""
    return _share_held(_SOURCE.sub("", evidence.question), text, evidence)


def _share_held(asked: str, text: str, evidence: Evidence, *, without: str = "") -> float:
    """Return the share (0..1) of the weight of what is asked that is in the text."""
    wanted = name_terms(strip_question_words(asked)) - name_terms(without)
    terms = {stem(term): weight for term, weight in evidence.idf.items() if stem(term) in wanted}
    found = TermFinder(terms.keys(), stemmed=True).find_names(text)
    missing = [term for term in terms if term not in found and _can_be_misspelt(term)]
    words = name_terms(text) if missing else frozenset[str]()
    held = found.union(term for term in missing if _is_misspelt(term, words))
    return sum(weight for term, weight in terms.items() if term in held) / sum(terms.values()) if terms else 0.0


def _is_misspelt(term: str, words: Collection[str]) -> bool:
    return _can_be_misspelt(term) and bool(get_close_matches(term, words, 1, _TYPING_ERROR))


def _can_be_misspelt(term: str) -> bool:
    return term.isascii() and term.isalpha() and len(term) > ABBREVIATION + 1
