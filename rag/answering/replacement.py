"""Ask an earlier question about something else: what a follow-up names takes the place of what it corresponds to.

"语言大模型有哪些？" and "视觉的呢" give "视觉大模型有哪些？"; "What is the weight of the Heron?" and "And the price?"
give "What is the price of the Heron?".
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.text import segmentation
from rag.text.cjk import has_han
from rag.text.question_words import NTH
from rag.text.tokens import is_question_word

_ARTICLE = re.compile(r"\A(?:the|an?)\s+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:[-.'][^\W_]+)*")
_MAX_WORDS = 4
_NOUNS = ("n", "a", "l", "j", "x", "b", "eng")
_LONGER = 1.5


def replace_part(question: str, other: str) -> str:
    """Return the question with `other` in the place of its part of the same kind; "" if it has no such part.

    The kinds, in this order: ordinals, words that share characters, the first noun (in English, the longest run of
    words that are neither names nor question words).
    """
    for form in NTH:
        asked, before = form.search(other), form.search(question)
        if asked and before:
            return question[: before.start()] + asked[0] + question[before.end() :]
    if has_han(question):
        return _replace_chinese(question, other.strip().removesuffix("的"))
    return _replace_english(question, _ARTICLE.sub("", other.strip()))


def _replace_chinese(question: str, other: str) -> str:
    runs = list(_runs(question))
    alike = max(runs, key=lambda run: (_alike(run, other), -len(run)), default="")
    if alike and _alike(alike, other):
        return question.replace(alike, other, 1)
    nouns = _first_nouns(question)
    if not nouns:
        return ""
    # 视觉 takes the place of 语言 in 语言大模型, 代码助手 that of all of it.
    part = nouns[0] if len(other) < _LONGER * len(nouns[0]) else "".join(nouns)
    return question.replace(part, other, 1)


def _first_nouns(question: str) -> list[str]:
    """Return the first nouns of a question that stand together, with adjectives between them: 语言, 大, 模型."""
    nouns: list[str] = []
    for word, tag in segmentation.tag(question):
        if _is_content(word, tag) and (nouns or len(word) > 1):
            nouns.append(word)
        elif nouns:
            break
    return nouns


def _runs(question: str) -> Iterator[str]:
    """Yield the runs of at most `_MAX_WORDS` words without a question word in them."""
    words = segmentation.segment(question)
    for start in range(len(words)):
        for end in range(start + 1, min(start + _MAX_WORDS, len(words)) + 1):
            run = words[start:end]
            if not any(is_question_word(word) or not word.strip() or not word.isalnum() for word in run):
                yield "".join(run)


def _alike(run: str, other: str) -> int:
    """Return how many characters two names share at their ends: 一线 and 二线, 婚假 and 产假."""
    if run == other or abs(len(run) - len(other)) > 2:
        return 0
    ends = [(one, two) for one, two in zip(reversed(run), reversed(other), strict=False)]
    shared = 0
    for one, two in ends:
        if one != two:
            break
        shared += 1
    return shared


def _is_content(word: str, tag: str) -> bool:
    return tag.startswith(_NOUNS) and not is_question_word(word)


def _replace_english(question: str, other: str) -> str:
    words = list(_WORD.finditer(question))
    is_free = [not is_question_word(word[0]) and not (word[0][0].isupper() and word.start() > 0) for word in words]
    longest = max(_stretches(is_free), key=lambda stretch: (stretch[1] - stretch[0], -stretch[0]), default=None)
    if not longest:
        return ""
    start, end = words[longest[0]].start(), words[longest[1] - 1].end()
    return question[:start] + other + question[end:]


def _stretches(flags: Sequence[bool]) -> Iterator[tuple[int, int]]:
    edges = [number for number, (one, two) in enumerate(pairwise([False, *flags, False])) if one != two]
    yield from zip(edges[::2], edges[1::2], strict=True)
