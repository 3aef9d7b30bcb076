"""What a question asks for: all of something, a comparison, a place in an order, something with exceptions.

Pure, by the words of rag/text/question_words.py; nothing is looked up in the documents.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.text import segmentation
from rag.text.question_words import (
    AFTER,
    ASKS_FOR_ALL,
    BEFORE,
    COLUMNS,
    COMPARISONS,
    DENIALS,
    ENDS,
    EXCEPTIONS,
    NTH,
    NUMBERS,
)
from rag.text.short_texts import remember_short

_NO_COLUMNS = frozenset("的 些 里 年 天 月 东西 是 有".split())


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an order.

    The `number`-th of its `unit` (-1: the last), the one after or before the `anchor`, or the end (1: the first) of the
    steps to do what the `anchor` says.
    """

    kind: Literal["nth", "after", "before", "end"]
    anchor: str = ""
    number: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """The form of a question.

    `sides` are what it compares, with regard to `about` or "". `excluded` is what it wants left out, `denied` what must
    not hold for what it wants. `column` is the noun behind "which".
    """

    question: str
    asks_for_all: bool = False
    sides: tuple[str, ...] = ()
    about: str = ""
    place: Place | None = None
    excluded: str = ""
    denied: str = ""
    column: str = ""

    @property
    def wants_group(self) -> bool:
        """Whether the answer may need all of a table or list, and not only what matches best."""
        return self.asks_for_all or bool(self.sides or self.place or self.excluded or self.denied)


def read_form(question: str) -> QuestionForm:
    """Return the form of a question.

    >>> read_form("Ollama 和 Dify 有什么区别？").sides
    ('Ollama', 'Dify')
    >>> read_form("学完 Python 之后学什么").place
    Place(kind='after', anchor='学完 Python', number=0, unit='')
    """
    return _form(question)


@remember_short(texts=64, characters=1000)
def _form(question: str) -> QuestionForm:
    comparison = _first(COMPARISONS, question)
    place = None if comparison else _place(question)
    excluded = _first(EXCEPTIONS, question)
    denied = None if excluded else _first(DENIALS, question)
    column = _first(COLUMNS, question)
    return QuestionForm(
        question=question,
        asks_for_all=bool(ASKS_FOR_ALL.search(question)),
        sides=(comparison["one"].strip(), comparison["other"].strip()) if comparison else (),
        about=(comparison["about"] or "").strip() if comparison else "",
        place=place,
        excluded=excluded["what"].strip() if excluded else "",
        denied=denied["what"].strip() if denied else "",
        column=_noun(column["column"]) if column else "",
    )


def _place(question: str) -> Place | None:
    if nth := _first(NTH, question):
        number = _number(nth["number"].casefold())
        return Place("nth", number=number, unit=nth["unit"].casefold()) if number else None
    if after := _first(AFTER, question):
        return Place("after", anchor=after["anchor"].strip())
    if before := _first(BEFORE, question):
        return Place("before", anchor=before["anchor"].strip())
    if end := _first(ENDS, question):
        is_last = bool(end.groupdict().get("last"))
        return Place("end", anchor=(end["what"] or "").casefold(), number=-1 if is_last else 1)
    return None


def _noun(words: str) -> str:
    """Return the first word, in lower case: 部门 of 部门不适用; "" if it is none, as 的 is."""
    first = next(iter(segmentation.segment(words)), "").casefold()
    return "" if first in _NO_COLUMNS else first


def _number(written: str) -> int:
    digits = re.match(r"\d+", written)
    return int(digits[0]) if digits else NUMBERS.get(written, 0)


def _first(forms: Sequence[re.Pattern[str]], question: str) -> re.Match[str] | None:
    return next((match for form in forms if (match := form.search(question))), None)
