"""A document rebuilt from its chunks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from ingest.markup.markdown_tree import markdown_tree
from ingest.markup.tree import Element, Node, Text
from ingest.readers.document import Document
from rag.store.records import DocumentRecord
from rag.types import Chunk


def rebuild_document(record: DocumentRecord, chunks: Sequence[Chunk], *, as_plain_text: bool = False) -> Document:
    """Return the document as its chunks, in order, have it: under their headings, rendered or as preformatted text.

    The document knows which line of the file each of its lines stands for.
    """
    root = Element("body", 1, children=[*_elements(chunks, _plain if as_plain_text else _rendered)])
    return Document(record.source, record.title, root, chunks[0].metadata if chunks else {})


def _elements(chunks: Sequence[Chunk], blocks: Callable[[Chunk], Iterable[Element]]) -> Iterator[Element]:
    """Yield headings and blocks with the lines of the file that they stand for, as closely as chunks know them."""
    path: tuple[str, ...] = ()
    tables = {chunk.group for chunk in chunks if chunk.kind == "table"}
    for chunk in chunks:
        if chunk.kind == "row" and chunk.group in tables:
            continue  # its table has the same content
        kept = _common_length(path, chunk.heading_path)
        for depth, heading in enumerate(chunk.heading_path[kept:], kept + 1):
            element = Element(f"h{min(depth, 6)}", chunk.start_line, children=[Text(heading, chunk.start_line)])
            if depth == len(chunk.heading_path) and chunk.anchor:
                element.attributes["id"] = chunk.anchor
            yield element
        path = chunk.heading_path
        yield from blocks(chunk)


def _plain(chunk: Chunk) -> Iterable[Element]:
    return (Element("pre", chunk.start_line, chunk.end_line, children=[Text(chunk.content, chunk.start_line)]),)


def _rendered(chunk: Chunk) -> Iterable[Element]:
    return _markdown(chunk) if chunk.kind in ("table", "list", "code") else map(_paragraph, _paragraphs(chunk))


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many items the two have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _markdown(chunk: Chunk) -> Iterator[Element]:
    """Yield the blocks of a chunk that is Markdown. Its lines count from the first one that the file has."""
    lines = chunk.content.count("\n") + 1
    # The lines above the header (a caption) and the delimiter row of a table stand for no line of the file.
    above = max(lines - (chunk.end_line - chunk.start_line + 1), 0) if chunk.kind == "table" else 0
    try:
        root = markdown_tree(chunk.content, chunk.start_line - above)
    except RecursionError:
        yield _paragraph(Text(chunk.content, chunk.start_line))
        return
    for child in root.children:
        if isinstance(child, Element):
            _keep_within(child, chunk)
            yield child


def _keep_within(element: Element, chunk: Chunk) -> None:
    element.line = min(max(element.line, chunk.start_line), chunk.end_line)
    element.end_line = min(max(element.end_line, element.line), chunk.end_line)
    for child in element.children:
        if isinstance(child, Element):
            _keep_within(child, chunk)
        else:
            child.line = min(max(child.line, chunk.start_line), chunk.end_line)


def _paragraphs(chunk: Chunk) -> Iterator[Text]:
    line = chunk.start_line
    for text in chunk.content.split("\n\n"):
        yield Text(text, min(line, chunk.end_line))
        line += text.count("\n") + 2


def _paragraph(text: Text) -> Element:
    """Return a paragraph in which every character means itself, with the line breaks of the text."""
    children: list[Node] = []
    for number, line in enumerate(text.text.split("\n"), text.line):
        children += [Text(line, number), Element("br", number)]
    return Element("p", text.line, text.line + text.text.count("\n"), children=children[:-1])
