"""Obsidian's marks, which others have taken over: `[[links]]`, `![[embeds]]`, `%%comments%%`, `==marks==`, `^ids`."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from ingest.markup.rules.closing_lines import closing_line, line_of
from ingest.markup.rules.left_out import leave_out, leave_out_lines
from rag.text.cjk import CJK, CJK_SYMBOLS, FULL_WIDTH

_CJK = f"{CJK}{CJK_SYMBOLS}{FULL_WIDTH}"
_WIKILINK = re.compile(r"!?\[\[(?P<target>[^\s\[\]|][^\[\]|\n]*)(?:\\?\|(?P<label>[^\[\]\n]+))?\]\]")
_ARRAY = re.compile(r"[\d\s,.;:+-]+\Z")
_SIZE = re.compile(r"\d+(?:x\d+)?\Z")
_IMAGE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|avif|bmp)\Z", re.IGNORECASE)
_COMMENT = re.compile(rf"(?:(?<=\s)|(?<=[{_CJK}])|\A)%%(?:(?!%%).)+%%(?=\s|[{_CJK}]|\Z)", re.DOTALL)
_MARKED = re.compile(r"==(?=[^\s=])((?:(?!==).)+?)(?<=[^\s=])==(?!=)")
_BESIDE = re.compile(r"[A-Za-z0-9=!<>]")
_BLOCK_ID = re.compile(rf"(?:(?<=\s)|(?<=[{CJK_SYMBOLS}{FULL_WIDTH}]))\^(?=[\w-]*[A-Za-z])[A-Za-z0-9-]+[ \t]*(?=\n|\Z)")


def use_obsidian(parser: MarkdownIt) -> None:
    """Add the rules for marks within a paragraph, and for comments that stand on lines of their own."""
    parser.inline.ruler.before("link", "wikilink", _wikilink)
    leave_out(parser, "comment", _COMMENT, begins_with="%", before="wikilink")
    parser.inline.ruler.before("comment", "marked", _marked)
    leave_out(parser, "block_id", _BLOCK_ID, begins_with="^", before="marked")
    leave_out_lines(parser, "comment_block", _end_of_comment, begins_with=("%%",), before="fence")


def _wikilink(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "[!" or "[[" not in state.src[state.pos : state.pos + 3]:
        return False
    found = _WIKILINK.match(state.src, state.pos, state.posMax)
    if not found or _ARRAY.match(found["target"]) or _is_index(state):
        return False
    if not silent:
        target, label = found["target"].strip(), (found["label"] or "").strip()
        if found[0].startswith("!") and _IMAGE.search(target):
            image = state.push("image", "img", 0)
            image.attrs = {"src": target, "alt": ""}
            image.children = []
            image.content = "" if _SIZE.match(label) else label
            image.meta = {"alt": image.content}
        else:
            state.push("link_open", "a", 1).attrs = {"href": target, "class": "wikilink"}
            state.push("text", "", 0).content = label or _shown_target(target)
            state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def _is_index(state: StateInline) -> bool:
    """Return whether the brackets are an index, as in `x[[name]]`."""
    before = state.src[state.pos - 1 : state.pos]
    return before.isascii() and (before.isalnum() or before in ("_", ")", "]"))


def _shown_target(target: str) -> str:
    """Return what is shown of a link without a label: the target, without the marks of headings and blocks."""
    return target.removeprefix("#").replace("#^", " ").strip()


def _end_of_comment(state: StateBlock, start_line: int, end_line: int) -> int | None:
    first = line_of(state, start_line)
    if first.count("%%") > 1:
        return start_line if first.endswith("%%") and first.count("%%") == 2 else None
    return closing_line(state, start_line, end_line, "comment", lambda line: line.endswith("%%"))


def _marked(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "=":
        return False
    found = _MARKED.match(state.src, state.pos, state.posMax)
    before = state.src[state.pos - 1 : state.pos]
    # `a==b` compares; a mark has no letter or digit of a formula beside it.
    if not found or _BESIDE.match(before) or _BESIDE.match(state.src[found.end() : found.end() + 1]):
        return False
    if not silent:
        last = state.posMax
        state.pos, state.posMax = found.start(1), found.end(1)
        state.push("mark_open", "mark", 1)
        state.md.inline.tokenize(state)
        state.push("mark_close", "mark", -1)
        state.posMax = last
    state.pos = found.end()
    return True
