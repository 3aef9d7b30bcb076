"""Where a citation marker can stand: behind what it backs, but not as an index, an interval or an exponent."""

import re
from collections.abc import Collection

from rag.text.cjk import CJK, CJK_SYMBOLS, FULL_WIDTH
from rag.text.marker_grammar import Candidate, Unfinished

CONTEXT_CHARACTERS = 64
"""How much of the line before a bracket may matter."""
_WORD_BEFORE = re.compile(r"[A-Za-z0-9_.$]+\Z")
_IDENTIFIER = re.compile(r"[_$]|[A-Za-z]\.[A-Za-z]|[a-z][A-Z]|[A-Za-z][0-9]|^[A-Za-z]$")
_ARRAY_NAMES = frozenset(
    """
    argv args arr array arrays buf buffer cell cells col cols column columns data dict df items kwargs lines list lists
    map mat matrix nums objs params parts path ptr res results row rows self seq shape stack str strs tensor tuple vals
    values vec vector vectors words xs ys
    """.split()
)
_CALL = re.compile(r"[A-Za-z0-9_]\([^()]*\)\Z")
_INDEXED = re.compile(r"[(=]|\.[A-Za-z_]")
_DATA = re.compile(
    r"(?:\b(?:intervals?|ranges?|shapes?|arrays?|lists?|vectors?|tuples?|matrix|sizes?|dimensions?|domain|indices|index"
    r"|slices?|coordinates?|bounds?|box|weights?|kernel|values?)\s*(?:is|are|of|=|:)?"
    r"|[=<>∈+*/%(,]|(?:区间|范围|数组|形状|向量|列表|元组|矩阵|维度|坐标|索引|下标|取值|尺寸|权重)(?:[为是：:]|等于)?)\s*\Z",
    re.IGNORECASE,
)
_INDEX_OF = re.compile(r"(?:数组|列表|下标|索引|元组)\Z")
_LAST = rf"[{CJK}{CJK_SYMBOLS}{FULL_WIDTH}”’。.,;:!?\"*_`]"
_BEHIND_TEXT = re.compile(rf"(?:(?![米里分寸尺]){_LAST}|[A-Za-z]{{4,}})\Z")
_ROUND_BEHIND = re.compile(rf"\S.*(?:\s|[{CJK}])\Z|[{CJK}]\Z", re.DOTALL)
_ENDS_SENTENCE = re.compile(r"\s*(?:[。！？!?]|\.(?!\w)|\Z|\n)")
_DATA_NUMBER = 100


def is_marker(
    candidate: Candidate, before: str, after: str, offered: Collection[int], *, material: str, is_end: bool
) -> bool | Unfinished:
    """Return whether brackets are a citation marker, or "unfinished" if that depends on what follows.

    `before` is the line up to them, at most `CONTEXT_CHARACTERS`, `after` what is known of the rest of the line, and
    all of it if `is_end`. `offered` are the numbers of the passages and `material` their texts: a bracket that a
    passage has in the same place is the passage's own.
    """
    if candidate.kind in ("raised", "tag") and not candidate.is_labelled:
        return bool(_BEHIND_TEXT.search(before)) and set(candidate.numbers) <= set(offered)
    if candidate.kind == "round" and not candidate.is_labelled:
        return _is_sure(candidate, before, after, offered, material=material, is_end=is_end)
    if candidate.kind != "square" or candidate.is_labelled:
        return True
    if _is_data(candidate, before, offered):
        return False
    return _is_behind_word(before, after, is_end=is_end)


def _is_sure(
    candidate: Candidate, before: str, after: str, offered: Collection[int], *, material: str, is_end: bool
) -> bool | Unfinished:
    """Round brackets are a marker only at the end of a sentence, if no passage has the same ones."""
    if not set(candidate.numbers) <= set(offered) or not _ROUND_BEHIND.search(before):
        return False
    number = candidate.numbers[0]
    if f"({number})" in material or f"（{number}）" in material:
        return False
    if not is_end and (not after.strip() or after.strip() == "."):
        return "unfinished"
    return bool(_ENDS_SENTENCE.match(after))


def _is_data(candidate: Candidate, before: str, offered: Collection[int]) -> bool:
    """Return whether a list in brackets is an array or an interval."""
    numbers = candidate.numbers
    if len(numbers) == 1 and not candidate.has_repetition:
        return False
    if candidate.has_repetition or 0 in numbers or _DATA.search(before):
        return True
    return not set(numbers) & set(offered) and max(numbers) >= _DATA_NUMBER


def _is_behind_word(before: str, after: str, *, is_end: bool) -> bool | Unfinished:
    """Return whether brackets stand behind a word of a sentence and not behind a name that they index."""
    word = _WORD_BEFORE.search(before)
    if not word:
        return not (_CALL.search(before) or _INDEX_OF.search(before))
    name = word[0]
    if name.replace(".", "").isdecimal() or name.endswith("."):
        return True
    if _IDENTIFIER.search(name) or name.lower() in _ARRAY_NAMES:
        return False
    if not is_end and after in ("", "."):
        return "unfinished"
    return not _INDEXED.match(after)
