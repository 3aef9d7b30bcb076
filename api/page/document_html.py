"""A document as HTML: its headings carry their anchors, and the lines that are cited are marked."""

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
from ingest.readers.documents import Document
from ingest.readers.formats import has_known_suffix
from rag.document_url import PASSAGE_ID, document_url

_LINES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    headings: Sequence[Heading]
    html: str


def line_range(lines: str) -> range:
    """`82-84`, or `82`, as the lines it names; nothing for "". Raises ValueError for anything else."""
    if not lines:
        return range(0)
    match = _LINES.fullmatch(lines)
    if not match:
        raise ValueError(f"lines must be like 82 or 82-84, got {lines!r}")
    start = int(match[1])
    return range(start, int(match[2] or start) + 1)


def render_document(document: Document, *, lines: range = range(0), id_prefix: str = "") -> RenderedDocument:
    """The document with the blocks marked that overlap `lines` of its file.

    `id_prefix` goes before every id, for a page that has ids of its own. Raises RecursionError.
    """
    tokens = parse_tokens(document.body)
    headings = top_level_headings(tokens)
    markup = SafeRenderer(_links_of(document.source, id_prefix))
    openings = (token for token in tokens if token.type == "heading_open" and token.level == 0)
    for opening, heading in zip(openings, headings, strict=True):
        if heading.anchor:
            markup.set(opening, id=id_prefix + heading.anchor)
    for inline in (token for token in tokens if token.type == "inline"):
        _drop_explicit_anchor(inline, headings)
    if lines:
        _Marks(markup, _line_of(document), lines, id_prefix).put(tokens)
    return RenderedDocument(headings, "".join(markup.blocks(tokens)))


def _line_of(document: Document) -> Callable[[int], int]:
    """From the lines of the body, counted from 0, to those of the file."""

    def line_of(line: int) -> int:
        number = line + document.first_line
        return document.line_map[min(number, len(document.line_map)) - 1] if document.line_map else number

    return line_of


def _drop_explicit_anchor(inline: Token, headings: Sequence[Heading]) -> None:
    last = inline.children[-1] if inline.children else None
    if last and last.type == "text" and last.content.endswith("}"):
        for heading in headings:
            last.content = last.content.removesuffix(f"{{#{heading.anchor}}}")


class _Marks:
    """Marks the smallest blocks that overlap some lines: paragraphs, rows, and the lines of code and of broken text."""

    def __init__(self, markup: SafeRenderer, line_of: Callable[[int], int], lines: range, id_prefix: str) -> None:
        self._markup = markup
        self._line_of = line_of
        self._lines = lines
        self._first_id = id_prefix + PASSAGE_ID

    def put(self, tokens: Sequence[Token]) -> None:
        for position, token in enumerate(tokens):
            if token.map is None or not self._overlaps(*token.map):
                continue
            if token.type in ("fence", "code_block"):
                self._put_in_code(token)
            elif token.type == "paragraph_open":
                self._put_in_paragraph(token, tokens[position + 1], tokens[position + 2])
            elif token.type in ("tr_open", "html_block"):
                self._mark(token)

    def _put_in_code(self, token: Token) -> None:
        first = token.map[0] + (token.type == "fence") if token.map else 0
        count = token.content.removesuffix("\n").count("\n") + 1
        at = [number for number in range(count) if self._overlaps(first + number, first + number + 1)]
        if not at or len(at) == count:
            self._mark(token)
            return
        token.meta["marked"] = range(at[0], at[-1] + 1)
        token.meta["mark"] = span("cited", nesting=1)
        self._mark(token.meta["mark"])

    def _put_in_paragraph(self, opening: Token, inline: Token, closing: Token) -> None:
        if opening.map and not self._covers(*opening.map) and self._put_in_lines(opening.map, inline):
            return
        if opening.hidden:  # of a list whose items stand close together
            opening.hidden = closing.hidden = False
            opening.tag = closing.tag = "span"
        self._mark(opening)

    def _put_in_lines(self, lines: Sequence[int], inline: Token) -> bool:
        """Mark only some lines of a paragraph that is broken at each line's end; False if it is not."""
        children = inline.children or []
        breaks = [at for at, child in enumerate(children) if child.type in ("hardbreak", "softbreak")]
        if len(breaks) != lines[1] - lines[0] - 1 or any(children[at].level for at in breaks):
            return False
        marked: list[Token] = []
        bounds = [-1, *breaks, len(children)]
        for number, (before, after) in enumerate(pairwise(bounds)):
            line = children[before + 1 : after]
            if self._overlaps(lines[0] + number, lines[0] + number + 1):
                opening = span("cited", nesting=1)
                self._mark(opening)
                line = [opening, *line, span("cited", nesting=-1)]
            marked += [*line, *children[after : after + 1]]
        inline.children = marked
        return True

    def _mark(self, token: Token) -> None:
        self._markup.set(token, class_="cited")
        if self._first_id:
            self._markup.set(token, id=self._first_id)
            self._first_id = ""

    def _overlaps(self, start: int, end: int) -> bool:
        return self._line_of(start) <= self._lines[-1] and self._line_of(end - 1) >= self._lines[0]

    def _covers(self, start: int, end: int) -> bool:
        return self._lines[0] <= self._line_of(start) and self._line_of(end - 1) <= self._lines[-1]


def _links_of(source: str, id_prefix: str) -> Callable[[str], str | None]:
    """Relative links lead to other documents of the folder and to headings, and nowhere else."""
    folder = str(PurePosixPath(source).parent)

    def link(address: str) -> str | None:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or "\\" in address:
            return None
        if not parts.path:
            return f"#{id_prefix}{quote(unquote(parts.fragment))}" if parts.fragment else None
        path = posixpath.normpath(posixpath.join("/", folder, unquote(parts.path))).lstrip("/")
        if not has_known_suffix(path):
            return None
        fragment = f"#{quote(unquote(parts.fragment))}" if parts.fragment else ""
        return document_url(path) + fragment

    return link
