"""Code and other preformatted text as HTML, line by line."""

import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import groupby

from api.page.cited_lines import CitedLines
from api.page.highlighting import highlighted
from ingest.chunking.blocks import Block

Tag = Callable[[str, Mapping[str, str]], str]
"""(name, attributes) → a start tag whose attributes the sanitiser keeps."""


class CodeWriter:
    """Writes the code of one document. After `max_seconds` of highlighting, what follows has no colours."""

    def __init__(self, cited: CitedLines, tag: Tag, *, max_seconds: float = 1) -> None:
        self._cited = cited
        self._tag = tag
        self._seconds_left = max_seconds

    def write(self, block: Block) -> str:
        """Return the HTML of code, which scrolls, or of text that keeps its line breaks."""
        lines = self._lines(block)
        marked = [self._cited.overlap(line.start_line, line.end_line) for line in block.lines]
        attributes = {"tabindex": "0"} if block.kind == "code" else {"class": "plain"}
        if all(marked):
            mark = self._cited.attributes()
            attributes |= mark | {"class": " ".join(filter(None, (attributes.get("class"), mark["class"])))}
            marked = [False] * len(lines)
        return f"{self._tag('pre', attributes)}<code>{self._with_marks(lines, marked)}\n</code></pre>\n"

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

    def _with_marks(self, lines: Sequence[str], marked: Sequence[bool]) -> str:
        parts = []
        for is_marked, group in groupby(zip(lines, marked, strict=True), key=lambda pair: pair[1]):
            text = "\n".join(line for line, _ in group)
            mark = self._tag("span", self._cited.attributes()) if is_marked else ""
            parts.append(f"{mark}{text}</span>" if is_marked else text)
        return "\n".join(parts)
