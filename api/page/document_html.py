"""A document as HTML: headings have their anchors as ids, and cited lines are marked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.page.cited_lines import CitedLines
from api.page.document_links import DocumentLinks
from api.page.document_names import DocumentNames
from api.page.element_html import ElementWriter
from api.page.safe_html import Sanitiser
from ingest.chunking.sections import Heading, section_headings
from ingest.markup.tree import Element, Node, Text
from ingest.readers.document import Document
from rag.document_url import DOCUMENTS, PICTURES

_NO_NAMES = DocumentNames()
_LINES = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """The HTML of a document, and the headings of its sections."""

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


def render_document(
    document: Document,
    *,
    names: DocumentNames = _NO_NAMES,
    lines: range = range(0),
    id_prefix: str = "",
    base: str = "",
) -> RenderedDocument:
    """Render a document, and mark the smallest blocks that overlap `lines` of its file.

    These are paragraphs, or single lines of one, table rows, and single lines of code; a heading only if nothing else
    is on the lines. Links to documents lead to those in `names`. `id_prefix` begins every id, for a page that has
    other ids; `base` begins the addresses of documents and pictures.
    """
    headings = section_headings(document.root)
    anchors = {id(heading.element): id_prefix + heading.anchor for heading in headings if heading.anchor}
    own = (base + DOCUMENTS, base + PICTURES, "#")
    # Of relative addresses only those stay that `DocumentLinks` makes.
    sanitiser = Sanitiser(lambda address: address if address.startswith(own) else None, base=base)
    links = DocumentLinks(document.source, names, id_prefix=id_prefix, base=base)
    content = [*_properties(document), *document.root.children]

    def html(cited: CitedLines) -> str:
        writer = ElementWriter(sanitiser, links, cited, anchors)
        # Block by block, so that nothing in one can change another.
        return "".join(map(sanitiser.clean, writer.write(content)))

    cited = CitedLines(lines, id_prefix)
    rendered = html(cited)
    if lines and not cited.is_found:
        rendered = html(CitedLines(lines, id_prefix, with_headings=True))
    return RenderedDocument(headings, rendered)


def _properties(document: Document) -> Iterator[Element]:
    """Yield what the front matter says to a reader, line by line: it can be cited."""
    if document.properties:
        children: list[Node] = []
        for each in document.properties:
            children += [Text(each.text, each.line), Element("br", each.line)]
        lines = [each.line for each in document.properties]
        yield Element("p", min(lines), max(lines), children=children[:-1])
