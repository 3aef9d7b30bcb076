"""Chinese nouns of a sentence that are absent from another text.

A dictionary, and its guesses at unknown words, tell nouns from other words. It sometimes cuts words in the wrong place,
so a character counts as absent only if neither the pair with the one before it nor the pair with the one after it is
in the text.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text import segmentation
from rag.text.cjk import HAN
from rag.text.kind_nouns import KIND_NOUNS

_HAN_RUN = re.compile(f"[{HAN}]+")
NAME_TAGS = frozenset({"nr", "nrt", "nrfg", "ns", "nt", "nz"})
# Other nouns, set phrases, abbreviations, and words that the dictionary does not know.
_NOUN_TAGS = ("n", "i", "j", "l", "x")
_MIN_ABSENT_CHARACTERS = 2
_NUMERALS = frozenset("零〇一二两三四五六七八九十百千万亿年月日号")
_KINDS = KIND_NOUNS | frozenset(
    """
    地名 国人 国籍 籍贯 省份 语言 语种 材料 物质 厂商 品牌 学校 大学 教会 球队 线路 路线 起点 终点 导演 作品 杂志
    书籍 书名 价格 面积 法典 法律
    """.split()
)
"""Nouns that say what kind of thing another word is: an answer has them from the question, not from the passage."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun; `is_name` is true for persons, places, organisations and other proper nouns.

    `start` is its position in the sentence with ordinary forms of full-width characters.
    """

    text: str
    is_name: bool
    start: int = 0


def list_nouns(sentence: str) -> list[Noun]:
    """Return the nouns of a sentence in order."""
    nouns = []
    end = 0
    for word, tag in segmentation.tag(unicodedata.normalize("NFKC", sentence)):
        start, end = end, end + len(word)
        if tag.startswith(_NOUN_TAGS) and word not in _KINDS:
            nouns.append(Noun(word, tag in NAME_TAGS, start))
    return nouns


def join_text(text: str) -> str:
    """Return a text as `absent_among` compares it: without white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def longest_absent_run(sentence: str, joined: str) -> str:
    """Return the longest run of Chinese characters of the sentence that are absent from the joined text."""
    sentence = unicodedata.normalize("NFKC", sentence)
    longest = (0, 0)
    start = before = -1
    for position in sorted(_absent_positions(sentence, joined)):
        if sentence[position] in _NUMERALS:
            continue
        start = start if position == before + 1 else position
        before = position
        longest = max(longest, (position + 1 - start, start))
    length, start = longest
    return sentence[start : start + length]


def absent_among(nouns: Sequence[Noun], sentence: str, joined: str) -> list[Noun]:
    """Return those nouns of the sentence of which at least two characters are absent from the joined text."""
    absent = _absent_positions(unicodedata.normalize("NFKC", sentence), joined)
    return [
        noun
        for noun in nouns
        if len(absent.intersection(range(noun.start, noun.start + len(noun.text)))) >= _MIN_ABSENT_CHARACTERS
    ]


def _absent_positions(sentence: str, text: str) -> frozenset[int]:
    absent = []
    for match in _HAN_RUN.finditer(sentence):
        run = match[0]
        known: dict[str, bool] = {}
        for start in range(len(run) - 1):
            pair = run[start : start + 2]
            if pair not in known:
                known[pair] = pair in text
        pairs = [known[run[start : start + 2]] for start in range(len(run) - 1)]
        is_present = [before or after for before, after in zip([False, *pairs], [*pairs, False], strict=True)]
        absent += [match.start() + offset for offset, present in enumerate(is_present) if not present]
    return frozenset(absent)
