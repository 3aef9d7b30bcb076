"""The JavaScript of MDX and of Docusaurus' Markdown: `import` and `export` statements, and comments in braces."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark").disable("inline")
_STATEMENT = re.compile(r"(?:import|export)[ {*'\"]")
# In Markdown, only what nobody would write as a sentence.
_IMPORT = re.compile(r"import\s+(?:[\w$*{},\s]+\s+from\s+)?(['\"])[\w@./\\~!?=&-]+\1\s*;?[ \t]*\Z")
_IMPORTED = re.compile(r"import\s+([\w$*{},\s]+?)\s+from\b")
_NAME = re.compile(r"[A-Z][\w$]*")
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`|//.*")
_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.DOTALL)


def imports_components(text: str) -> bool:
    """Return whether a Markdown text imports what it uses as a component: Docusaurus reads every `.md` as MDX.

    >>> imports_components("import Tabs from '@theme/Tabs';\\n\\n<Tabs>\\n…"), imports_components("import os")
    (True, False)
    """
    if "import " not in text:
        return False
    lines = text.split("\n")
    statements = [" ".join(lines[start:end]) for start, end in _statements(lines, text, is_mdx=False)]
    names = {name for statement in statements for each in _IMPORTED.findall(statement) for name in _NAME.findall(each)}
    return any(re.search(rf"<{re.escape(name)}[\s/>]", text) for name in names)


def without_module_statements(text: str, *, is_mdx: bool) -> str:
    """Return the text with blank lines in place of its statements and, in MDX, without its comments.

    A statement begins a paragraph; so neither code nor a wrapped sentence is taken for one.
    """
    if "import " not in text and "export " not in text and "{/*" not in text:
        return text
    lines = text.split("\n")
    for start, end in _statements(lines, text, is_mdx=is_mdx):
        lines[start:end] = [""] * (end - start)
    return _without_comments("\n".join(lines)) if is_mdx else "\n".join(lines)


def _statements(lines: list[str], text: str, *, is_mdx: bool) -> Iterator[tuple[int, int]]:
    """Yield the first line of each statement and the line after its last one."""
    for token in _PARSER.parse(text):
        if token.type != "paragraph_open" or token.level or not token.map:
            continue
        start, end = token.map
        if is_mdx and _STATEMENT.match(lines[start]):
            yield start, _end_of_statement(lines, start, end)
        elif not is_mdx and all(map(_IMPORT.match, _imports(lines[start:end]))):
            yield start, end


def _imports(lines: list[str]) -> list[str]:
    """Return the lines of a paragraph, with those of an import in braces joined."""
    joined: list[str] = []
    for line in lines:
        if joined and joined[-1].count("{") > joined[-1].count("}"):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line.strip())
    return joined


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


def _without_comments(text: str) -> str:
    """Leave out `{/* … */}` outside of code, and keep the number of lines."""
    code_lines = {
        line for token in _PARSER.parse(text) if token.type == "fence" and token.map for line in range(*token.map)
    }

    def blank(found: re.Match[str]) -> str:
        line = text.count("\n", 0, found.start())
        return found[0] if line in code_lines else "\n" * found[0].count("\n")

    last = text.rfind("*/}") + len("*/}")  # behind it, each opening would be searched to the end of the text
    return _COMMENT.sub(blank, text[:last]) + text[last:]
