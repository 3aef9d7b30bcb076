"""Exact facts of a text, which another text either contains or does not: numbers, dates, names, identifiers.

Numbers are compared by value, however they are written: full-width, with separators, in Chinese numerals, as the name
of a month, or with 万 or million after them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from rag.text.cjk import has_han

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_SCALES = {"千": 1e3, "万": 1e4, "百万": 1e6, "亿": 1e8, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_MAX_DIGITS = 15
"""Longer numbers are compared as written: they are identifiers, and a float would lose their last digits."""
_MONTHS = "january february march april may june july august september october november december".split()
_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty""".split()
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "twice": 2}

_NUMBER = re.compile(
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)(?:\s?(?P<scale>百万|[千万亿]|thousand|million|billion))?"
    r"(?:多|余|几)?\s?(?P<unit>年|月|日|号|世纪|%|percent|per cent)?",
    re.IGNORECASE,
)
_HAN_NUMBER = re.compile(
    r"(?P<share>百分之)?(?P<digits>[零〇一二两三四五六七八九十百千万亿]+)(?:点(?P<fraction>[零〇一二三四五六七八九]+))?"
    r"(?:多|余|几)?(?P<unit>年|月|日|号|世纪)?"
)
_COUNTED = re.compile(
    r"年|月|日|号|世纪|岁|个|位|名|次|届|条|章|节|项|种|类|倍|元|美元|公里|米|公斤|吨|人|天|周|小时|分钟|秒|层|级|集|部|首|"
    r"枚|架|艘|辆|座|所|家|间|场|站|篇|卷|册|军|师|团|幅|票|万|亿"
)
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})\b", re.IGNORECASE)
_MONTH_AND_DAY = re.compile(
    rf"\b(?:{'|'.join(_MONTHS)})\s+(\d{{1,2}})\b|\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{'|'.join(_MONTHS)})\b",
    re.IGNORECASE,
)
_DATED_MONTH = re.compile(
    rf"\b({'|'.join(_MONTHS)})\s+\d|\d(?:st|nd|rd|th)?\s+(?:of\s+)?({'|'.join(_MONTHS)})\b", re.IGNORECASE
)
_CENTURY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)\s+century", re.IGNORECASE)
_UNITS = {"号": "日", "percent": "%", "per cent": "%"}

