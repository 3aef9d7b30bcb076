"""Attribute lists behind what they belong to: `{#id}`, `{: .class }`, `{ width="300" }`; and MkDocs' icons and keys."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_PART = r"(?:[#.][^\s{}\"'=<>]+|[\w:@-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\"'{}]+))"
_LIST = re.compile(rf"\{{:?[ \t]*{_PART}(?:[ \t]+(?:{_PART}|[\w-]+))*[ \t]*\}}")
_EXTENSION = re.compile(
    r"\{::comment\}(?:(?!\{:/).){0,5000}\{:/(?:comment)?\}|\{:[:/][\w-]*(?:[ \t][^{}\n]*)?/?\}", re.DOTALL
)
_ID = re.compile(r"#([^\s{}]+)")
_ICON = re.compile(r":(?:material|octicons|fontawesome|simple)-[\w-]+:")
_KEYS = re.compile(r"\+\+([a-z0-9-]+(?:\+[a-z0-9-]+)*)\+\+(?![A-Za-z0-9+])")


def use_attribute_lists(parser: MarkdownIt) -> None:
    """Add the rules; `explicit_id` finds the id of a heading among what they leave."""
    parser.inline.ruler.before("link", "attributes", _attributes)
    parser.inline.ruler.before("attributes", "extension", _extension)
    parser.inline.ruler.before("extension", "icon", _icon)
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
    """Return whether a link, an image, emphasis or code ends right before it, or the line right behind it."""
    before = state.src[: state.pos].rstrip(" ")[-1:]
    rest = state.src[found.end() : state.posMax]
    return before in tuple(")]`*_~>") or (bool(before) and (not rest.strip() or rest.startswith("\n")))


def _extension(state: StateInline, silent: bool) -> bool:
    """Leave out kramdown's extensions, such as `{::nomarkdown}`; a comment with what it encloses."""
    found = _EXTENSION.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "{" else None
    if not found:
        return False
    state.pos = found.end()
    return True


def _icon(state: StateInline, silent: bool) -> bool:
    found = _ICON.match(state.src, state.pos, state.posMax) if state.src[state.pos] == ":" else None
    if not found:
        return False
    state.pos = found.end()
    return True


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
