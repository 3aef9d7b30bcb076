"""An answer cut into the statements that it makes, each with the passages that it cites."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARKER = re.compile(r"\s*\[(\d{1,4})\]")
_MARKERS_AT_END = re.compile(r"(?:\s*\[\d{1,4}\])+\s*\Z")
_STOP = r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bDr)(?<!\bMr)(?<!\bNo)\.(?=(?:\s*\[\d{1,4}\])*(?:\s+[^a-z\s]|\s*\Z))"
_SENTENCE_END = re.compile(rf"(?:[。！？]+|[!?]+(?=\s|\Z)|{_STOP}|\n)[”’」』）)\"*_]*(?:\s*\[\d{{1,4}}\])*")
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)、])\s+")
_HEADING = re.compile(r"\s*(?:#{1,6}\s|(?:\*\*|__)[^*_]+(?:\*\*|__)[:：]?\s*\Z|[-*_=|:\s]+\Z)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_LEAD_IN = re.compile(r"[:：][*_]*\Z")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{3,}[-:|\s]*\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` stands word for word in the answer, without the markers behind it; `numbers` are the passages it cites."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together. `hangs` if it is an item, a row or code, which may share the markers of its lead."""

    text: str
    hangs: bool


def split_statements(text: str) -> tuple[Statement, ...]:
    """The statements of an answer in order.

    A sentence without a marker of its own shares that of the next sentence of its paragraph, list item or table row
    that has one, or else of the one before. List items, table rows and code without any share those of the line that
    leads in to them. Headings, and leads-in (sentences that end in a colon) without a marker, state nothing.
    """
    found: list[Statement] = []
    lead: tuple[int, ...] = ()
    for block in _blocks(text):
        sentences = _sentences(block)
        own = [_numbers(sentence) for sentence in sentences]
        for position, sentence in enumerate(sentences):
            stated = _MARKERS_AT_END.sub("", sentence).strip()
            shared = [*own[position:], *reversed(own[:position]), lead if block.hangs else ()]
            numbers = next(filter(None, shared), ())
            is_lead_in = bool(_LEAD_IN.search(stated)) and not own[position]
            if not is_lead_in and any(map(str.isalnum, _MARKER.sub("", stated))):
                found.append(Statement(stated, numbers))
        if not block.hangs:
            lead = next(filter(None, reversed(own)), ())
    return tuple(found)


def strip_markers(statement: str) -> str:
    return _MARKER.sub("", statement)


def _numbers(sentence: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(number) for number in _MARKER.findall(sentence)))


def _sentences(block: _Block) -> list[str]:
    if _FENCE.match(block.text):
        return [block.text]
    text, found, start = block.text, [], 0
    for end in _SENTENCE_END.finditer(text):
        found.append(text[start : end.end()])
        start = end.end()
    return [sentence for sentence in [*found, text[start:]] if sentence.strip()]


def _blocks(text: str) -> Iterator[_Block]:
    lines = text.split("\n")
    position = 0
    while position < len(lines):
        line = lines[position]
        end = position + 1
        if fence := _FENCE.match(line):
            while end < len(lines) and not lines[end].lstrip().startswith(fence[1]):
                end += 1
            end += 1
            yield _Block("\n".join(lines[position:end]), hangs=True)
        elif _is_heading(lines, position):
            pass
        elif line.lstrip().startswith("|"):
            yield _Block(line, hangs=True)
        elif mark := _LIST_MARK.match(line):
            yield _Block(line[mark.end() :], hangs=True)
        else:
            while end < len(lines) and _continues(lines, end):
                end += 1
            yield _Block("\n".join(lines[position:end]), hangs=line.startswith(("  ", "\t")))
        position = end


def _continues(lines: list[str], position: int) -> bool:
    line = lines[position]
    is_other = _FENCE.match(line) or _LIST_MARK.match(line) or line.lstrip().startswith("|")
    return bool(line.strip()) and not is_other and not _is_heading(lines, position)


def _is_heading(lines: list[str], position: int) -> bool:
    """A heading, a rule, a blank line, or the first row of a table."""
    line, following = lines[position], lines[position + 1 : position + 2]
    return not line.strip() or bool(_HEADING.match(line)) or ("|" in line and any(map(_TABLE_RULE.match, following)))
