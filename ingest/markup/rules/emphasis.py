"""`*` and `_` as authors of Chinese and of technical text mean them.

CommonMark takes `**有效期：**密码` for text, because a space is missing, and `600*800*2000` for emphasis. Here the
characters of Chinese, Japanese and Korean stand for themselves and a space (markdown-cjk-friendly's rule), and these
are text: a `*` within a word or number cannot begin emphasis, nor can that of a file pattern such as `*.log` or
`/api/*/users`; `__init__` is a name.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

from rag.text.cjk import CJK, CJK_SYMBOLS, FULL_WIDTH

_CJK = re.compile(f"[{CJK}{CJK_SYMBOLS}{FULL_WIDTH}]")
_NAME = re.compile(r"__[a-z][a-z0-9]*(?:_[a-z0-9]+)*__(?![A-Za-z0-9_])")
_WORD = re.compile(r"[A-Za-z0-9]")


def use_emphasis(parser: MarkdownIt) -> None:
    """Replace markdown-it's rule for emphasis."""
    parser.inline.ruler.at("emphasis", _tokenize)


def _tokenize(state: StateInline, silent: bool) -> bool:
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    before = state.src[state.pos - 1] if state.pos else " "
    if not _WORD.match(before) and (name := _NAME.match(state.src, state.pos)):
        state.append_pending(name[0])
        state.pos = name.end()
        return True
    end = state.pos
    while end < state.posMax and state.src[end] == marker:
        end += 1
    after = state.src[end] if end < state.posMax else " "
    can_open, can_close = _flanks(marker, before, after)
    if marker == "*" and end - state.pos == 1 and _is_wildcard(state.src, state.pos):
        can_open = can_close = False
    for _ in range(end - state.pos):
        state.push("text", "", 0).content = marker
        place = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(marker), end - state.pos, place, -1, can_open, can_close))
    state.pos = end
    return True


def _flanks(marker: str, before: str, after: str) -> tuple[bool, bool]:
    """Return whether a run of markers between two characters can begin and can end emphasis."""
    space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    mark_before, mark_after = _is_punctuation(before), _is_punctuation(after)
    cjk_before, cjk_after = bool(_CJK.match(before)), bool(_CJK.match(after))
    left = not space_after and (not mark_after or cjk_after or space_before or mark_before or cjk_before)
    right = not space_before and (not mark_before or cjk_before or space_after or mark_after or cjk_after)
    if marker == "_":
        return left and (not right or mark_before), right and (not left or mark_after)
    is_within_word = bool(_WORD.match(before) and _WORD.match(after))
    return left and not is_within_word, right


def _is_wildcard(text: str, position: int) -> bool:
    before, after = text[position - 1] if position else " ", text[position + 1 : position + 3]
    return (
        before in "/\\."
        or (after[:1] == "." and bool(_WORD.match(after[1:])))
        or (after[:1] == "/" and not before.isspace())
    )


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)
