"""The grammar of citation markers: every form in which models write `[1]`, and what a bracket must hold to be one.

A marker is brackets around numbers: `[1]`, `【2】`, `[1, 3]`, `[1-3]`, `[1 and 2]`. It may say what the numbers count
(`[passage 1]`, `[编号1]`, `[citation:1]`, `[^1]`) and end as `【1†L1-L5】`. It may be escaped, doubled, or raised with
`<sup>`. Round brackets need a name (`(passage 1)`) or square brackets within (`([1])`).
"""

import re
from dataclasses import dataclass, field
from typing import Literal

OPENINGS = "[【［〔"
CLOSINGS = "]】］〕"
ROUND = "(（"
ROUND_CLOSINGS = ")）"
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISED_DIGITS = str.maketrans(RAISED, "0123456789")
_TAG = re.compile(r"<(sup|cite|ref|citation|source|passage)>", re.IGNORECASE)
_TAG_BEGINNING = re.compile(r"<[a-z]{0,8}\Z", re.IGNORECASE)

MAX_CHARACTERS = 160
"""No marker is longer, so that only a bounded amount of text waits for its end."""
_MAX_NUMBERS = 50
_MAX_DIGITS = 4
_BESIDE_DIGITS = re.compile(r"\d[\[【［]|[\]】］]\d")
_MAX_DEPTH = 2
_NO_MARKER = -2
_SQUARE = re.compile(r"[\[【［〔\]】］〕\n]")
_ROUND = re.compile(r"[(（)）\n]")
_LABELS = frozenset(
    """
    citation citations cite cited passage passages source sources ref refs reference references doc docs document
    documents id ids number numbers context chunk footnote see
    编号 段落 来源 引用 参考 参考文献 文献 资料 文档 出处 见 参见 段 片段 第 依据 引文 原文
    """.split()
)
_JOINTS = frozenset(["and", "or", "与", "和", "及", "以及", "或"])
_RANGES = frozenset(["to", "through", "至", "到", "-", "–", "—", "~", "～", "−"])
_SEPARATORS = frozenset(",，、;；&+[]【】［］")
_NEUTRAL = frozenset("\\* \t")
_BEFORE_NUMBERS = frozenset("^@#:：._")
_TOKEN = re.compile(r"(?P<number>\d+)|(?P<latin>[A-Za-z]+)|(?P<han>[\u4e00-\u9fff]+)|(?P<mark>[^\n])")
_HAN_WORD = re.compile("|".join(sorted((w for w in _LABELS | _JOINTS | _RANGES if w[0] >= "\u4e00"), key=len)[::-1]))
_WORDS = tuple(word for word in _LABELS | _JOINTS | _RANGES if word.isascii())

