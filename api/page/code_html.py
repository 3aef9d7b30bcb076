"""Code and other preformatted text as HTML, line by line."""

import time
from collections.abc import Callable, Mapping
from html import escape

from api.page.highlighting import highlighted
from api.page.marks import MarkablePlaces
from ingest.chunking.blocks import Block

Tag = Callable[[str, Mapping[str, str]], str]
"""(name, attributes) → a start tag whose attributes the sanitiser keeps."""


class CodeWriter:
    """Writes the code of one document. After `max_seconds` of highlighting, what follows has no colours."""

    def __init__(self, places: MarkablePlaces, tag: Tag, *, max_seconds: float = 1) -> None:
        self._places = places
        self._tag = tag
        self._seconds_left = max_seconds

    def write(self, block: Block) -> str:
        """Return the HTML of code, which scrolls, or of text that keeps its line breaks."""
        place = self._places.add([range(line.start_line, line.end_line + 1) for line in block.lines])
        attributes = {"tabindex": "0"} if block.kind == "code" else {"class": "plain"}
        start = self._tag("pre", self._places.attributes(place) | attributes)
        edge = self._tag("wbr", self._places.attributes(place)) if place is not None else ""
        lines = [f"{edge}{line}{edge}" for line in self._lines(block)]
        return start + "<code>" + "\n".join(lines) + "\n</code></pre>\n"

    def _lines(self, block: Block) -> list[str]:
        texts = [line.text for line in block.lines]
        if not block.fence or self._seconds_left <= 0:
            return list(map(escape, texts))
        start = time.thread_time()
        pieces = highlighted("\n".join(texts), block.fence)
        self._seconds_left -= time.thread_time() - start
        if pieces is None:
            return list(map(escape, texts))
        return ["".join(self._piece(text, kind) for text, kind in line) for line in pieces]

    def _piece(self, text: str, kind: str) -> str:
        return f"{self._tag('span', {'class': kind})}{escape(text)}</span>" if kind else escape(text)
