"""Rules for marks of which a reader sees nothing, neither within a line nor as lines of their own."""

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from ingest.markup.rules.closing_lines import line_begins
from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH


def leave_out(parser: MarkdownIt, name: str, pattern: re.Pattern[str], *, begins_with: str, before: str) -> None:
    """Leave out what a pattern matches in a paragraph. `before` is the rule that is tried after this one."""

    def rule(state: StateInline, silent: bool) -> bool:
        found = pattern.match(state.src, state.pos, state.posMax) if state.src[state.pos] == begins_with else None
        if found:
            state.pos = found.end()
        return bool(found)

    parser.inline.ruler.before(before, name, rule)


def leave_out_lines(
    parser: MarkdownIt,
    name: str,
    last_line: Callable[[StateBlock, int, int], int | None],
    *,
    begins_with: tuple[str, ...],
    before: str,
) -> None:
    """Leave out lines. `last_line` gets the first of them and the end of the block, and returns None if none begin.

    It is asked only about lines that begin with one of `begins_with`.

    `before` is the rule that is tried after this one.
    """

    def rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        if not line_begins(state, start_line, begins_with):
            return False
        last = None if state.is_code_block(start_line) else last_line(state, start_line, end_line)
        if last is not None and not silent:
            state.line = last + 1
        return last is not None

    parser.block.ruler.before(before, name, rule, ENDS_PARAGRAPH)
