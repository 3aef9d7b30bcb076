"""Check a whole answer, statement by statement, in bounded time, and correct its markers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.checks.attribution import best_passage, set_markers
from rag.checks.comparable_text import Passages, StatementFacts
from rag.checks.verification import MIN_SIMILARITY, InverseFrequency, Verdict, compare
from rag.models.embedders.protocol import Embedder
from rag.text.markers import strip_markers
from rag.text.remarks import is_remark
from rag.text.statements import Statement, split_statements

MAX_STATEMENTS = 500
"""As many statements are checked: half a second, at a millisecond for each."""
MAX_EMBEDDED = 100
"""As many statements in another language than the passages are embedded: half a second, at five milliseconds each."""
SIMILARITY_FITTED_FOR = "builtin/multilingual-e5-small"


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """A statement as it is in the answer, the numbers of the passages that it cites, and the verdict.

    `attributed`: the numbers are ours, because the model gave none or such as do not support the statement.
    """

    statement: str
    numbers: tuple[int, ...]
    verdict: Verdict
    attributed: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """The statements of an answer in order, each checked; `text` is the answer with its markers corrected."""

    checked: tuple[CheckedStatement, ...] = ()
    text: str = ""

    @property
    def supported(self) -> tuple[str, ...]:
        """The supported statements, as they are in the answer."""
        return tuple(one.statement for one in self.checked if one.verdict.supported)

    @property
    def unverified(self) -> tuple[str, ...]:
        """The other statements, as they are in the answer."""
        return tuple(one.statement for one in self.checked if not one.verdict.supported)


def verify_answer(
    text: str, passages: Mapping[int, str], idf: InverseFrequency, embedder: Embedder | None = None
) -> Verification:
    """Check each statement of an answer against the passages that it cites, or attribute it to one that supports it.

    The text must have passed a MarkerFilter. `passages` has the texts of all passages that were offered, by number;
    `idf` returns the inverse document frequency of a term. The embedder is used only for statements in another language
    than the passages, whose words cannot be compared: once for the statements, once for the passages that they cite,
    and once for the others if those do not suffice. Similarities were fitted for one model; others are not asked.
    Raises EmbedderError.
    """
    statements = [each for each in split_statements(text) if not is_remark(strip_markers(each.text))]
    known = Passages(passages)
    facts = [StatementFacts.of(strip_markers(each.text)) for each in statements[:MAX_STATEMENTS]]
    similarities = _similarities(statements, facts, known, embedder)
    checked = []
    position = 0
    for number, statement in enumerate(statements):
        start = _find(statement.text, text, position)
        if number < len(facts):
            one = _check(statement, facts[number], known, idf, similarities.get(number, {}))
        else:
            one = CheckedStatement(statement.text, statement.numbers, Verdict("unchecked"))
        position = max(start, position)
        if one.attributed and start >= 0:
            text, said, position = set_markers(text, start, statement.text, one.numbers)
            one = CheckedStatement(said, one.numbers, one.verdict, attributed=True)
        elif start >= 0:
            position = start + len(statement.text)
        checked.append(one)
    return Verification(tuple(checked), text)


def _find(statement: str, text: str, position: int) -> int:
    """Return where a statement stands in a text, -1 if nowhere.

    Without a mark at its end it ends a line or has a marker behind it; elsewhere it is a part of another sentence.
    """
    if statement[-1:].isalnum():
        whole = re.compile(rf"{re.escape(statement)}(?=[ \t]*(?:\n|\[|\Z))").search(text, position)
        if whole:
            return whole.start()
    return text.find(statement, position)


def _check(
    statement: Statement,
    said: StatementFacts,
    passages: Passages,
    idf: InverseFrequency,
    similarities: "Mapping[int, float] | None",
) -> CheckedStatement:
    if similarities is None:
        return CheckedStatement(statement.text, statement.numbers, Verdict("unchecked"))
    cited = passages.facts(statement.numbers)
    verdict = Verdict("uncited")
    if cited:
        nearest = max((similarities[number] for number in statement.numbers if number in similarities), default=None)
        verdict = compare(said, cited, idf, nearest)
    best = best_passage(said, passages, idf, cited=statement.numbers, verdict=verdict, similarities=similarities)
    if best is None:
        return CheckedStatement(statement.text, statement.numbers, verdict)
    return CheckedStatement(statement.text, (best,), Verdict(), attributed=True)


def _similarities(
    statements: Sequence[Statement], facts: Sequence[StatementFacts], passages: Passages, embedder: Embedder | None
) -> dict[int, Mapping[int, float] | None]:
    """Return the similarities to the passages in another language, by the position of the statement.

    None marks the statements for which there is no time.
    """
    if embedder is None or embedder.name != SIMILARITY_FITTED_FOR:
        return {}
    foreign: dict[int, list[int]] = {}
    for position, said in enumerate(facts):
        cited = passages.facts(statements[position].numbers)
        if cited is None or said.is_cross_lingual(cited):
            others = [
                number
                for number in passages.numbers
                if (found := passages.facts([number])) and said.is_cross_lingual(found)
            ]
            if others:
                foreign[position] = others
    if not foreign:
        return {}
    embedded = list(foreign)[:MAX_EMBEDDED]
    rows = embedder.embed_documents([facts[position].text for position in embedded])
    of_cited = {position: [n for n in foreign[position] if n in statements[position].numbers] for position in embedded}
    near: dict[int, dict[int, float]] = {position: {} for position in embedded}
    # The other passages are embedded only for statements that those which they cite do not support.
    for wanted in (of_cited, foreign):
        open_ones = [at for at, position in enumerate(embedded) if not _is_similar(facts[position], near[position])]
        numbers = sorted({n for at in open_ones for n in wanted[embedded[at]] if n not in near[embedded[at]]})
        if not numbers:
            continue
        texts = [each.text for number in numbers if (each := passages.facts([number]))]
        matrix = embedder.embed_documents(texts) @ rows.T
        for at in open_ones:
            position = embedded[at]
            near[position] |= {n: float(matrix[row, at]) for row, n in enumerate(numbers) if n in foreign[position]}
    return {**dict.fromkeys(list(foreign)[MAX_EMBEDDED:]), **near}


def _is_similar(said: StatementFacts, similarities: Mapping[int, float]) -> bool:
    return max(similarities.values(), default=-1.0) >= MIN_SIMILARITY[said.language]