Kind = Literal["square", "round", "tag", "raised"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Brackets that have the form of a marker, word for word; whether they are one depends on their place.

    `numbers` are in order, each once. `is_labelled`: a word says that they are citations, or only citations are written
    so. `is_list`: several numbers stand in one bracket without a label, as in an array.
    """

    start: int
    text: str
    kind: Kind
    numbers: tuple[int, ...]
    is_labelled: bool = False
    is_list: bool = False
    has_repetition: bool = False

    @property
    def end(self) -> int:
        """Return where the text goes on behind the brackets."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class _Contents:
    """The numbers between brackets; whether a word says what they are; whether all is digits and commas."""

    numbers: tuple[int, ...]
    is_labelled: bool
    is_plain: bool


Unfinished = Literal["unfinished"]


def read_candidate(text: str, start: int) -> Candidate | Unfinished | None:
    """Return the candidate that begins at `start`, or None; "unfinished" if more text may make it one.

    At `start` there must be an opening bracket, a backslash before one, `<`, or a raised digit.
    """
    opening = text[start]
    if opening in RAISED:
        return _read_raised(text, start)
    if opening == "<":
        return _read_tag(text, start)
    return _read_brackets(text, start, start + 1 if opening == "\\" else start)


def _read_brackets(text: str, start: int, begin: int) -> Candidate | Unfinished | None:
    is_round = text[begin] in ROUND
    end = _closing(text, begin, is_round=is_round)
    if end == _NO_MARKER:
        return None
    contents = text[begin + 1 : end if end >= 0 else begin + MAX_CHARACTERS + 2]
    read = _read_contents(contents, is_complete=end >= 0)
    if read is None or _BESIDE_DIGITS.search(contents) or (end < 0 and len(contents) > MAX_CHARACTERS):
        return None
    if end < 0 or read == "unfinished":
        return "unfinished"
    has_brackets = any(char in contents for char in OPENINGS)
    is_labelled = read.is_labelled or has_brackets
    if is_round and not is_labelled and not contents.strip().isdecimal():
        return None
    distinct = tuple(dict.fromkeys(read.numbers))
    return Candidate(
        start,
        text[start : end + 1],
        "round" if is_round else "square",
        distinct,
        is_labelled=is_labelled or begin > start or text[begin] in "【〔",
        is_list=len(read.numbers) > 1 and read.is_plain,
        has_repetition=len(distinct) < len(read.numbers),
    )


def _closing(text: str, begin: int, *, is_round: bool) -> int:
    """Return the position of the bracket that closes the one at `begin`, or -1 if there is none nearby."""
    openings = ROUND if is_round else OPENINGS
    depth = 0
    for bracket in (_ROUND if is_round else _SQUARE).finditer(text, begin, begin + MAX_CHARACTERS):
        if bracket[0] == "\n" or depth > _MAX_DEPTH:
            return _NO_MARKER
        depth += 1 if bracket[0] in openings else -1
        if not depth:
            return bracket.start()
    return -1


def _read_raised(text: str, start: int) -> Candidate | Unfinished:
    end = start
    while end < len(text) and text[end] in RAISED:
        end += 1
    if end == len(text):
        return "unfinished"
    number = int(text[start:end].translate(_RAISED_DIGITS)[:4])
    return Candidate(start, text[start:end], "raised", (number,))


def _read_tag(text: str, start: int) -> Candidate | Unfinished | None:
    tag = _TAG.match(text, start)
    if not tag:
        return "unfinished" if _TAG_BEGINNING.match(text, start) else None
    closing = f"</{tag[1]}>".lower()
    near = text[tag.end() : tag.end() + MAX_CHARACTERS].lower()
    contents, found, _ = near.partition(closing)
    read = _read_contents(contents if found else contents.partition("<")[0], is_complete=bool(found))
    if read is None or "\n" in contents or (not found and len(near) >= MAX_CHARACTERS):
        return None
    if not found or read == "unfinished":
        rest = "<" + near.partition("<")[2]
        return "unfinished" if closing.startswith(rest) or "<" not in near else None
    is_labelled = closing != "</sup>" or any(char in contents for char in OPENINGS)
    end = tag.end() + len(contents) + len(closing)
    return Candidate(start, text[start:end], "tag", read.numbers, is_labelled=is_labelled)


def _read_contents(contents: str, *, is_complete: bool) -> _Contents | Unfinished | None:
    """Return what stands between brackets, if it is what a marker holds."""
    before_tail, dagger, _ = contents.partition("†")
    read = _Reader(is_labelled=bool(dagger) or contents.lstrip().startswith(("^", "@", "#")), has_tail=bool(dagger))
    for token in _TOKEN.finditer(before_tail):
        is_last = token.end() == len(before_tail) and not is_complete and not dagger
        if not read.take(token, is_last=is_last):
            return None
    if not is_complete:
        return "unfinished"
    if not read.numbers or read.is_range or (read.is_tail and not dagger):
        return None
    return _Contents(tuple(read.numbers), read.is_labelled, read.is_plain)


@dataclass(slots=True)
class _Reader:
    is_labelled: bool
    has_tail: bool
    numbers: list[int] = field(default_factory=list)
    is_plain: bool = True
    is_range: bool = False
    is_tail: bool = False
    """Whether `:` follows a number, as in `4:0†source`."""
    may_be_number: bool = True

    def take(self, token: re.Match[str], *, is_last: bool) -> bool:
        """Add a token; return whether the brackets may still hold a marker."""
        match token.lastgroup:
            case "number":
                return self._take_number(token[0])
            case "mark":
                return self._take_mark(token[0])
        kind = _kind_of(token[0], is_last=is_last)
        self.is_labelled = self.is_labelled or kind == "label"
        self.is_plain, self.may_be_number = False, True
        self.is_range = kind == "range" and bool(self.numbers)
        return kind is not None

    def _take_number(self, digits: str) -> bool:
        if len(digits) > _MAX_DIGITS or len(self.numbers) >= _MAX_NUMBERS or not self.may_be_number:
            return False
        if self.is_tail:
            return True
        number = int(digits)
        if self.is_range and number - self.numbers[-1] < _MAX_NUMBERS:
            self.numbers += range(self.numbers[-1] + 1, number)
        self.numbers.append(number)
        self.is_range = self.may_be_number = False
        return True

    def _take_mark(self, mark: str) -> bool:
        if mark in _RANGES:
            self.is_range, self.is_plain, self.may_be_number = True, False, True
            return bool(self.numbers)
        if mark in ":：" and self.numbers:
            self.is_tail = self.may_be_number = True
            return True
        self.may_be_number = self.may_be_number or mark in _SEPARATORS
        is_ending = mark == "^" and bool(self.numbers)
        return mark in _SEPARATORS or mark in _NEUTRAL or is_ending or (mark in _BEFORE_NUMBERS and not self.numbers)


def _kind_of(word: str, *, is_last: bool) -> Literal["label", "joint", "range", "part"] | None:
    lower = word.lower()
    if lower.isascii():
        if is_last and any(known.startswith(lower) for known in _WORDS):
            return "part"
        words = [lower]
    else:
        words = _HAN_WORD.findall(lower)
        if len("".join(words)) < len(lower):
            return "part" if is_last else None
    kinds = {
        "label" if known in _LABELS else "joint" if known in _JOINTS else "range" if known in _RANGES else None
        for known in words
    }
    if None in kinds:
        return None
    return "label" if "label" in kinds else "range" if "range" in kinds else "joint"
