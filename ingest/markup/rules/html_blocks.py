"""Blocks of HTML in which the marks of a dialect count.

At a line that is `:::` or a shortcode, or at a fence, the block ends as if an empty line stood before it. A site
generator replaces the shortcodes that stand in HTML, too.

Within an element that is still open, an indented line that begins with a tag is HTML, not code: people indent what it
contains, and put empty lines between.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, code, html_block

from ingest.markup.elements import KNOWN
from ingest.markup.rules.block_marks import begins_or_ends_block, read_mark
from ingest.markup.rules.closing_lines import line_begins, line_of
from ingest.markup.rules.open_elements import has_open_element
from ingest.markup.rules.shortcodes import without_shortcodes

_CODE = ("<script", "<pre", "<style", "<textarea", "<!", "<?")
_CODE_INDENT = 4
_JSX_SPACE = re.compile(r"\{\s*(?:' '|\" \")\s*\}")
_TAG_START = re.compile(r"</?(?P<name>[A-Za-z][\w-]*)(?=[\s/>]|\Z)")


def use_html_blocks(parser: MarkdownIt) -> None:
    """Replace the rules for blocks of HTML and for indented code."""
    parser.block.ruler.at("code", _code)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})


def _html_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if not line_begins(state, start_line, ("<",)):
        return False
    if silent or line_of(state, start_line).lower().startswith(_CODE):
        return html_block(state, start_line, end_line, silent)
    if not html_block(state, start_line, _end(state, start_line, end_line), silent):
        return False
    token = state.tokens[-1]
    token.content = _shown(token.content)
    return True


def _code(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Take indented lines for code, unless they are HTML that goes on."""
    if not state.is_code_block(start_line):
        return False
    line = line_of(state, start_line)
    is_mark = begins_or_ends_block(line)
    if not ((is_mark or _begins_with_tag(line)) and has_open_element(state, start_line)):
        return code(state, start_line, end_line, silent)
    indent, state.sCount[start_line] = state.sCount[start_line], state.blkIndent
    read = read_mark if is_mark else _html_block
    if not read(state, start_line, end_line, silent):
        # A line that begins with `<b>` begins no block, but belongs to the one around it.
        state.line = _end(state, start_line, end_line)
        token = state.push("html_block", "", 0)
        token.map = [start_line, state.line]
        token.content = _shown(state.getLines(start_line, state.line, state.blkIndent, True))
    state.sCount[start_line] = indent
    return True


def _shown(html: str) -> str:
    return without_shortcodes(_JSX_SPACE.sub(" ", html))


def _begins_with_tag(line: str) -> bool:
    tag = _TAG_START.match(line)
    return line.startswith("<!--") or (tag is not None and tag["name"].lower() in KNOWN)


def _end(state: StateBlock, start_line: int, end_line: int) -> int:
    """Return the first line below `start_line` that ends a block of HTML at the latest."""
    for line in range(start_line + 1, end_line):
        text = line_of(state, line)
        if not text or begins_or_ends_block(text) or _begins_fence(state, line, text):
            return line
    return end_line


def _begins_fence(state: StateBlock, line: int, text: str) -> bool:
    is_mark = text.startswith(("```", "~~~")) and "`" not in text.lstrip("`")
    return is_mark and state.sCount[line] - state.blkIndent < _CODE_INDENT
