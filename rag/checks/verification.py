"""Check whether passages support a statement.

Numbers, dates, addresses, identifiers and names of the statement must be in the passages. So must enough of its other
words: a share of its terms, each weighted by its inverse document frequency. A statement that turns a clause of the
passages round, by a `not` or by another clause's number, is not supported. This compares words and does not understand
them. `bench.verification` measures how often it is wrong.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.checks.comparable_text import PassageFacts, StatementFacts, squeeze
from rag.text.cjk import has_han
from rag.text.language import Language
from rag.text.likeness import stem

Fault = Literal["uncited", "address", "number", "identifier", "name", "wording", "negation", "unchecked"]
InverseFrequency = Callable[[str], float]

MIN_WORDING = 0.35
"""The least share of a statement's weighted terms that must be in the passages."""
VERBATIM = 0.8
"""With at least this share, a statement repeats a passage nearly word for word; a noun that the passage lacks has then
replaced one that it has."""
_LONGEST_ABSENT_RUN = 6
"""More Chinese characters in a row that the passages lack say something else, in a statement that has most of them."""
_HALF = 0.5
_ENGLISH_WORDING = 0.5
"""English words are compared whole, not by their pairs of characters, so that more of them must be there."""
MIN_SIMILARITY: Mapping[Language, float] = {"zh": 0.74, "en": 0.77}
"""The least similarity to a passage in another language, by the language of the statement."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of checking a statement.

    `fault` is None if the statement is supported; `detail` is the part of it that is not in the passages, or the share
    or similarity that is too low. `unchecked` means that there was no time to look.
    """

    fault: Fault | None = None
    detail: str = ""

    @property
    def supported(self) -> bool:
        return self.fault is None


def verify_statement(
    statement: str,
    passages: Sequence[str],
    idf: InverseFrequency,
    similarity: float | None = None,
    *,
    min_wording: float = MIN_WORDING,
    min_similarity: float | None = None,
) -> Verdict:
    """Check one statement, without its markers, against the texts of the passages that it cites, headings included.

    If the passages are in another language, words and names that a translation would change are not compared;
    `similarity` (-1..1), if given, decides instead.
    """
    if not passages:
        return Verdict("uncited")
    facts = PassageFacts.join([PassageFacts(text) for text in passages])
    said = StatementFacts.of(statement)
    return compare(said, facts, idf, similarity, min_wording=min_wording, min_similarity=min_similarity)


def compare(
    said: StatementFacts,
    passages: PassageFacts,
    idf: InverseFrequency,
    similarity: float | None = None,
    *,
    min_wording: float = MIN_WORDING,
    min_similarity: float | None = None,
) -> Verdict:
    """Check a statement as `verify_statement`, when both have been read already."""
    cross_lingual = said.is_cross_lingual(passages)
    missing = _missing_fact(said, passages, cross_lingual=cross_lingual)
    if missing:
        return missing
    if cross_lingual:
        least = MIN_SIMILARITY[said.language] if min_similarity is None else min_similarity
        is_similar = similarity is None or similarity >= least
        return Verdict() if is_similar else Verdict("wording", f"{similarity:.2f}")
    return _compare_words(said, passages, idf, min_wording) or _turned_round(said, passages) or Verdict()


def _compare_words(
    said: StatementFacts, passages: PassageFacts, idf: InverseFrequency, min_wording: float
) -> Verdict | None:
    is_verbatim = weighted_share(weights_of(said.terms, idf), passages) >= VERBATIM
    for noun in said.absent_nouns(passages):
        if noun.is_name or is_verbatim:
            return Verdict("name", noun.text)
    share = weighted_share(weights_of(said.words, idf), passages)
    if share < min_wording or (said.language == "en" and share <= _ENGLISH_WORDING):
        return Verdict("wording", f"{share:.2f}")
    run = said.absent_run(passages)
    return Verdict("wording", run) if len(run) > _LONGEST_ABSENT_RUN and share >= _HALF else None


def _turned_round(said: StatementFacts, passages: PassageFacts) -> Verdict | None:
    if denied := passages.claims.denial_of(said.text):
        return Verdict("negation", denied)
    if misplaced := passages.claims.misplaced_number(said.text):
        return Verdict("number", misplaced)
    return None


def wording(statement: str, text: str, idf: InverseFrequency) -> float:
    """Return the share (0..1) of a statement's terms that are in the text, each weighted by its `idf`.

    Function words do not count: in a small corpus, two of them side by side would be rare. Numbers do not count either:
    they have many spellings and are checked on their own.
    """
    return weighted_share(weights_of(StatementFacts.of(statement).words, idf), PassageFacts(text))


def weights_of(terms: Iterable[str], idf: InverseFrequency) -> dict[str, float]:
    """Return the `idf` of each term."""
    return {term: idf(term) for term in terms}


def weighted_share(weights: Mapping[str, float], passages: PassageFacts) -> float:
    """Return the share (0..1) of weighted terms that the passages have; 1 if the weights are nothing."""
    total = sum(weights.values())
    found = sum(weight for term, weight in weights.items() if term in passages.terms or stem(term) in passages.stems)
    return found / total if total else 1.0


def _missing_fact(said: StatementFacts, passages: PassageFacts, *, cross_lingual: bool) -> Verdict | None:
    for address in said.urls - passages.urls:
        return Verdict("address", address)
    for quantity in said.quantities:
        unit = "" if cross_lingual else quantity.unit
        if not any(f"{value}{unit}" in passages.values for value in quantity.values):
            return Verdict("number", quantity.text)
    for identifier in said.identifiers:
        if not _has_word(passages.lowercase, identifier):
            return Verdict("identifier", identifier)
    for name in said.names:
        # A translation changes Chinese names, and all names in English text.
        is_comparable = not cross_lingual or (said.language == "zh" and not has_han(name))
        if is_comparable and squeeze(name) not in passages.letters:
            return Verdict("name", name)
    return None


def _has_word(text: str, word: str) -> bool:
    return bool(re.search(rf"(?<![a-z0-9_]){re.escape(word)}(?![a-z0-9_])", text))
