"""A document as HTML: headings have their anchors as ids, and cited lines are marked."""

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from markdown_it.token import Token

from api.page.safe_html import SafeRenderer, span
from ingest.chunking.sections import Heading, parse_tokens, top_level_headings
from ingest.readers.document import Document
from ingest.readers.formats import has_known_suffix
from rag.document_url import PASSAGE_ID, document_url

_LINES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """The HTML of a document, and its top-level headings."""

    headings: Sequence[Heading]
    html: str


def line_range(lines: str) -> range:
    """Parse `82-84` or `82`; "" is an empty range. Raises ValueError for anything else."""
    if not lines:
        return range(0)
    match = _LINES.fullmatch(lines)
    if not match:
        raise ValueError(f"lines must be like 82 or 82-84, got {lines!r}")
    start = int(match[1])
    return range(start, int(match[2] or start) + 1)


def render_document(document: Document, *, lines: range = range(0), id_prefix: str = "") -> RenderedDocument:
    """Render a document, and mark the blocks that overlap `lines` of its file.

    `id_prefix` begins every id, for a page that has other ids. Raises RecursionError if the document nests too deeply.
    """
    tokens = parse_tokens(document.body)
    headings = top_level_headings(tokens)
    renderer = SafeRenderer(_link_resolver(document.source, id_prefix))
    heading_tokens = (token for token in tokens if token.type == "heading_open" and token.level == 0)
    for token, heading in zip(heading_tokens, headings, strict=True):
        if heading.anchor:
            renderer.set(token, id=id_prefix + heading.anchor)
    for inline in (token for token in tokens if token.type == "inline"):
        _remove_explicit_anchor(inline, headings)
    if lines:
        _LineMarker(renderer, _file_line(document), lines, id_prefix).mark(tokens)
    return RenderedDocument(headings, "".join(renderer.blocks(tokens)))


def _file_line(document: Document) -> Callable[[int], int]:
    """Return a function from a line of the body, counted from 0, to the line of the file."""

    def file_line(line: int) -> int:
        number = line + document.first_line
        return document.line_map[min(number, len(document.line_map)) - 1] if document.line_map else number

    return file_line


def _remove_explicit_anchor(inline: Token, headings: Sequence[Heading]) -> None:
    last = inline.children[-1] if inline.children else None
    if last and last.type == "text" and last.content.endswith("}"):
        for heading in headings:
            last.content = last.content.removesuffix(f"{{#{heading.anchor}}}")


class _LineMarker:
    """Marks the smallest blocks that overlap the lines: paragraphs, table rows, and single lines of code or text."""

    def __init__(self, renderer: SafeRenderer, file_line: Callable[[int], int], lines: range, id_prefix: str) -> None:
        self._renderer = renderer
        self._file_line = file_line
        self._lines = lines
        self._first_id = id_prefix + PASSAGE_ID

    def mark(self, tokens: Sequence[Token]) -> None:
        for position, token in enumerate(tokens):
            if token.map is None or not self._overlaps(*token.map):
                continue
            if token.type in ("fence", "code_block"):
                self._mark_code(token)
            elif token.type == "paragraph_open":
                self._mark_paragraph(token, tokens[position + 1], tokens[position + 2])
            elif token.type in ("tr_open", "html_block"):
                self._mark_token(token)

    def _mark_code(self, token: Token) -> None:
        first = token.map[0] + (token.type == "fence") if token.map else 0
        count = token.content.removesuffix("\n").count("\n") + 1
        marked = [number for number in range(count) if self._overlaps(first + number, first + number + 1)]
        if not marked or len(marked) == count:
            self._mark_token(token)
            return
        token.meta["marked"] = range(marked[0], marked[-1] + 1)
        token.meta["mark"] = span("cited", nesting=1)
        self._mark_token(token.meta["mark"])

    def _mark_paragraph(self, start: Token, inline: Token, end: Token) -> None:
        if start.map and not self._covers(*start.map) and self._mark_lines(start.map, inline):
            return
        if start.hidden:  # the paragraph of an item in a tight list
            start.hidden = end.hidden = False
            start.tag = end.tag = "span"
        self._mark_token(start)

    def _mark_lines(self, lines: Sequence[int], inline: Token) -> bool:
        """Mark only some lines of a paragraph; return False if its source lines cannot be told apart."""
        children = inline.children or []
        breaks = [index for index, child in enumerate(children) if child.type in ("hardbreak", "softbreak")]
        if len(breaks) != lines[1] - lines[0] - 1 or any(children[index].level for index in breaks):
            return False
        marked: list[Token] = []
        bounds = [-1, *breaks, len(children)]
        for number, (before, after) in enumerate(pairwise(bounds)):
            line = children[before + 1 : after]
            if self._overlaps(lines[0] + number, lines[0] + number + 1):
                start = span("cited", nesting=1)
                self._mark_token(start)
                line = [start, *line, span("cited", nesting=-1)]
            marked += [*line, *children[after : after + 1]]
        inline.children = marked
        return True

    def _mark_token(self, token: Token) -> None:
        self._renderer.set(token, class_="cited")
        if self._first_id:
            self._renderer.set(token, id=self._first_id)
            self._first_id = ""

    def _overlaps(self, start: int, end: int) -> bool:
        return self._file_line(start) <= self._lines[-1] and self._file_line(end - 1) >= self._lines[0]

    def _covers(self, start: int, end: int) -> bool:
        return self._lines[0] <= self._file_line(start) and self._file_line(end - 1) <= self._lines[-1]


def _link_resolver(source: str, id_prefix: str) -> Callable[[str], str | None]:
    """Return a function that resolves relative links: to headings and to documents of the folder, else None."""
    folder = str(PurePosixPath(source).parent)

    def resolve(address: str) -> str | None:
        url = urlsplit(address)
        if url.scheme or url.netloc or "\\" in address:
            return None
        if not url.path:
            return f"#{id_prefix}{quote(unquote(url.fragment))}" if url.fragment else None
        path = posixpath.normpath(posixpath.join("/", folder, unquote(url.path))).lstrip("/")
        if not has_known_suffix(path):
            return None
        fragment = f"#{quote(unquote(url.fragment))}" if url.fragment else ""
        return document_url(path) + fragment

    return resolve
