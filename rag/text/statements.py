"""An answer cut into its statements, each with the numbers of the passages that it cites."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.text.sentences import split_sentences

_MARKER = re.compile(r"\s*\[(\d{1,4})\]")
_MARKERS_AT_END = re.compile(r"(?:\s*\[\d{1,4}\])+\s*\Z")
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)、])\s+")
_HEADING = re.compile(r"\s*(?:#{1,6}\s|(?:\*\*|__)[^*_]+(?:\*\*|__)[:：]?\s*\Z|[-*_=|:\s]+\Z)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_ENDS_IN_COLON = re.compile(r"[:：][*_]*\Z")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{3,}[-:|\s]*\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of an answer.

    `text` is word for word as in the answer, without the markers at its end; `numbers` are the passages that it cites.
    """

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together. List items, table rows and code depend on the lead, the line that introduces them."""

    text: str
    depends_on_lead: bool


def split_statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of an answer in order.

    A sentence without a marker takes the markers of the next sentence in its paragraph, list item or table row that has
    some, or else of the previous one. List items, table rows and code without any marker take those of the line that
    introduces them. Headings are not statements, nor are sentences that end in a colon and have no marker.
    """
    statements: list[Statement] = []
    lead: tuple[int, ...] = ()
    for block in _blocks(text):
        sentences = _sentences(block)
        own = [_numbers(sentence) for sentence in sentences]
        for position, sentence in enumerate(sentences):
            said = _MARKERS_AT_END.sub("", sentence).strip()
            nearest_first = [*own[position:], *reversed(own[:position]), lead if block.depends_on_lead else ()]
            numbers = next(filter(None, nearest_first), ())
            is_lead = bool(_ENDS_IN_COLON.search(said)) and not own[position]
            if not is_lead and any(map(str.isalnum, _MARKER.sub("", said))):
                statements.append(Statement(said, numbers))
        if not block.depends_on_lead:
            lead = next(filter(None, reversed(own)), ())
    return tuple(statements)


def strip_markers(statement: str) -> str:
    """Return the statement without its citation markers."""
    return _MARKER.sub("", statement)


def _numbers(sentence: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(number) for number in _MARKER.findall(sentence)))


def _sentences(block: _Block) -> list[str]:
    return [block.text] if _FENCE.match(block.text) else split_sentences(block.text)


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
            yield _Block("\n".join(lines[position:end]), depends_on_lead=True)
        elif _is_heading(lines, position):
            pass
        elif line.lstrip().startswith("|"):
            yield _Block(line, depends_on_lead=True)
        elif mark := _LIST_MARK.match(line):
            yield _Block(line[mark.end() :], depends_on_lead=True)
        else:
            while end < len(lines) and _continues(lines, end):
                end += 1
            yield _Block("\n".join(lines[position:end]), depends_on_lead=line.startswith(("  ", "\t")))
        position = end


def _continues(lines: list[str], position: int) -> bool:
    line = lines[position]
    begins_block = _FENCE.match(line) or _LIST_MARK.match(line) or line.lstrip().startswith("|")
    return bool(line.strip()) and not begins_block and not _is_heading(lines, position)


def _is_heading(lines: list[str], position: int) -> bool:
    """Return whether the line is a heading, a rule, blank, or the first row of a table."""
    line, following = lines[position], lines[position + 1 : position + 2]
    return not line.strip() or bool(_HEADING.match(line)) or ("|" in line and any(map(_TABLE_RULE.match, following)))
