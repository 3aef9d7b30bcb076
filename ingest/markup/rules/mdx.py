"""Lines of tags as MDX reads them: what follows is Markdown, without an empty line before it and whatever its indent.

In Markdown, such a line begins a block of HTML that goes on to the next empty line. Nobody wants that of a component,
such as `<TabItem value="npm">` above a block of code, so lines of its tags are read like this there, too.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from ingest.markup.rules.closing_lines import line_of
from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH

_ATTRIBUTE = r"[A-Za-z_:@#][\w.:@#-]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`{]++))?+"
_TAG = re.compile(
    r"<(?:/(?P<end>[A-Za-z][\w.:-]*)\s*+"
    rf"|(?P<start>[A-Za-z][\w.:-]*+)(?:\s++{_ATTRIBUTE})*+\s*+/?)>[ \t]*+"
)
_PLACEHOLDER = re.compile(r"<[\w.]+>")
"""Within a paragraph, `<Enter>` is rather a word than a tag."""
_LONGEST_TAGS = 4_000
_CODE = ("pre", "script", "style", "textarea")
_CODE_INDENT = 4


def use_tag_lines(parser: MarkdownIt, *, is_mdx: bool) -> None:
    """Add the rule before that of HTML: for all tags in MDX, and for those of components in Markdown."""

    def rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        if state.is_code_block(start_line) or (
            silent and not is_mdx and _PLACEHOLDER.fullmatch(line_of(state, start_line))
        ):
            return False
        last = _last_line(state, start_line, end_line, only_components=not is_mdx)
        if last is not None and not silent:
            token = state.push("html_block", "", 0)
            token.content = state.getLines(start_line, last + 1, state.blkIndent, True)
            token.map = [start_line, last + 1]
            state.line = last + 1
        return last is not None

    parser.block.ruler.before("html_block", "tag_lines", rule, ENDS_PARAGRAPH)


def use_mdx_paragraphs(parser: MarkdownIt) -> None:
    """Let a block end a paragraph whatever its indent: in MDX, no indented line is code."""
    parser.block.ruler.at("paragraph", _paragraph)


def _last_line(state: StateBlock, start_line: int, end_line: int, *, only_components: bool) -> int | None:
    """Return the last line of the tags that begin on a line, if that has nothing else; otherwise None."""
    start = state.bMarks[start_line] + state.tShift[start_line]
    if state.src[start : start + 1] != "<":
        return None
    stop = min(state.eMarks[end_line - 1], start + _LONGEST_TAGS)
    last, position = start_line, start
    while position < state.eMarks[last]:
        tag = _TAG.match(state.src, position, stop)
        name = (tag["start"] or tag["end"]) if tag else ""
        if not tag or name in _CODE or (only_components and not name[0].isupper()):
            return None
        position = tag.end()
        while state.eMarks[last] < position:
            last += 1
    following = last + 1
    is_followed_by_code = (
        only_components
        and following < end_line
        and not state.isEmpty(following)
        and state.sCount[following] - state.blkIndent >= _CODE_INDENT
    )
    return None if is_followed_by_code else last


def _paragraph(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    following, end_line = start_line + 1, state.lineMax
    parent, state.parentType = state.parentType, "paragraph"
    while following < end_line and not state.isEmpty(following) and not _ends_paragraph(state, following, end_line):
        following += 1
    content = state.getLines(start_line, following, state.blkIndent, False).strip()
    state.line, state.parentType = following, parent
    state.push("paragraph_open", "p", 1).map = [start_line, following]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = content, [start_line, following], []
    state.push("paragraph_close", "p", -1)
    return True


def _ends_paragraph(state: StateBlock, line: int, end_line: int) -> bool:
    if state.sCount[line] < 0:  # a quotation has seen to it
        return False
    return any(rule(state, line, end_line, True) for rule in state.md.block.ruler.getRules("paragraph"))
