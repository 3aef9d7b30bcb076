"""The reader of MDX files: Markdown with JavaScript modules, which are left out."""

import re
from collections.abc import Iterator
from dataclasses import replace

from markdown_it import MarkdownIt

from ingest.readers.document import Document
from ingest.readers.markdown import read_markdown

_PARSER = MarkdownIt("commonmark").disable("inline")
_STATEMENT = re.compile(r"(?:import|export)[ {*'\"]")
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`|//.*")


def read_mdx(source: str, content: bytes) -> Document:
    """Return the Markdown of a file, without its `import` and `export` statements. Raises as `read_markdown`."""
    document = read_markdown(source, content)
    return replace(document, body=strip_module_statements(document.body))


def strip_module_statements(mdx: str) -> str:
    """Return the text with blank lines in place of its `import` and `export` statements.

    In MDX a statement begins a paragraph; so neither code nor a wrapped sentence is taken for one.
    """
    lines = mdx.split("\n")
    for start, end in _statements(lines, mdx):
        lines[start:end] = [""] * (end - start)
    return "\n".join(lines)


def _statements(lines: list[str], mdx: str) -> Iterator[tuple[int, int]]:
    """Yield the first line of each statement and the line after its last one."""
    for token in _PARSER.parse(mdx):
        if token.type == "paragraph_open" and token.level == 0 and token.map and _STATEMENT.match(lines[token.map[0]]):
            yield token.map[0], _end_of_statement(lines, *token.map)


def _end_of_statement(lines: list[str], start: int, end: int) -> int:
    """Return the end of the paragraph or, if a bracket is open there, the line that closes it."""
    depth = sum(_opened(line) for line in lines[start:end])
    for stop in range(end, len(lines)):
        if depth <= 0:
            return stop
        depth += _opened(lines[stop])
    return len(lines) if depth <= 0 else end


def _opened(line: str) -> int:
    code = _STRING.sub("", line)
    return sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
