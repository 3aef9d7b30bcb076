"""Attribute lists behind what they belong to: `{#id}`, `{: .class }`, `{ width="300" }`; and MkDocs' icons and keys."""

import itertools
import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

from ingest.markup.rules.left_out import leave_out

_PART = r"(?:[#.][^\s{}\"'=<>]+|[\w:@-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\"'{}]+))"
_LIST = re.compile(rf"\{{:?[ \t]*{_PART}(?:[ \t]+(?:{_PART}|[\w-]+))*[ \t]*\}}")
_EXTENSION = re.compile(
    r"\{::comment\}(?:(?!\{:/).){0,5000}\{:/(?:comment)?\}|\{:[:/][\w-]*(?:[ \t][^{}\n]*)?/?\}", re.DOTALL
)
_TEXTS = ("text", "softbreak", "hardbreak")
_END_OF_LINE = re.compile(r"\n|\s*\Z")
_ID = re.compile(r"#([^\s{}]+)")
_ICON = re.compile(r":(?:material|octicons|fontawesome(?:-solid|-regular|-brands)?|simple)-(?P<name>[\w-]+):")
_MORE = r"(?:-(?:all|bold|box|circle|decagram|fill|marked|octagon|outline|thick|underline|\d+))*"
_TICK = re.compile(rf"(?:circle-|square-)?(?:check|checkbox-marked){_MORE}")
_CROSS = re.compile(rf"(?:circle-|square-)?(?:close|x|xmark){_MORE}")
_ICON_ALONE = re.compile(rf"{_ICON.pattern}(?:{_LIST.pattern})?")
_LONGEST_ICON = 80
_KEYS = re.compile(r"\+\+([a-z0-9-]+(?:\+[a-z0-9-]+)*)\+\+(?![A-Za-z0-9+])")


def use_attribute_lists(parser: MarkdownIt) -> None:
    """Add the rules. An attribute list becomes a hidden token `attributes`, with the element's id in its `meta`."""
    parser.inline.ruler.before("link", "attributes", _attributes)
    # A comment of kramdown is left out with what it encloses.
    leave_out(parser, "extension", _EXTENSION, begins_with="{", before="attributes")
    parser.inline.ruler.before("extension", "icon", _icon)
    parser.core.ruler.after("block", "icon_cells", _name_icons_in_cells)
    parser.inline.ruler.before("icon", "keys", _keys)


def _icon(state: StateInline, silent: bool) -> bool:
    """Show a tick and a cross, which are values, and leave out the other icons."""
    found = _ICON.match(state.src, state.pos, state.posMax) if state.src[state.pos] == ":" else None
    if not found:
        return False
    if not silent:
        state.append_pending(_sign(found["name"]))
    state.pos = found.end()
    return True


def _sign(icon: str) -> str:
    return "✓" if _TICK.fullmatch(icon) else "✗" if _CROSS.fullmatch(icon) else ""


def _name_icons_in_cells(state: StateCore) -> None:
    """Let a cell that has nothing but an icon show the icon's name, if it has no sign: it is the cell's value."""
    for cell, content in itertools.pairwise(state.tokens):
        icon = _ICON_ALONE.fullmatch(content.content) if cell.type == "td_open" else None
        if icon and not _sign(icon["name"]):
            content.content = icon["name"].replace("-", " ")


def _attributes(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "{":
        return False
    found = _LIST.match(state.src, state.pos, state.posMax)
    if not found or not _follows_something(state, found):
        return False
    if not silent:
        token = state.push("attributes", "", 0)
        identity = _ID.search(found[0])
        token.meta = {"id": identity[1] if identity else ""}
        token.hidden = True
    state.pos = found.end()
    return True


def _follows_something(state: StateInline, found: re.Match[str]) -> bool:
    """Return whether a link, an image, emphasis or code ends right before it, or the line right behind it.

    What is attached to a word, as in `http_requests{code="200"}`, belongs to it, unless it begins as nothing else does.
    """
    # No part of the paragraph is copied: it may have thousands of such lists.
    before = state.pos - 1
    while before >= 0 and state.src[before] == " ":
        before -= 1
    if before < 0:
        return False
    has_no_text_before = len(state.pending) < state.pos - before
    is_behind_element = has_no_text_before and bool(state.tokens) and state.tokens[-1].type not in _TEXTS
    if is_behind_element or state.src[before] in "*_~" or _ends_an_icon(state.src, before):
        return True
    is_apart = state.src[state.pos - 1].isspace() or found[0][1] in ":#."
    return is_apart and bool(_END_OF_LINE.match(state.src, found.end(), state.posMax))


def _ends_an_icon(text: str, end: int) -> bool:
    if text[end] != ":":
        return False
    start = text.rfind(":", max(end - _LONGEST_ICON, 0), end)
    return start >= 0 and bool(_ICON.fullmatch(text, start, end + 1))


def _keys(state: StateInline, silent: bool) -> bool:
    """Show `++ctrl+c++` as `ctrl+c`."""
    if state.src[state.pos] != "+" or state.src[state.pos - 1 : state.pos].isalnum():
        return False
    found = _KEYS.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        state.push("code_inline", "code", 0).content = found[1]
    state.pos = found.end()
    return True
