"""Lines that begin a tab in a container of tabs: `@tab npm` (VuePress Theme Hope), `== npm` (vitepress-plugin-tabs)."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from ingest.markup.rules.block_marks import is_group_of_tabs, push_titles
from ingest.markup.rules.closing_lines import line_begins, line_of
from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH

_TAB = re.compile(r"(?:@tab(?::active)?|==)[ \t]+(?P<label>\S.*?)(?:[ \t]*#[\w-]+)?")
_CONTAINER = re.compile(r"(?P<colons>:{3,})[ \t]*(?P<name>[A-Za-z][\w-]*)?.*")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")


def use_tab_marks(parser: MarkdownIt) -> None:
    """Add the rule for the first line of a tab."""
    parser.block.ruler.before("fence", "tab_mark", _tab_mark, ENDS_PARAGRAPH)


def _tab_mark(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if not line_begins(state, start_line, ("@tab", "==")) or state.is_code_block(start_line):
        return False
    found = _TAB.fullmatch(line_of(state, start_line))
    if "tab_lines" not in state.env:
        state.env["tab_lines"] = frozenset(_lines_in_tabs(state.src.split("\n")))
    if not found or start_line not in state.env["tab_lines"]:
        return False
    if not silent:
        push_titles(state, [found["label"]], start_line, start_line + 1)
        state.line = start_line + 1
    return True


def _lines_in_tabs(lines: list[str]) -> Iterator[int]:
    """Yield the numbers of the lines in containers of tabs that are neither in another container nor in code."""
    containers: list[tuple[int, bool]] = []
    fence = ""
    for number, line in enumerate(map(str.strip, lines)):
        mark = _FENCE.fullmatch(line)
        container = _CONTAINER.fullmatch(line)
        if fence:
            fence = "" if mark and mark[0].startswith(fence) and not mark[0].strip("`~") else fence
        elif mark:
            fence = mark[1]
        elif container and container["name"]:
            containers.append((len(container["colons"]), is_group_of_tabs(container["name"])))
        elif container:
            _close(containers, len(container["colons"]))
        elif containers and containers[-1][1]:
            yield number


def _close(containers: list[tuple[int, bool]], colons: int) -> None:
    """Leave the innermost container that began with as many colons or more, and those with fewer in it."""
    while containers and containers.pop()[0] < colons:
        pass
