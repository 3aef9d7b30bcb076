"""Chinese and English text cut into sentences, or more finely into clauses.

>>> split_sentences("Milvus 是数据库。它快吗？ It is fast [1]. See https://a.cn/?tab=b, e.g. Page 2.")
['Milvus 是数据库。', '它快吗？', 'It is fast [1].', 'See https://a.cn/?tab=b, e.g. Page 2.']
"""

import re

_END = re.compile(
    r"\n"
    r"|(?:(?P<mark>[。！？!?]++)|(?<=[^\s.])\.(?!\.))"
    r"(?P<closing>[”’」』）)\"]*+)(?:\*\*(?!\w)|__(?!\w))?"
    r"(?:[ \t]*\[\d{1,4}\])*+"
)
_ALWAYS_END = frozenset("。！？")
_MARKS = "。！？!?."
_NEXT_SENTENCE = re.compile(r"\s+[^a-z\s]|\s*\Z")
_SPACE_OR_CHINESE = re.compile(r"[\s\u2000-\uffef]|\Z")
_ABBREVIATION = re.compile(r"(?:\b(?:[Ee]\.g|[Ii]\.e|vs|cf|approx|Dr|Mrs?|Ms|Prof|St|No|Fig|Vol)|(?<![A-Za-z])[A-Z])\Z")
_LONGEST_ABBREVIATION = 8
_CLAUSE_END = re.compile(r"(?<=[。！？；\n])|(?<=[.!?;])\s+")


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text in order, word for word, without white space around them.

    A line ends a sentence, and so do `。`, `！` and `？`. `!` and `?` end one except within a word, as in `a != b` or
    `/?tab=`; `.` ends one if white space and no lower-case letter follow, except after an abbreviation, an initial or
    a number that begins the sentence. Closing quotes and brackets and markers such as `[1]` stay with the sentence.
    Marks alone are not a sentence.
    """
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if _ends_sentence(text, start, end):
            sentences.append(text[start : end.end()].strip())
            start = end.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence.strip(_MARKS)]


def split_clauses(text: str) -> list[str]:
    """Return a text that has to be cut somewhere in finer parts: cut also at semicolons and after abbreviations.

    The white space behind `.`, `!`, `?` and `;` is left out; every other character is in one part.
    """
    return _CLAUSE_END.split(text)


def _ends_sentence(text: str, start: int, end: re.Match[str]) -> bool:
    if end[0] == "\n" or _ALWAYS_END.intersection(end["mark"] or ""):
        return True
    if end["mark"]:
        return bool(end["closing"] or _SPACE_OR_CHINESE.match(text, end.end()))
    return bool(_NEXT_SENTENCE.match(text, end.end())) and not _is_within_sentence(text, start, end.start())


def _is_within_sentence(text: str, start: int, stop: int) -> bool:
    """Return whether the full stop at `stop` belongs to an abbreviation, an initial or the number of a list item."""
    before = text[max(start, stop - _LONGEST_ABBREVIATION) : stop]
    return bool(_ABBREVIATION.search(before)) or text[start:stop].strip().isdecimal()
