"""A document as plain text, for one that cannot be rendered: the work grows with its length, whatever it contains."""

from html import escape

from api.page.document_html import Gaps, RenderedDocument, SectionHeading
from api.page.marks import Mark, MarkablePart, MarkablePlace
from ingest.chunking.sections import section_headings
from ingest.markup.tree import Element, Text
from ingest.readers.document import Document

_START, _REST = '<pre class="plain', '"><code>'


def render_plain(document: Document) -> RenderedDocument:
    """Render a document that `rebuild_document` has made as plain text. Each of its chunks can be marked as a whole."""
    gaps = Gaps.new()
    headings = section_headings(document.root)
    anchors = {id(heading.element): gaps.id_prefix + heading.anchor for heading in headings if heading.anchor}
    pieces: list[str] = []
    places = []
    length = 0
    for element in document.root.children:
        if not isinstance(element, Element):
            continue
        text = escape("".join(child.text for child in element.children if isinstance(child, Text)))
        if element.name == "pre":
            tag = Mark(length + len(_START), None, has_class=True)
            part = MarkablePart(range(element.line, element.end_line + 1), length, length)
            places.append(MarkablePlace((part,), is_heading=False, tag=tag))
            html = f"{_START}{_REST}{text}\n</code></pre>\n"
        else:
            identity = f' id="{escape(anchors[id(element)])}"' if id(element) in anchors else ""
            html = f"<{element.name}{identity}>{text}</{element.name}>\n"
        pieces.append(html)
        length += len(html)
    shown = [SectionHeading(heading.level, heading.text, heading.anchor) for heading in headings]
    return RenderedDocument(shown, "".join(pieces), places, gaps)
