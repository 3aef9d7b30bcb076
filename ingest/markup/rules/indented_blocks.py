"""Blocks of Python-Markdown whose content is indented: `!!! note "标题"`, `??? tip`, `=== "标签"`."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from ingest.markup.rules.block_marks import push_titles
from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH

_INDENT = 4
# As a definition, it may stand behind a colon whose term is a macro.
_HEAD = re.compile(
    r"(?P<colon>:[ \t]{1,3})?"
    r"(?:(?:!!!|\?\?\?\+?)[ \t]*(?P<classes>[\w-]+(?:[ \t]+[\w-]+)*)?[ \t]*(?:\"(?P<title>.*)\")?"
    r"|===[!+]{0,2}[ \t]+(?P<quote>[\"'])(?P<tab>.+)(?P=quote))[ \t]*\Z"
)


def use_indented_blocks(parser: MarkdownIt) -> None:
    """Add the rule before that of setext headings, whose underlines look alike."""
    parser.block.ruler.before("fence", "indented_block", _indented_block, ENDS_PARAGRAPH)


def _indented_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if state.is_code_block(start_line):
        return False
    head = _HEAD.match(state.src[state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]])
    if not head or not (head["classes"] or head["title"] or head["tab"]):
        return False
    if silent:
        return True
    label = head["tab"] or head["title"]
    push_titles(state, [label] if label else [], start_line, start_line + 1)
    state.line = start_line + 1
    indent = state.blkIndent + _INDENT * (2 if head["colon"] else 1)
    end = _end_of_content(state, start_line + 1, end_line, indent)
    if end > start_line + 1:
        _parse_content(state, start_line + 1, end, indent)
    return True


def _end_of_content(state: StateBlock, line: int, end_line: int, indent: int) -> int:
    """Return the line after the last one that is indented enough."""
    end = line
    for number in range(line, end_line):
        if state.isEmpty(number):
            continue
        if state.sCount[number] < indent:
            break
        end = number + 1
    return end


def _parse_content(state: StateBlock, start_line: int, end_line: int, indent: int) -> None:
    parent, outer, last = state.parentType, state.blkIndent, state.lineMax
    state.push("indented_open", "div", 1).map = [start_line, end_line]
    state.parentType, state.blkIndent, state.lineMax = "indented_block", indent, end_line
    state.md.block.tokenize(state, start_line, end_line)
    state.parentType, state.blkIndent, state.lineMax = parent, outer, last
    state.push("indented_close", "div", -1)
    state.line = end_line