_CODE = re.compile(r"`([^`\n]+)`")
_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]*(?:[._:@+#-]+[A-Za-z0-9_]+)*[+#]*")
_HUMP = re.compile(r"[a-z][A-Z]|[A-Z]{2,}[a-z]{2}")
_QUOTED = re.compile(r"《([^《》\n]+)》|「([^「」\n]+)」|『([^『』\n]+)』|“([^“”\n]+)”|\"([^\"\n]+)\"")
_SENTENCE_MARKS = ".!?:：。！？\n"
_BEFORE_WORD = "\"“'(*_- \t\r"
_LONGEST_BEFORE_WORD = 40


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as a sentence states it: the values it may mean, and the unit of a date or a percentage."""

    text: str
    values: tuple[str, ...]
    unit: str = ""


def lowercase_text(text: str) -> str:
    """Return the text in lower case, with ordinary forms of full-width characters and single spaces.

    `casefold` would turn `ß` into `ss`, and a letter beside it would no longer be at the edge of a word.
    """
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def find_quantities(sentence: str) -> list[Quantity]:
    """Return the numbers that a sentence states, except in names such as `e5` and phrases such as 一个."""
    text = unicodedata.normalize("NFKC", sentence)
    found = [
        Quantity(match[0].strip(), _values(match), _unit(match["unit"]))
        for match in _NUMBER.finditer(text)
        if not re.search(r"[A-Za-z_][-.]?\Z", text[max(match.start() - 2, 0) : match.start()])
    ]
    found += [
        Quantity(match[0], (_han_value(match),), "%" if match["share"] else _unit(match["unit"]))
        for match in _HAN_NUMBER.finditer(text)
        if _counts(text, match)
    ]
    found += [
        Quantity(match[0], (str(_MONTHS.index((match[1] or match[2]).casefold()) + 1),), "月")
        for match in _DATED_MONTH.finditer(text)
    ]
    return found


def find_values(passage: str) -> frozenset[str]:
    """Return every value that a passage may state; of dates and percentages also with the unit, such as `2019年`."""
    return frozenset(_read_values(unicodedata.normalize("NFKC", passage)))


def _read_values(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        for value in _values(match):
            yield value
            if match["unit"]:
                yield f"{value}{_unit(match['unit'])}"
            elif len(value) == 4 and value < "2101":
                yield f"{value}年"
    for match in _HAN_NUMBER.finditer(text):
        value = _han_value(match)
        yield value
        if match["share"] or match["unit"]:
            yield f"{value}{'%' if match['share'] else _unit(match['unit'])}"
    for year, month, day in _ISO_DATE.findall(text):
        yield from (f"{int(year)}年", f"{int(month)}月", f"{int(day)}日")
    for name in _MONTH.findall(text):
        yield from (str(_MONTHS.index(name.casefold()) + 1), f"{_MONTHS.index(name.casefold()) + 1}月")
    for day in filter(None, (number for pair in _MONTH_AND_DAY.findall(text) for number in pair)):
        yield f"{int(day)}日"
    for century in _CENTURY.findall(text):
        yield f"{int(century)}世纪"
    for word in re.findall(r"[a-z]+", text.casefold()):
        if word in _ORDINALS or word in _WORDS:
            yield str(_ORDINALS[word] if word in _ORDINALS else _WORDS.index(word))


def _values(match: re.Match[str]) -> tuple[str, ...]:
    digits = match["digits"].replace(",", "")
    if digits.count(".") > 1 or len(digits) > _MAX_DIGITS:
        return (digits,)
    scale = _SCALES.get((match["scale"] or "").lower())
    return (_plain(float(digits)), _plain(float(digits) * scale)) if scale else (_plain(float(digits)),)


def _plain(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _unit(unit: str | None) -> str:
    return _UNITS.get((unit or "").lower(), unit or "")


def _han_value(match: re.Match[str]) -> str:
    if len(match[0]) > _MAX_DIGITS:
        return match[0]
    fraction = "".join(str(_DIGITS[char]) for char in match["fraction"] or "")
    return _plain(float(f"{_han_integer(match['digits'])}.{fraction or 0}"))


def _han_integer(numeral: str) -> int:
    if all(char in _DIGITS for char in numeral):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total = section = digit = 0
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            section += (digit or 1) * _TENS[char]
            digit = 0
        else:
            total = (total + section + digit or 1) * _MYRIADS[char]
            section = digit = 0
    return total + section + digit


def _counts(text: str, match: re.Match[str]) -> bool:
    if match["digits"] in ("一", "两", "万", "千", "百", "亿", "千万") and not match["share"]:
        return False
    is_ordinal = text[max(match.start() - 1, 0) : match.start()] == "第"
    return bool(is_ordinal or match["share"] or match["unit"] or _COUNTED.match(text, match.end()))


def find_identifiers(sentence: str) -> list[str]:
    """Return code in backticks, and words spelt like technical names: `max_size`, `e5`, `PyTorch`."""
    code = _CODE.findall(sentence)
    words = _WORD.findall(_CODE.sub(" ", unicodedata.normalize("NFKC", sentence)))
    return code + [word for word in words if _is_identifier(word)]


def _is_identifier(word: str) -> bool:
    parts = re.split(r"[._:@+#-]+", word)
    if all(len(part) < 2 for part in parts):
        return False
    return bool(re.search(r"[0-9_.:@+#]", word) or _HUMP.search(word))


def find_quoted_names(sentence: str) -> list[str]:
    """Return the texts in Chinese book marks, Chinese quotation marks or double quotes."""
    return [next(filter(None, groups)) for groups in _QUOTED.findall(sentence)]


def find_latin_names(sentence: str) -> list[str]:
    """Return the Latin words of a Chinese text, or the capitalised words within sentences of an English one."""
    text = unicodedata.normalize("NFKC", _CODE.sub(" ", sentence))
    is_chinese = has_han(text)
    return [
        match[0]
        for match in _WORD.finditer(text)
        if len(match[0]) > 1
        and (is_chinese or (match[0][0].isupper() and not _begins_sentence(text, match.start())))
        and match[0].casefold() not in _MONTHS
    ]


def _begins_sentence(text: str, position: int) -> bool:
    start = max(position - _LONGEST_BEFORE_WORD, 0)
    before = text[start:position].rstrip(_BEFORE_WORD)
    return before[-1] in _SENTENCE_MARKS if before else start == 0
