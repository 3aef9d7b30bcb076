"""Attribute lists behind what they belong to: `{#id}`, `{: .class }`, `{ width="300" }`; and MkDocs' icons and keys."""

import re

from markdown_it import MarkdownIt
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
_ICON = re.compile(r":(?:material|octicons|fontawesome|simple)-[\w-]+:")
_LONGEST_ICON = 80
_KEYS = re.compile(r"\+\+([a-z0-9-]+(?:\+[a-z0-9-]+)*)\+\+(?![A-Za-z0-9+])")


def use_attribute_lists(parser: MarkdownIt) -> None:
    """Add the rules. An attribute list becomes a hidden token `attributes`, with the element's id in its `meta`."""
    parser.inline.ruler.before("link", "attributes", _attributes)
    # A comment of kramdown is left out with what it encloses.
    leave_out(parser, "extension", _EXTENSION, begins_with="{", before="attributes")
    leave_out(parser, "icon", _ICON, begins_with=":", before="extension")
    parser.inline.ruler.before("icon", "keys", _keys)


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
