"""A document as HTML: headings have their anchors as ids, and cited lines can be marked."""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from api.page.document_links import DocumentLinks
from api.page.document_names import DocumentNames
from api.page.element_html import ElementWriter
from api.page.marks import MarkablePlace, MarkablePlaces, with_marks
from api.page.safe_html import Sanitiser
from ingest.chunking.sections import section_headings
from ingest.markup.tree import Element, Node, Text
from ingest.readers.document import Document
from rag.document_url import DOCUMENTS, PASSAGE_ID, PICTURES

_NO_NAMES = DocumentNames()
_LINES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class SectionHeading:
    """The heading of a section, and its anchor."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A document as HTML with gaps, which `html` fills for one reader: rendering can take seconds, this does not."""

    headings: Sequence[SectionHeading]
    template: str
    places: Sequence[MarkablePlace]
    gaps: "Gaps"

    def shows_picture(self, url: str) -> bool:
        """Return whether the document shows the picture with this URL path."""
        return escape(self.gaps.base + url) in self.template

    def html(self, lines: range = range(0), *, id_prefix: str = "", base: str = "") -> str:
        """Return the HTML, with marks on the smallest blocks that overlap `lines` of the file.

        These are paragraphs, or single lines of one, table rows, and single lines of code; a heading only if nothing
        else is on the lines. `id_prefix` begins every id, for a page that has other ids; `base` begins the addresses
        of documents and pictures.
        """
        marked = with_marks(self.template, self.places, lines, self.gaps.id_prefix + PASSAGE_ID)
        return marked.replace(self.gaps.id_prefix, id_prefix).replace(self.gaps.base, base)


@dataclass(frozen=True, slots=True)
class Gaps:
    """What stands in the template for the prefix of ids and for the beginning of our addresses: nobody can guess it."""

    id_prefix: str
    base: str

    @classmethod
    def new(cls) -> "Gaps":
        """Return gaps that no document contains."""
        return cls(f"id-{secrets.token_hex(8)}-", f"base-{secrets.token_hex(8)}")


def line_range(lines: str) -> range:
    """Parse `82-84` or `82`; "" is an empty range. Raises ValueError for anything else."""
    if not lines:
        return range(0)
    match = _LINES.fullmatch(lines)
    if not match:
        raise ValueError(f"lines must be like 82 or 82-84, got {lines!r}")
    start = int(match[1])
    return range(start, int(match[2] or start) + 1)


def render_document(document: Document, *, names: DocumentNames = _NO_NAMES) -> RenderedDocument:
    """Render a document. Links to documents lead to those in `names`. Raises RecursionError."""
    gaps = Gaps.new()
    headings = section_headings(document.root)
    anchors = {id(heading.element): gaps.id_prefix + heading.anchor for heading in headings if heading.anchor}
    own = (gaps.base + DOCUMENTS, gaps.base + PICTURES, "#")
    # Of relative addresses only those stay that `DocumentLinks` makes.
    sanitiser = Sanitiser(lambda address: address if address.startswith(own) else None, base=gaps.base)
    links = DocumentLinks(document.source, names, id_prefix=gaps.id_prefix, base=gaps.base)
    places = MarkablePlaces()
    writer = ElementWriter(sanitiser, links, places, anchors)
    # Block by block, so that nothing in one can change another.
    blocks = map(sanitiser.clean, writer.write([*_properties(document), *document.root.children]))
    template, marks = places.read("".join(blocks))
    shown = [SectionHeading(heading.level, heading.text, heading.anchor) for heading in headings]
    return RenderedDocument(shown, template, marks, gaps)


def _properties(document: Document) -> Iterator[Element]:
    """Yield what the front matter says to a reader, line by line: it can be cited."""
    if document.properties:
        children: list[Node] = []
        for each in document.properties:
            children += [Text(each.text, each.line), Element("br", each.line)]
        lines = [each.line for each in document.properties]
        yield Element("p", min(lines), max(lines), children=children[:-1])
