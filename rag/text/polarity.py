"""What the clauses of a text affirm, deny and count, to find a statement that turns one of them round.

"It covers the battery" against "It does not cover the battery"; 满五年有 10 天 against 满一年有 10 天，满五年有 15 天.
Words are compared, not understood: a statement is taken for the opposite only of a clause with all but the same words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.text.cjk import HAN, has_han
from rag.text.facts import find_quantities, find_values
from rag.text.likeness import stem
from rag.text.tokens import is_question_word, normalize, tokenize

_CLAUSE_END = re.compile(
    r"[。！？!?；;，：:()（）]|,(?!\d)|\.(?=\s|\Z)|\b(?:but|while|whereas|although)\b|但是?|而(?=[^且])"
)
_ENGLISH_NOT = re.compile(
    r"\b(?:not|no|never|neither|cannot|without|none|nothing|nobody|excludes?|excluding|except|unable|isn|aren|wasn"
    r"|weren|doesn|don|didn|won|can|couldn|shouldn|wouldn|hasn|haven)(?:['’]t|n't)?\b"
)
_CAN = re.compile(r"\bcan\b(?!['’]t)|\b(?:don|won)\b(?!['’]t)")
_CHINESE_NOT = re.compile(
    r"不(?![仅但只过断同少久惜论管止光妨良锈足满幸安等定])|没有?|未(?![来必知成婚])|无(?![线论穷限数人锡机疑损名形脊辜])"
    r"|非(?![常洲典凡得])|勿|禁止|严禁|拒绝"
)
_NEGATION_AT_END = re.compile(rf"(?:{_CHINESE_NOT.pattern}|\bnot|\bno|\bnever)\s*\Z")
_HAN_RUN = re.compile(f"[{HAN}]+")
_FUNCTION_WORDS = frozenset(
    """been being but into its itself more most only other our over same so such than too under up very also as if
    then when while may must might per each any all these those he she him her his we us""".split()
)
_NUMERIC = re.compile(r"[\d.,:%零〇一二两三四五六七八九十百千万亿]+")
_ONE = re.compile(r"一(?:年|月|天|周|日|小时|分钟|岁|级|层)")
_MOST_WORDS = 0.75
"""A clause with this share of a statement's words is about the same."""
_NEARLY_ALL_WORDS = 0.85
_DISTANCE = 0.2
_MIN_WORDS = 2


