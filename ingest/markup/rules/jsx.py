"""Tags of JSX whose attributes are expressions, such as `<Tabs values={[…]}>`: Markdown would take them for text.

They become tags of HTML, with the attributes that are text; what an expression gives, only a browser knows.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH

_NAME = re.compile(r"<([A-Za-z][\w.:-]*)(?=[\s/>])")
_ATTRIBUTE = re.compile(r"\s+(?:([A-Za-z_:][\w:.-]*)(?:\s*=\s*(?:(\"[^\"]*\")|('[^']*')|(?=\{)))?|(?=\{))")
_END = re.compile(r"\s*/?>")
_STRING_OR_BRACKET = re.compile(
    r"'(?:\\.|[^'\\\n]){0,500}'|\"(?:\\.|[^\"\\\n]){0,500}\"|`(?:\\.|[^`\\]){0,500}`|[{}()\[\]]"
)
_TEXT = re.compile(r"\{\s*(?:\"([^\"]*)\"|'([^']*)'|`([^`$]*)`)\s*\}")
_LONGEST_TAG = 4_000


def use_jsx(parser: MarkdownIt) -> None:
    """Add the rules before those of HTML."""
    parser.inline.ruler.before("html_inline", "jsx_inline", _inline)
    parser.block.ruler.before("html_block", "jsx_block", _block, ENDS_PARAGRAPH)


def _inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "<":
        return False
    found = _tag(state.src, state.pos, state.posMax)
    if not found:
        return False
    end, html = found
    if not silent:
        state.push("html_inline", "", 0).content = html
    state.pos = end
    return True


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    start = state.bMarks[start_line] + state.tShift[start_line]
    if state.is_code_block(start_line) or state.src[start : start + 1] != "<":
        return False
    found = _tag(state.src, start, state.eMarks[end_line - 1])
    if not found:
        return False
    end, html = found
    last = next(number for number in range(start_line, end_line) if state.eMarks[number] >= end)
    if state.src[end : state.eMarks[last]].strip():
        return False
    if not silent:
        token = state.push("html_block", "", 0)
        token.content = html
        token.map = [start_line, last + 1]
        state.line = last + 1
    return True


def _tag(text: str, start: int, stop: int) -> tuple[int, str] | None:
    """Return the end of a tag that has an expression, and the tag with the attributes that are text."""
    stop = min(stop, start + _LONGEST_TAG)
    name = _NAME.match(text, start, stop)
    if not name or text.find("{", name.end(), stop) < 0:
        return None
    position = name.end()
    attributes: list[str] = []
    has_expression = False
    while attribute := _ATTRIBUTE.match(text, position, stop):
        position = attribute.end()
        value = attribute[2] or attribute[3] or ""
        if not value and text.startswith("{", position):
            end = _end_of_expression(text, position, stop)
            if end is None:
                return None
            value = next(_texts(text[position:end]), "")
            has_expression = True
            position = end
        if attribute[1] and value:
            attributes.append(f" {attribute[1]}={value}")
    end_of_tag = _END.match(text, position, stop)
    if not has_expression or not end_of_tag:
        return None
    return end_of_tag.end(), f"<{name[1]}{''.join(attributes)} {end_of_tag[0].strip()}"


def _texts(expression: str) -> Iterator[str]:
    """Yield the value of an expression that is a string, in quotation marks."""
    found = _TEXT.fullmatch(expression)
    if found:
        text = next(group for group in found.groups() if group is not None)
        yield '"' + text.replace('"', "&quot;") + '"'


def _end_of_expression(text: str, start: int, stop: int) -> int | None:
    depth = 0
    position = start
    while found := _STRING_OR_BRACKET.search(text, position, stop):
        position = found.end()
        depth += (found[0] in "{[(") - (found[0] in "}])")
        if depth == 0:
            return position
    return None
