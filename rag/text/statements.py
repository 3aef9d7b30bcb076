"""An answer cut into its statements, each with the numbers of the passages that it cites."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from rag.text.code_spans import find_code_spans
from rag.text.markers import find_markers, strip_markers
from rag.text.sentences import split_sentences

_MARKERS_AT_END = re.compile(r"(?:\s*\[\d{1,4}\])+\s*\Z")
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)、])\s+")
_BOLD = r"(?:\*\*|__)[^*_]+(?:\*\*|__)[:：]?\s*\Z"
_HEADING = re.compile(rf"\s*(?:#{{1,6}}\s|{_BOLD}|[-*_=|:\s]+\Z)")
_BOLD_ITEM = re.compile(_BOLD)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_ENDS_IN_COLON = re.compile(r"[:：][*_]*\Z")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{3,}[-:|\s]*\Z")
_SOURCES = re.compile(
    r"[\s*_#>\-(（]*(?:资料来源|参考资料|参考文献|参考来源|引用来源|来源|出处|参考|引用|依据|sources?|references?|citations?)"
    r"[\s*_]*(?P<colon>[:：])?[\s*_]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of an answer.

    `text` is word for word as in the answer, without the markers at its end; `numbers` are the passages that it cites.
    `has_own`: the markers stand in the statement or right behind it.
    """

    text: str
    numbers: tuple[int, ...]
    has_own: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together. List items, table rows and code depend on the lead, the line that introduces them.

    A block `of_sources` says nothing: it lists what the whole answer rests on.
    """

    text: str
    depends_on_lead: bool
    of_sources: bool = False


def split_statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of an answer in order.

    A sentence without a marker takes the markers of the next sentence in its paragraph, list item or table row that has
    some, or else of the previous one. List items, table rows and code without any marker take those of the line that
    introduces them, and what is left those of a closing list of sources. Headings, lists of sources and sentences that
    end in a colon and have no marker are not statements.
    """
    blocks = list(_blocks(text))
    of_all = tuple(dict.fromkeys(number for block in blocks if block.of_sources for number in _numbers(block.text)))
    statements: list[Statement] = []
    lead: tuple[int, ...] = ()
    for block in blocks:
        if block.of_sources:
            continue
        sentences = _sentences(block)
        own = [_numbers(sentence) for sentence in sentences]
        nearest = _nearest_numbers(own, lead if block.depends_on_lead else ()) if sentences else []
        for sentence, numbers, marked in zip(sentences, nearest, own, strict=True):
            said = _MARKERS_AT_END.sub("", sentence).strip()
            is_lead = bool(_ENDS_IN_COLON.search(said)) and not marked
            if not is_lead and any(map(str.isalnum, strip_markers(said))):
                statements.append(Statement(said, numbers or of_all, bool(marked)))
        if not block.depends_on_lead:
            lead = next(filter(None, reversed(own)), ())
    return tuple(statements)


def _nearest_numbers(own: list[tuple[int, ...]], lead: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return for each sentence its own numbers, else the next ones, else the last ones before it, else the lead's."""
    nearest = list(own)
    for position in range(len(own) - 2, -1, -1):
        nearest[position] = nearest[position] or nearest[position + 1]
    before = lead
    for position, numbers in enumerate(own):
        before = numbers or before
        nearest[position] = nearest[position] or before
    return nearest


def _numbers(sentence: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(marker.number for marker in find_markers(sentence)))


def _sentences(block: _Block) -> list[str]:
    return [block.text] if _FENCE.match(block.text) else list(_with_whole_code(block.text))


def _with_whole_code(text: str) -> Iterator[str]:
    """Yield the sentences of a text; those that share a code span are one, because a part of it would be no code."""
    begin, end = -1, 0
    spans = find_code_spans(text)
    starts = [span.start for span in spans]
    for sentence in split_sentences(text):
        at = text.find(sentence, end)
        begin, end = at if begin < 0 else begin, at + len(sentence)
        before = bisect_left(starts, end)
        if not before or spans[before - 1].stop <= end:
            yield text[begin:end]
            begin = -1
    if begin >= 0:
        yield text[begin:end]


def _blocks(text: str) -> Iterator[_Block]:
    lines = text.split("\n")
    position = 0
    is_below_sources = False
    while position < len(lines):
        line = lines[position]
        end = position + 1
        of_sources = is_below_sources or _lists_sources(line)
        if fence := _FENCE.match(line):
            while end < len(lines) and not lines[end].lstrip().startswith(fence[1]):
                end += 1
            end += 1
            yield _Block("\n".join(lines[position:end]), depends_on_lead=True)
        elif _is_heading(lines, position):
            is_below_sources = is_below_sources and not line.strip()
        elif line.lstrip().startswith("|"):
            yield _Block(line, depends_on_lead=True)
        elif (mark := _LIST_MARK.match(line)) and not of_sources:
            yield _Block(line[mark.end() :], depends_on_lead=True)
        else:
            while end < len(lines) and not of_sources and _continues(lines, end):
                end += 1
            block = "\n".join(lines[position:end])
            yield _Block(block, depends_on_lead=line.startswith(("  ", "\t")), of_sources=of_sources)
        is_below_sources = is_below_sources or bool(_SOURCES.fullmatch(line.rstrip("）) ")))
        position = end


def _lists_sources(line: str) -> bool:
    """Return whether a line names what the answer rests on: `来源：[1]`, `Sources: [1] guide.md, [2]`."""
    label = _SOURCES.match(line)
    if not label:
        return False
    rest = line[label.end() :]
    is_list = bool(_numbers(rest)) and not any(map(str.isalnum, strip_markers(rest)))
    return is_list or bool(label["colon"] and rest.startswith("["))


def _continues(lines: list[str], position: int) -> bool:
    line = lines[position]
    begins_block = _FENCE.match(line) or _LIST_MARK.match(line) or line.lstrip().startswith("|") or _lists_sources(line)
    return bool(line.strip()) and not begins_block and not _is_heading(lines, position)


def _is_heading(lines: list[str], position: int) -> bool:
    """Return whether the line is a heading, a rule, blank, or the first row of a table."""
    line, following = lines[position], lines[position + 1 : position + 2]
    item = _LIST_MARK.match(line)
    is_heading = _HEADING.match(line) or (item and _BOLD_ITEM.match(line, item.end()))
    return not line.strip() or bool(is_heading) or ("|" in line and any(map(_TABLE_RULE.match, following)))