@dataclass(frozen=True, slots=True)
class Clause:
    """The content words and numbers of a clause, and whether it denies; `label` has the words of a row's first cell."""

    text: str
    words: frozenset[str]
    values: frozenset[str]
    is_negated: bool
    label: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claims:
    """The clauses of a text in order."""

    clauses: tuple[Clause, ...]

    @classmethod
    def join(cls, parts: Sequence["Claims"]) -> "Claims":
        """Return the clauses of several texts as those of one."""
        return cls(tuple(clause for part in parts for clause in part.clauses))

    def denial_of(self, statement: str) -> str:
        """Return the clause of the statement whose opposite a clause here says, "" if there is none."""
        clauses = list(_read_clauses(statement))
        if len(clauses) > 1 and not any(clause.is_negated or clause.label for clause in clauses):
            # "It covers the motor, the gearbox and the battery."
            clauses.append(_clause(statement))
        return next((clause.text for clause in clauses if self._denies(clause)), "")

    def misplaced_number(self, statement: str) -> str:
        """Return the clause of the statement whose number stands here beside something else, "" if there is none."""
        return next((clause.text for clause in _read_clauses(statement) if self._misplaces(clause)), "")

    def _denies(self, said: Clause) -> bool:
        if len(said.words) < _MIN_WORDS:
            return False
        alike = [clause for clause in self.clauses if clause.is_negated == said.is_negated]
        opposite = [clause for clause in self.clauses if clause.is_negated != said.is_negated]
        nearest = max(alike, key=lambda clause: len(clause.words & said.words), default=None)
        nearest_words = nearest.words & said.words if nearest else frozenset()
        for clause in opposite:
            shared = clause.words & said.words
            is_same = len(shared) >= _MOST_WORDS * len(said.words)
            is_part = len(clause.words) >= _MIN_WORDS and clause.words <= said.words
            if (is_same or is_part) and not shared <= nearest_words and not _is_beside(said, clause):
                return not any(shared <= other.words for other in alike)
        return False

    def _misplaces(self, said: Clause) -> bool:
        if not said.values or not said.words:
            return False
        holders = [clause for clause in self.clauses if said.values <= clause.values]
        if any(clause.label for clause in self.clauses) and self._is_in_other_row(said, holders):
            return True
        if len(said.words) < _MIN_WORDS:
            return False
        counting = [clause for clause in self.clauses if clause.values and not said.values <= clause.values]
        nearest = max(counting, key=lambda clause: _share(clause, said), default=None)
        if nearest is None or _share(nearest, said) < _NEARLY_ALL_WORDS:
            return False
        holding = max(
            (clause.words for clause in holders), key=lambda words: len(words & said.words), default=frozenset()
        )
        lacking = (nearest.words & said.words) - holding
        # One pair of characters is a coincidence of two that stand side by side.
        return len(lacking) >= max(_DISTANCE * len(said.words), 2 if has_han(said.text) else 1)

    def _is_in_other_row(self, said: Clause, holders: Sequence[Clause]) -> bool:
        """Return whether a row is named and the numbers stand only in rows that are not."""
        named = [clause for clause in self.clauses if clause.label and clause.label <= said.words]
        others = [clause for clause in holders if clause.label and not clause.label <= said.words]
        return bool(named and others) and len(others) == len(holders)


def read_claims(text: str) -> Claims:
    """Return the clauses of a text."""
    return Claims(tuple(_read_clauses(text)))


def _is_beside(said: Clause, clause: Clause) -> bool:
    """Return whether one clause holds the other word for word, and the negation is about something else in it."""
    inner, outer = sorted((said.text, clause.text), key=len)
    start = outer.find(inner)
    return start >= 0 and not _NEGATION_AT_END.search(outer[:start])


def _share(clause: Clause, said: Clause) -> float:
    return len(clause.words & said.words) / len(said.words)


def _read_clauses(text: str) -> Iterator[Clause]:
    for line in text.split("\n"):
        if line.lstrip().startswith("|"):
            first, _, rest = line.strip().strip("|").partition("|")
            if rest and not set(line) <= set("|-: \t"):
                yield _clause(line, label=_words(first))
            continue
        yield from (_clause(part) for part in _CLAUSE_END.split(line) if part.strip())


def _clause(text: str, *, label: frozenset[str] = frozenset()) -> Clause:
    text = normalize(text).casefold()
    values = frozenset(value for quantity in find_quantities(text) for value in quantity.values[:1])
    values |= {"1"} if _ONE.search(text) else set()
    values = values if not label else find_values(text)
    is_chinese = has_han(text)
    negations = _CHINESE_NOT if is_chinese else _ENGLISH_NOT
    bare = text if is_chinese else _CAN.sub(" ", text)
    return Clause(text.strip(), _words(negations.sub(" ", bare)), values, len(negations.findall(bare)) % 2 == 1, label)


def _words(text: str) -> frozenset[str]:
    """Return the content words of a text; of Chinese, the pairs of characters."""
    words = set[str]()
    for term in tokenize(text):
        if _HAN_RUN.fullmatch(term):
            if len(term) > 1 and not _NUMERIC.fullmatch(term[0]) and not _NUMERIC.fullmatch(term[1]):
                words.add(term)
        elif not (is_question_word(term) or term in _FUNCTION_WORDS or _NUMERIC.fullmatch(term)) and len(term) > 1:
            words.add(stem(term))
    return frozenset(words)
