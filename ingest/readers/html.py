"""The reader of HTML files."""

from collections.abc import Iterator

from ingest.markup.builder import TreeBuilder
from ingest.markup.tree import Element
from ingest.readers.cleaned_text import read_html_text
from ingest.readers.document import Document


def read_html(source: str, content: bytes) -> Document:
    """Return the content of a page, without scripts, styles, navigation and what is hidden.

    Raises DocumentError for an encoding that cannot be read.
    """
    return html_document(source, read_html_text(source, content))


def html_document(source: str, html: str) -> Document:
    """Return the document of an HTML text."""
    builder = TreeBuilder(source=html)
    builder.html(html, 1, is_block=False)
    titles = (_text_of(title) for title in _descendants(builder.root) if title.name == "title")
    return Document(source, next(titles, ""), builder.root)


def _descendants(element: Element) -> Iterator[Element]:
    for child in element.children:
        if isinstance(child, Element) and child.name != "svg":
            yield child
            yield from _descendants(child)


def _text_of(element: Element) -> str:
    return " ".join("".join(child.text for child in element.children if not isinstance(child, Element)).split())
