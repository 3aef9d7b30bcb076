"""Cuts a text that is too long at the best places, and never inside a word, a number or an address."""

import re
from collections.abc import Iterator

from rag.models.embedders.protocol import CountTokens
from rag.text import segmentation
from rag.text.cjk import CJK_SYMBOLS, FULL_WIDTH, HAN, KANA, RARE_HAN

_CHINESE = f"{HAN}{RARE_HAN}{KANA}{CJK_SYMBOLS}{FULL_WIDTH}"
_CLOSING = "”’」』）》】"
# From the best places to the worst. A mark between digits, as in `1,024`, `10：30` or `3.14`, is part of the number.
_PLACES = (
    re.compile(rf"\n|[。！？…]+[{_CLOSING}]*(?![。！？…{_CLOSING}])|[.!?]+[\"')*_]*(?=\s)"),
    re.compile(r"；|;(?=\s)"),
    re.compile(rf"(?:(?<!\d)[，：]|[，：](?!\d)|、)[{_CLOSING}]*|[,:](?=\s)"),
    re.compile(r"(?<!\d)\s+|\s+(?!\d)"),
)
# Within a word that is too long by itself, such as a list of addresses or JSON on one line, from the best to the worst.
_PLACES_IN_WORDS = (
    re.compile(r"(?<!\d)[,;]|[,;](?!\d)|\s+"),
    re.compile(r"[,;](?!\d{3}(?!\d))"),
    re.compile(r"[,;]"),
)
_WITHIN_CHINESE = re.compile(rf"[{_CHINESE}]{{2}}")
_BESIDE_CHINESE = re.compile(rf"(?<=[{_CHINESE}])|(?=[{_CHINESE}])|\s+")
_NEVER_FIRST = frozenset("，。、；：！？）」』”’》】％…～·")
_NEVER_LAST = frozenset("（「『“‘《【￥＃")
_MIN_FILLED = 3
"""A place is good if it fills at least this fraction (one third) of the part that fits."""
_LOOK_AHEAD = 32
_FIRST_GUESS = 512
_PRECISION = 32


def split_long_text(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Cut a text into parts of at most `max_tokens`.

    A part ends after a sentence, or else after a clause, white space or a Chinese word. Only a word, a number or an
    address that is too long by itself is cut inside, after a comma or a semicolon if it has one. Joined, the parts are
    the text, except for white space at the cuts. A single character is a part even if it has more tokens.
    """
    start, guess = 0, _FIRST_GUESS
    while start < len(text):
        if text[start].isspace():
            start += 1
            continue
        end = _longest_fit(text, start, guess, cost, max_tokens)
        if end < len(text):
            end = _best_cut(text, start, end, cost, max_tokens)
        yield text[start:end].rstrip()
        start, guess = end, end - start


def _longest_fit(text: str, start: int, guess: int, cost: CountTokens, max_tokens: int) -> int:
    """Return about the largest end with which the part fits; at least one character.

    The length of the part before is a good guess, so that counting takes time linear in the length of the text.
    """
    low, high = start, min(start + guess, len(text))
    while cost(text[start:high].rstrip()) <= max_tokens:
        if high == len(text):
            return high
        low, high = high, min(high + guess, len(text))
        guess *= 2
    while high - low > 1 + (high - start) // _PRECISION:
        middle = (low + high) // 2
        if cost(text[start:middle].rstrip()) <= max_tokens:
            low = middle
        else:
            high = middle
    return max(low, start + 1)


def _best_cut(text: str, start: int, end: int, cost: CountTokens, max_tokens: int) -> int:
    """Return where to cut a part that may reach up to `end`."""
    for cut in _cuts(text, start, end, cost, max_tokens):
        # Without what follows, the tokenizer may find a token more.
        if cost(text[start:cut].rstrip()) <= max_tokens:
            return cut
    # One long word: `end` is only about the largest that fits, and the word may just fit.
    after = _word_end(text, start, end)
    return after if cost(text[start:after]) <= max_tokens else end


def _cuts(text: str, start: int, end: int, cost: CountTokens, max_tokens: int) -> Iterator[int]:
    """Yield the places up to `end`: the good ones of each kind, best kind first, then all others from the right.

    Places within a word are among them if the word is too long by itself.
    """
    least = start + (end - start) // _MIN_FILLED
    others: list[int] = []
    for places in _places(text, start, end):
        yield from (place for place in reversed(places) if place >= least)
        others += [place for place in places if place < least]
    word = max(others, default=start)
    if cost(text[word : _word_end(text, start, end)]) > max_tokens:
        for pattern in _PLACES_IN_WORDS:
            places = _ends(pattern, text, word, end)
            yield from (place for place in reversed(places) if place >= least)
            others += [place for place in places if place < least]
    yield from sorted(others, reverse=True)


def _word_end(text: str, start: int, end: int) -> int:
    """Return where the word ends that stands at `end`; a word twice as long as the part is too long in any case."""
    most = min(2 * end - start, len(text))
    after = _BESIDE_CHINESE.search(text, end, most)
    return after.start() if after else most


def _ends(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[int]:
    """Return where matches end, up to `end`."""
    found = (match.end() for match in pattern.finditer(text, start, end + _LOOK_AHEAD))
    return [place for place in found if start < place <= end]


def _places(text: str, start: int, end: int) -> Iterator[list[int]]:
    for pattern in _PLACES:
        yield _ends(pattern, text, start, end)
    words = [place for place in _word_ends(text, start, end) if _may_cut(text, place)]
    yield [place for place in words if _WITHIN_CHINESE.match(text, place - 1)]
    # Beside Chinese, other characters may be the number or the unit of a quantity: `第 13 号`, `500箱`.
    outside = (
        place for place in _ends(_BESIDE_CHINESE, text, start, end) if not _WITHIN_CHINESE.match(text, place - 1)
    )
    yield [place for place in outside if _may_cut(text, place)]


def _word_ends(text: str, start: int, end: int) -> Iterator[int]:
    place = start
    for word in segmentation.segment(text[start : end + _LOOK_AHEAD]):
        place += len(word)
        if place > end:
            return
        yield place


def _may_cut(text: str, place: int) -> bool:
    return text[place : place + 1] not in _NEVER_FIRST and text[place - 1] not in _NEVER_LAST
