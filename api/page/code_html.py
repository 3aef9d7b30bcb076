"""Code and other preformatted text as HTML, line by line."""

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby

from api.page.cited_lines import CitedLines
from ingest.chunking.blocks import Block

Tag = Callable[..., str]
"""(name, attributes) → a start tag whose attributes the sanitiser keeps."""


def code_html(block: Block, cited: CitedLines, tag: Tag) -> str:
    """Return the HTML of code, which scrolls, or of text that keeps its line breaks."""
    lines = [escape(line.text) for line in block.lines]
    marked = [cited.overlap(line.start_line, line.end_line) for line in block.lines]
    attributes = {"tabindex": "0"} if block.kind == "code" else {"class": "plain"}
    if all(marked):
        mark = cited.attributes()
        attributes |= mark | {"class": " ".join(filter(None, (attributes.get("class"), mark["class"])))}
        marked = [False] * len(lines)
    text = _with_marks(lines, marked, lambda: tag("span", cited.attributes()))
    return f"{tag('pre', attributes)}<code>{text}\n</code></pre>\n"


def _with_marks(lines: Sequence[str], marked: Sequence[bool], mark: Callable[[], str]) -> str:
    parts = []
    for is_marked, group in groupby(zip(lines, marked, strict=True), key=lambda pair: pair[1]):
        text = "\n".join(line for line, _ in group)
        parts.append(f"{mark()}{text}</span>" if is_marked else text)
    return "\n".join(parts)
