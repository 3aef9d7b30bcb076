"""Marks on cited lines. A document is rendered once, which may take seconds, and marked for each reader, which may not.

While a document is rendered, `MarkablePlaces` surrounds what can be marked with empty elements that the sanitiser
keeps. Afterwards it replaces them by offsets in the HTML, where `with_marks` inserts the marks on some lines.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_ATTRIBUTE = "data-mark"
# Only our code can have written these: the sanitiser removes the attribute elsewhere, and escapes every `<` in text.
_SENTINEL = re.compile(
    rf'<wbr {_ATTRIBUTE}="(?P<edge>\d+)">'
    rf'|(?P<tag><[a-z][a-z0-9]*) {_ATTRIBUTE}="(?P<place>\d+)"(?P<class> class="[^"]*)?'
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark from `start` to `end`; if `end` is None, the attributes of a tag, behind its class if it `has_class`."""

    start: int
    end: int | None
    has_class: bool = False


@dataclass(frozen=True, slots=True)
class MarkablePart:
    """What shows some lines of the file, from `start` to `end` in the HTML."""

    lines: range
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MarkablePlace:
    """Parts that are marked one by one, or all together if the cited lines cannot be told from the others.

    If they are all that an element has, its start tag is `tag`: a mark on all of them goes there.
    """

    parts: Sequence[MarkablePart]
    is_heading: bool
    tag: Mark | None

    def marks(self, lines: range) -> Iterator[Mark]:
        """Yield the marks on what overlaps `lines`, which are not empty."""
        cited = [part for part in self.parts if part.lines[0] <= lines[-1] and part.lines[-1] >= lines[0]]
        is_divided = any(part.lines[0] < lines[0] or part.lines[-1] > lines[-1] for part in cited)
        if cited and (is_divided or len(cited) == len(self.parts)):
            yield self.tag or Mark(self.parts[0].start, self.parts[-1].end)
            return
        for part in cited:
            yield Mark(part.start, part.end)


def with_marks(html: str, places: Sequence[MarkablePlace], lines: range, passage_id: str) -> str:
    """Mark the lines in the HTML that the places belong to. A heading is marked only if nothing else is on the lines.

    The first mark is the passage that a link leads to.
    """
    if not lines:
        return html
    marks = [(place.is_heading, mark) for place in places for mark in place.marks(lines)]
    shown = [mark for is_heading, mark in marks if not is_heading] or [mark for _, mark in marks]
    pieces = []
    position = 0
    for number, mark in enumerate(_joined(shown, html)):
        pieces += [html[position : mark.start], _opening(mark, "" if number else passage_id)]
        position = mark.start
        if mark.end is not None:
            pieces += [html[position : mark.end], "</span>"]
            position = mark.end
    return "".join([*pieces, html[position:]])


def _joined(marks: Sequence[Mark], html: str) -> Iterator[Mark]:
    """Yield the marks, those as one that only white space is between, such as the lines of code."""
    before: Mark | None = None
    for mark in marks:
        if before and before.end is not None and mark.end is not None and not html[before.end : mark.start].strip():
            before = Mark(before.start, mark.end)
            continue
        if before:
            yield before
        before = mark
    if before:
        yield before


def _opening(mark: Mark, passage_id: str) -> str:
    attributes = f'cited" id="{passage_id}' if passage_id else "cited"
    if mark.end is not None:
        return f'<span class="{attributes}">'
    return f" {attributes}" if mark.has_class else f' class="{attributes}"'


class MarkablePlaces:
    """Notes the places of one document that can be marked, while it is written."""

    def __init__(self) -> None:
        self._places: list[tuple[Sequence[range], bool]] = []
        self._is_heading = False
        self._is_paused = False

    def add(self, lines: Sequence[range]) -> int | None:
        """Begin a place whose parts show these lines, and return its number; None if nothing can be marked here."""
        shown = [part for part in lines if part]
        if self._is_paused or not shown:
            return None
        self._places.append((shown, self._is_heading))
        return len(self._places) - 1

    def attributes(self, place: int | None) -> dict[str, str]:
        """Return what the sanitiser must keep of the tag of an element that has nothing but this place."""
        return {} if place is None else {_ATTRIBUTE: str(place)}

    @contextmanager
    def within(self, *, heading: bool = False, marked_as_a_whole: bool = False) -> Iterator[None]:
        """Say of what is written meanwhile that it is a heading, or that it cannot be marked on its own."""
        before = self._is_heading, self._is_paused
        self._is_heading, self._is_paused = before[0] or heading, before[1] or marked_as_a_whole
        try:
            yield
        finally:
            self._is_heading, self._is_paused = before

    def read(self, html: str) -> tuple[str, Sequence[MarkablePlace]]:
        """Return the clean HTML without what was put into it, and where the places are in it."""
        pieces: list[str] = []
        edges: defaultdict[int, list[int]] = defaultdict(list)
        tags: dict[int, Mark] = {}
        position = length = 0
        for found in _SENTINEL.finditer(html):
            pieces.append(html[position : found.start()] + (found["tag"] or "") + (found["class"] or ""))
            length += len(pieces[-1])
            position = found.end()
            if found["tag"]:
                tags[int(found["place"])] = Mark(length, None, has_class=bool(found["class"]))
            else:
                edges[int(found["edge"])].append(length)
        places = [
            MarkablePlace(tuple(_parts(lines, edges[number])), is_heading, tags.get(number))
            for number, (lines, is_heading) in enumerate(self._places)
        ]
        return "".join([*pieces, html[position:]]), places


def _parts(lines: Sequence[range], edges: Sequence[int]) -> Iterator[MarkablePart]:
    """Yield the parts of a place. Only the one part of an element that is marked by its tag has no edges."""
    for part, start, end in zip(lines, edges[::2] or [0], edges[1::2] or [0], strict=True):
        yield MarkablePart(part, start, end)
