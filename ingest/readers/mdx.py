"""MDX as Markdown: without the JavaScript that it begins with."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark").disable("inline")
_STATEMENT = re.compile(r"(?:import|export)[ {*'\"]")
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`|//.*")


def strip_module_statements(mdx: str) -> str:
    """The same text without its `import` and `export` statements; the number of lines stays the same.

    A statement begins a paragraph, as MDX demands, so that neither code nor a wrapped sentence is taken for one.
    """
    lines = mdx.split("\n")
    for start, end in _statements(lines, mdx):
        lines[start:end] = [""] * (end - start)
    return "\n".join(lines)


def _statements(lines: list[str], mdx: str) -> Iterator[tuple[int, int]]:
    """The first line of each statement and the line after its last."""
    for token in _PARSER.parse(mdx):
        if token.type == "paragraph_open" and token.level == 0 and token.map and _STATEMENT.match(lines[token.map[0]]):
            yield token.map[0], _end_of_statement(lines, *token.map)


def _end_of_statement(lines: list[str], start: int, end: int) -> int:
    """The end of its paragraph, or, while a bracket is open there, the line that closes it."""
    depth = sum(_opened(line) for line in lines[start:end])
    for stop in range(end, len(lines)):
        if depth <= 0:
            return stop
        depth += _opened(lines[stop])
    return len(lines) if depth <= 0 else end


def _opened(line: str) -> int:
    code = _STRING.sub("", line)
    return sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
