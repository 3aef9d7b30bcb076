"""The reader of plain text, in which every character means itself, white space included."""

from collections.abc import Iterator

from ingest.markup.tree import Element, Text
from ingest.readers.cleaned_text import read_text
from ingest.readers.document import Document


def read_plain_text(source: str, content: bytes) -> Document:
    """Return the paragraphs of a text file. Raises DocumentError for an encoding that cannot be read."""
    return Document(source, "", Element("body", 1, children=[*_paragraphs(read_text(source, content))]))


def _paragraphs(text: str) -> Iterator[Element]:
    """Yield what blank lines separate, as preformatted text."""
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            lines.append(line.rstrip())
        elif lines:
            first = number - len(lines)
            content = Text("\n".join(lines), first)
            yield Element("pre", first, number - 1, {"class": "plain"}, [content])
            lines = []
