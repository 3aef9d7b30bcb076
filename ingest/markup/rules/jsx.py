"""Tags of JSX whose attributes are expressions, such as `<Tabs values={[…]}>`: Markdown would take them for text.

They become tags of HTML of as many lines, with the attributes that are text; what an expression gives, only a browser
knows.
"""

import re
from collections.abc import Iterator, MutableMapping

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from ingest.markup.rules.closing_lines import closing_line, line_of
from ingest.markup.rules.left_out import leave_out_lines
from ingest.markup.rules.paragraph_ends import ENDS_PARAGRAPH

_NAME = re.compile(r"<([A-Za-z][\w.:-]*)(?=[\s/>])")
_ATTRIBUTE = re.compile(r"\s+(?:([A-Za-z_:][\w:.-]*)(?:\s*=\s*(?:(\"[^\"]*\")|('[^']*')|(?=\{)))?|(?=\{))")
_END = re.compile(r"\s*/?>")
_STRING_OR_BRACKET = re.compile(
    r"'(?:\\.|[^'\\\n])*+'|\"(?:\\.|[^\"\\\n])*+\"|`(?:\\.|[^`\\])*+`|[{}()\[\]]|(?P<odd>['\"`])"
)
_END_TAG = re.compile(r"</[A-Za-z][\w.:-]*\s*>")
_TEXT = re.compile(r"\{\s*(?:\"([^\"]*)\"|'([^']*)'|`([^`$]*)`)\s*\}")
_LINE_END = re.compile(r"[ \t]*\n[ \t]*")
_DOTTED_END_TAG = re.compile(r"</[A-Za-z][\w-]*(?:\.[\w-]+)+\s*>")
_LONGEST_TAG = 4_000
_MAX_SCANNED = 2_000_000
"""How many characters of expressions are read in a document before none may be longer than `_LONGEST_TAG`: definitions
of an API have hundreds of thousands in one tag, but reading on from each of many tags that never end takes too long."""
_MAX_ODD_MARKS = 20
"""How many quotation marks without a second one an expression may have, such as apostrophes in its text."""


def use_jsx(parser: MarkdownIt) -> None:
    """Add the rules before those of HTML."""
    parser.inline.ruler.before("html_inline", "jsx_inline", _inline)
    parser.block.ruler.before("html_block", "jsx_block", _block, ENDS_PARAGRAPH)
    leave_out_lines(parser, "jsx_comment", _end_of_comment, begins_with=("{/*",), before="fence")


def use_jsx_texts(parser: MarkdownIt) -> None:
    """Add the rule for expressions that are texts, such as `{' '}`, which Prettier writes at the end of a line."""
    parser.inline.ruler.before("backticks", "jsx_text", _text)


def _text(state: StateInline, silent: bool) -> bool:
    found = _TEXT.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "{" else None
    if not found:
        return False
    text = next(filter(None, found.groups()), "")
    # A space is meant to stand between this line and the next one, where a line end within Chinese is none.
    line_end = _LINE_END.match(state.src, found.end(), state.posMax) if text.isspace() else None
    if not silent:
        state.append_pending(text)
    state.pos = line_end.end() if line_end else found.end()
    return True


def _end_of_comment(state: StateBlock, start_line: int, end_line: int) -> int | None:
    line = line_of(state, start_line)
    if "*/}" in line:
        return start_line if line.find("*/}") == len(line) - len("*/}") else None
    return closing_line(state, start_line, end_line, "jsx comment", lambda text: text.endswith("*/}"))


def _inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "<":
        return False
    dotted = _DOTTED_END_TAG.match(state.src, state.pos, state.posMax)
    found = (dotted.end(), dotted[0]) if dotted else _tag(state.src, state.pos, state.posMax, state.env)
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
    found = _tags(state.src, start, state.eMarks[end_line - 1], state.env)
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


def plain_tags(html: str) -> str:
    """Return HTML with its tags of JSX as tags of HTML.

    >>> plain_tags("<div><Tab label={'甲'} is={a > b}>x</Tab></div>")
    '<div><Tab label="甲" >x</Tab></div>'
    """
    env: MutableMapping[str, int] = {}
    parts: list[str] = []
    position = 0
    while (start := html.find("<", position)) >= 0:
        end, tag = _tag(html, start, len(html), env) or (start + 1, "<")
        parts += [html[position:start], tag]
        position = end
    return "".join([*parts, html[position:]])


