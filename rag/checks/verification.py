"""Whether a statement of an answer stands in the passages that it cites.

What is exact must be there: numbers, dates, addresses, identifiers, names. Beyond that the words must be: the share of
the statement's terms that the passages hold, weighted by how rare they are. This does not understand a text; it finds
what was invented or misattributed, not a relation turned round. How often it errs is measured by `bench.verification`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.models.embedders.protocol import Embedder
from rag.text.chinese_nouns import find_absent_nouns
from rag.text.cjk import has_han
from rag.text.facts import (
    find_identifiers,
    find_latin_names,
    find_quantities,
    find_quoted_names,
    find_values,
    lowercase_text,
)
from rag.text.language import detect_language, is_cross_lingual
from rag.text.statements import split_statements, strip_markers
from rag.text.tokens import tokenize, tokenize_question
from rag.text.urls import find_urls

Fault = Literal["uncited", "address", "number", "identifier", "name", "wording"]
InverseFrequency = Callable[[str], float]
Similarity = Callable[[str, Sequence[str]], float]
"""(statement, passages) → the highest similarity of the two, -1..1."""

MIN_WORDING = 0.3
VERBATIM = 0.8
"""From this share of its wording on, a statement repeats a passage nearly word for word: then a noun that is not there
has taken the place of one that is."""
MIN_SIMILARITY = 0.74
_SIMILARITY_FITTED_FOR = "builtin/multilingual-e5-small"
_NUMERIC = re.compile(r"[\d.,:%零〇一二两三四五六七八九十百千万亿年月日号第]+")
_SPACE_OR_MARK = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fault` is None for a supported statement; `detail` is the part of it that is not in the passages."""

    fault: Fault | None = None
    detail: str = ""

    @property
    def supported(self) -> bool:
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement as it stands in the answer, the numbers of the passages that it cites, and what came of it."""

    statement: str
    numbers: tuple[int, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Verification:
    """The statements of an answer in order, each checked against the passages that it cites."""

    checked: tuple[Checked, ...] = ()

    @property
    def supported(self) -> tuple[str, ...]:
        return tuple(one.statement for one in self.checked if one.verdict.supported)

    @property
    def unverified(self) -> tuple[str, ...]:
        return tuple(one.statement for one in self.checked if not one.verdict.supported)


def verify_answer(
    text: str,
    passages: Mapping[int, str],
    idf: InverseFrequency,
    similarity: Similarity | None = None,
) -> Verification:
    """Check each statement of an answer with clean markers; `passages` has the texts by number.

    `similarity` is asked only where the words cannot tell, because statement and passages are in two languages.
    """
    checked = []
    for statement in split_statements(text):
        cited = [passages[number] for number in statement.numbers if number in passages]
        said = strip_markers(statement.text)
        near = similarity(said, cited) if similarity and cited and is_across(said, cited) else None
        checked.append(Checked(statement.text, statement.numbers, verify_statement(said, cited, idf, near)))
    return Verification(tuple(checked))


def verify_statement(
    statement: str,
    passages: Sequence[str],
    idf: InverseFrequency,
    similarity: float | None = None,
    *,
    min_wording: float = MIN_WORDING,
    min_similarity: float = MIN_SIMILARITY,
) -> Verdict:
    """Check one statement, without its markers, against the texts of the passages that it cites, with their headings.

    `idf` gives the inverse document frequency of a term. Where statement and passages are in two languages, words and
    names that would have to be translated are not looked for; `similarity`, if given, decides instead.
    """
    if not passages:
        return Verdict("uncited")
    text = "\n".join(passages)
    across = is_across(statement, passages)
    missing = _missing_fact(statement, text, across=across)
    if missing:
        return missing
    if across:
        is_near = similarity is None or similarity >= min_similarity
        return Verdict() if is_near else Verdict("wording", f"{similarity:.2f}")
    is_verbatim = _share(tokenize(statement), text, idf) >= VERBATIM
    for noun in find_absent_nouns(statement, text):
        if noun.is_name or is_verbatim:
            return Verdict("name", noun.text)
    share = wording(statement, text, idf)
    return Verdict() if share >= min_wording else Verdict("wording", f"{share:.2f}")


def wording(statement: str, text: str, idf: InverseFrequency) -> float:
    """The share (0..1) of the terms of what a statement is about that stand in the text, weighted by idf.

    Small words are not among them: in a small corpus two of them side by side would count as rare. Nor are numbers,
    which have many spellings and are looked for by themselves.
    """
    return _share([word for word in tokenize_question(statement) if not _NUMERIC.fullmatch(word)], text, idf)


def _share(words: Iterable[str], text: str, idf: InverseFrequency) -> float:
    held = frozenset(tokenize(text))
    weights = {word: idf(word) for word in words}
    mass = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in held) / mass if mass else 1.0


def is_across(statement: str, passages: Sequence[str]) -> bool:
    return is_cross_lingual(statement, "\n".join(passages))


def similarity_function(embedder: Embedder) -> Similarity | None:
    """The similarity of a statement to passages, for the embedder that `MIN_SIMILARITY` was fitted for; others spread
    theirs differently. Raises EmbedderError when it is called."""
    if embedder.name != _SIMILARITY_FITTED_FOR:
        return None

    def nearest(statement: str, passages: Sequence[str]) -> float:
        return float((embedder.embed_documents(passages) @ embedder.embed_query(statement)).max())

    return nearest


def _missing_fact(statement: str, text: str, *, across: bool) -> Verdict | None:
    for address in find_urls(statement) - find_urls(text):
        return Verdict("address", address)
    known = find_values(text)
    for quantity in find_quantities(statement):
        unit = "" if across else quantity.unit
        if not any(f"{value}{unit}" in known for value in quantity.values):
            return Verdict("number", quantity.text)
    plain = lowercase_text(text)
    for identifier in find_identifiers(statement):
        if not _stands_in(lowercase_text(identifier), plain):
            return Verdict("identifier", identifier)
    squeezed = _SPACE_OR_MARK.sub("", plain)
    for name in _names(statement, across=across):
        if _SPACE_OR_MARK.sub("", lowercase_text(name)) not in squeezed:
            return Verdict("name", name)
    return None


def _names(statement: str, *, across: bool) -> list[str]:
    """The names to be found as they are; those that a translation would change are not among them."""
    named = [*find_quoted_names(statement), *find_latin_names(statement)]
    if not across:
        return named
    is_chinese = detect_language(statement) == "zh"
    return [name for name in named if is_chinese and not has_han(name)]


def _stands_in(word: str, text: str) -> bool:
    return bool(re.search(rf"(?<![a-z0-9_]){re.escape(word)}(?![a-z0-9_])", text))
