"""Check whether the passages that a statement of an answer cites support it.

Numbers, dates, addresses, identifiers and names of the statement must be in the passages. So must enough of its other
words: a share of its terms, each weighted by its inverse document frequency. This compares words and does not
understand them: it finds invented and misattributed facts, but not a relation that is turned round.
`bench.verification` measures how often it is wrong.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.models.embedders.protocol import Embedder
from rag.text.absent_nouns import find_absent_nouns
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
"""(statement, passages) → the highest similarity of the statement to one of the passages, -1..1."""

MIN_WORDING = 0.3
"""The least share of a statement's weighted terms that must be in the passages."""
VERBATIM = 0.8
"""With at least this share, a statement repeats a passage nearly word for word; a noun that the passage lacks has then
replaced one that it has."""
MIN_SIMILARITY = 0.74
"""The least similarity to a passage in another language."""
_SIMILARITY_FITTED_FOR = "builtin/multilingual-e5-small"
_NUMERIC = re.compile(r"[\d.,:%零〇一二两三四五六七八九十百千万亿年月日号第]+")
_SPACE_OR_MARK = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of checking a statement.

    `fault` is None if the statement is supported; `detail` is the part of it that is not in the passages, or the share
    or similarity that is too low.
    """

    fault: Fault | None = None
    detail: str = ""

    @property
    def supported(self) -> bool:
        return self.fault is None


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """A statement as it is in the answer, the numbers of the passages that it cites, and the verdict."""

    statement: str
    numbers: tuple[int, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Verification:
    """The statements of an answer in order, each checked against the passages that it cites."""

    checked: tuple[CheckedStatement, ...] = ()

    @property
    def supported(self) -> tuple[str, ...]:
        """The supported statements, as they are in the answer."""
        return tuple(one.statement for one in self.checked if one.verdict.supported)

    @property
    def unverified(self) -> tuple[str, ...]:
        """The other statements, as they are in the answer."""
        return tuple(one.statement for one in self.checked if not one.verdict.supported)


def verify_answer(
    text: str,
    passages: Mapping[int, str],
    idf: InverseFrequency,
    similarity: Similarity | None = None,
) -> Verification:
    """Check each statement of an answer against the passages that it cites.

    The text must have passed a MarkerFilter. `passages` has the texts of the passages by number, `idf` returns the
    inverse document frequency of a term. `similarity` is called only for a statement in another language than its
    passages, because their words cannot be compared. Raises what `similarity` raises.
    """
    checked = []
    for statement in split_statements(text):
        cited = [passages[number] for number in statement.numbers if number in passages]
        claim = strip_markers(statement.text)
        cosine = similarity(claim, cited) if similarity and cited and _is_cross_lingual(claim, cited) else None
        verdict = verify_statement(claim, cited, idf, cosine)
        checked.append(CheckedStatement(statement.text, statement.numbers, verdict))
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
    """Check one statement, without its markers, against the texts of the passages that it cites, headings included.

    If the passages are in another language, words and names that a translation would change are not compared;
    `similarity` (-1..1), if given, decides instead.
    """
    if not passages:
        return Verdict("uncited")
    text = "\n".join(passages)
    cross_lingual = _is_cross_lingual(statement, passages)
    missing = _missing_fact(statement, text, cross_lingual=cross_lingual)
    if missing:
        return missing
    if cross_lingual:
        is_similar = similarity is None or similarity >= min_similarity
        return Verdict() if is_similar else Verdict("wording", f"{similarity:.2f}")
    is_verbatim = _weighted_share(tokenize(statement), text, idf) >= VERBATIM
    for noun in find_absent_nouns(statement, text):
        if noun.is_name or is_verbatim:
            return Verdict("name", noun.text)
    share = wording(statement, text, idf)
    return Verdict() if share >= min_wording else Verdict("wording", f"{share:.2f}")


def wording(statement: str, text: str, idf: InverseFrequency) -> float:
    """Return the share (0..1) of a statement's terms that are in the text, each weighted by its `idf`.

    Function words do not count: in a small corpus, two of them side by side would be rare. Numbers do not count either:
    they have many spellings and are checked on their own.
    """
    return _weighted_share([word for word in tokenize_question(statement) if not _NUMERIC.fullmatch(word)], text, idf)


def similarity_function(embedder: Embedder) -> Similarity | None:
    """Return a function for the similarity of a statement to passages, which raises EmbedderError.

    Returns None unless `MIN_SIMILARITY` was fitted for the embedder: the similarities of others have another range.
    """
    if embedder.name != _SIMILARITY_FITTED_FOR:
        return None

    def nearest(statement: str, passages: Sequence[str]) -> float:
        return float((embedder.embed_documents(passages) @ embedder.embed_query(statement)).max())

    return nearest


def _weighted_share(terms: Iterable[str], text: str, idf: InverseFrequency) -> float:
    found = frozenset(tokenize(text))
    weights = {term: idf(term) for term in terms}
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in found) / total if total else 1.0


def _is_cross_lingual(statement: str, passages: Sequence[str]) -> bool:
    return is_cross_lingual(statement, "\n".join(passages))


def _missing_fact(statement: str, text: str, *, cross_lingual: bool) -> Verdict | None:
    for address in find_urls(statement) - find_urls(text):
        return Verdict("address", address)
    values_of_text = find_values(text)
    for quantity in find_quantities(statement):
        unit = "" if cross_lingual else quantity.unit
        if not any(f"{value}{unit}" in values_of_text for value in quantity.values):
            return Verdict("number", quantity.text)
    lowercase = lowercase_text(text)
    for identifier in find_identifiers(statement):
        if not _has_word(lowercase, lowercase_text(identifier)):
            return Verdict("identifier", identifier)
    letters = _SPACE_OR_MARK.sub("", lowercase)
    for name in _names(statement, cross_lingual=cross_lingual):
        if _SPACE_OR_MARK.sub("", lowercase_text(name)) not in letters:
            return Verdict("name", name)
    return None


def _names(statement: str, *, cross_lingual: bool) -> list[str]:
    """Return the names that the passages must have; without those that a translation would change."""
    named = [*find_quoted_names(statement), *find_latin_names(statement)]
    if not cross_lingual:
        return named
    is_chinese = detect_language(statement) == "zh"
    return [name for name in named if is_chinese and not has_han(name)]


def _has_word(text: str, word: str) -> bool:
    return bool(re.search(rf"(?<![a-z0-9_]){re.escape(word)}(?![a-z0-9_])", text))