def jsx_attributes(text: str, position: int, env: MutableMapping[str, int]) -> dict[str, str]:
    """Return the attributes that stand behind the name of a tag, those that are expressions as they are written.

    `env` counts how much of expressions has been read in a document; after `_MAX_SCANNED`, nothing more is.

    >>> jsx_attributes("<Tab id='a' is={[1, 2]} b>", 4, {})
    {'id': 'a', 'is': '{[1, 2]}', 'b': ''}
    """
    attributes: dict[str, str] = {}
    stop = len(text) if env.get("jsx_scanned", 0) < _MAX_SCANNED else position
    for name, value, _ in _attributes(text, position, stop, env):
        if value is None:
            break
        if name:
            attributes[name] = value if value.startswith("{") else value[1:-1]
    return attributes


def _attributes(
    text: str, position: int, stop: int, env: MutableMapping[str, int]
) -> Iterator[tuple[str, str | None, int]]:
    """Yield the name, the value and the end of each attribute.

    A value is a string in its quotation marks, an expression in its braces, or None if the expression does not end.
    """
    while attribute := _ATTRIBUTE.match(text, position, stop):
        position = attribute.end()
        value = attribute[2] or attribute[3] or ""
        if not value and text.startswith("{", position):
            end = _end_of_expression(text, position, stop)
            env["jsx_scanned"] = env.get("jsx_scanned", 0) + (end or stop) - position
            if end is None:
                yield "", None, stop
                return
            value, position = text[position:end], end
        yield attribute[1] or "", value, position


def _tags(text: str, start: int, stop: int, env: MutableMapping[str, int]) -> tuple[int, str] | None:
    """Return the end of a tag that has an expression, which may stand behind end tags, and all of them as HTML."""
    position = start
    while closing := _END_TAG.match(text, position, stop):
        position = closing.end()
    found = _tag(text, position, stop, env) if text.startswith("<", position) else None
    return (found[0], text[start:position] + found[1]) if found else None


def _tag(text: str, start: int, stop: int, env: MutableMapping[str, int]) -> tuple[int, str] | None:
    """Return the end of a tag that has an expression, and the tag with the attributes that are text.

    A name with a dot, which CommonMark does not know, needs no expression: that tag stays as it is.
    """
    scanned = env.get("jsx_scanned", 0)
    stop = stop if scanned < _MAX_SCANNED else min(stop, start + _LONGEST_TAG)
    name = _NAME.match(text, start, stop)
    if not name or ("." not in name[1] and text.find("{", name.end(), stop) < 0):
        return None
    position = name.end()
    attributes: list[str] = []
    has_expression = False
    for attribute, value, end in _attributes(text, position, stop, env):
        if value is None:
            return None
        is_expression = value.startswith("{")
        has_expression = has_expression or is_expression
        shown = next(_texts(value), "") if is_expression else value
        if attribute and shown:
            attributes.append(f" {attribute}={shown}")
        position = end
    end_of_tag = _END.match(text, position, stop)
    if not end_of_tag or not (has_expression or "." in name[1]):
        return None
    if not has_expression:
        return end_of_tag.end(), text[start : end_of_tag.end()]
    line_ends = "\n" * text.count("\n", start, end_of_tag.end())
    return end_of_tag.end(), f"<{name[1]}{''.join(attributes)} {line_ends}{end_of_tag[0].strip()}"


def _texts(expression: str) -> Iterator[str]:
    """Yield the value of an expression that is a string, in quotation marks."""
    found = _TEXT.fullmatch(expression)
    if found:
        text = next(group for group in found.groups() if group is not None)
        yield '"' + text.replace('"', "&quot;") + '"'


def _end_of_expression(text: str, start: int, stop: int) -> int | None:
    depth = odd_marks = 0
    position = start
    while found := _STRING_OR_BRACKET.search(text, position, stop):
        position = found.end()
        depth += (found[0] in "{[(") - (found[0] in "}])")
        odd_marks += bool(found["odd"])
        if depth == 0:
            return position
        if odd_marks > _MAX_ODD_MARKS:
            return None
    return None
