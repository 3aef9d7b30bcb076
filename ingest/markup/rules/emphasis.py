"""`*` and `_` as authors of Chinese and of technical text mean them.

CommonMark takes `**有效期：**密码` for text, because a space is missing, and `600*800*2000` for emphasis. Here the
characters of Chinese, Japanese and Korean stand for themselves and a space (markdown-cjk-friendly's rule), and these
are text: a `*` within a number, or within a word where it does not end what began before it (`the *n*th`); that of
masked names and numbers (`张*三、李*四`, `138****5678`), of a file pattern such as `*.log` or `/api/*/users`, or of
arguments (`f(*args, **options)`). `__init__` is a name.
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
_DIGIT = re.compile(r"[0-9]")
_ARGUMENT = re.compile(r"(?<=[(,\s])\*{1,2}[A-Za-z_]\w*(?=\)|,\s*\*)")
_OPENING, _CLOSING = "（［｛「『【〔〖《〈", "）］｝」』】〕〗》〉，。、；："
_PAUSE = re.compile("[、，。；：！？]")
_PAIRS = ("()", "[]", "{}", "<>")


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
    if marker == "*":
        can_open = can_open and not _is_text(state.src, state.pos, end) and _is_answered(state, before, end)
        can_close = can_close and not _is_text(state.src, state.pos, end) and _ends_word(state, before, after, end)
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
    is_beside_cjk = bool(_CJK.match(before) or _CJK.match(after))
    begins_text = not mark_after or (is_beside_cjk and after not in _CLOSING)
    ends_text = not mark_before or (is_beside_cjk and before not in _OPENING)
    left = not space_after and (begins_text or space_before or (mark_before and after not in _CLOSING))
    right = not space_before and (ends_text or space_after or mark_after)
    if marker == "_":
        return left and (not right or mark_before), right and (not left or mark_after)
    return left and not _is_within_word(before, after), right


def _is_within_word(before: str, after: str) -> bool:
    return bool(_WORD.match(before) and _WORD.match(after))


def _ends_word(state: StateInline, before: str, after: str, end: int) -> bool:
    """Return whether a run within a word ends what the run right before it began: so `*n*th`, but not `**a*b**`."""
    if not _is_within_word(before, after):
        return True
    if _DIGIT.match(before) and _DIGIT.match(after):
        return False
    last = state.delimiters[-1] if state.delimiters else None
    return last is not None and last.open and chr(last.marker) == "*" and last.length == end - state.pos


def _is_answered(state: StateInline, before: str, end: int) -> bool:
    """Return whether emphasis that would begin right behind a character of Chinese ends like emphasis.

    It does not in `李*（手机 1），王*（手机 2）` and `张*三、李*四`, whose second `*` is like the first.
    """
    run, after = state.src[state.pos : end], state.src[end : end + 1]
    is_before_bracket = after in tuple(_OPENING)
    if not _is_letter(before) or not (is_before_bracket or (len(run) == 1 and _is_letter(after))):
        return True
    start, stop = _next_run(state, run, end)
    if start < 0 or stop - start > len(run):
        return start >= 0
    last, following = state.src[start - 1], state.src[stop : stop + 1]
    if is_before_bracket:
        return last in _CLOSING or following not in tuple(_OPENING)
    return not (_is_letter(last) and _is_letter(following) and _PAUSE.search(state.src, end, start))


def _is_letter(char: str) -> bool:
    """Return whether a character is one of Chinese, Japanese or Korean, but no punctuation."""
    return bool(_CJK.match(char)) and not _is_punctuation(char)


def _next_run(state: StateInline, run: str, position: int) -> tuple[int, int]:
    """Return the start and the end of the next `*` that are as many or more, -1 for both if there are none.

    Those within a word, such as `138****5678`, do not count.
    """
    while (start := state.src.find(run, position, state.posMax)) >= 0:
        position = start
        while position < state.posMax and state.src[position] == "*":
            position += 1
        if not _is_within_word(state.src[start - 1], state.src[position : position + 1]):
            return start, position
    return -1, -1


def _is_text(text: str, start: int, end: int) -> bool:
    """Return whether a run of `*` is part of a file pattern, of arguments, or alone between brackets or quotes."""
    before, after = text[start - 1] if start else " ", text[end : end + 2]
    if _ARGUMENT.match(text, start) or (before in "/\\" and after[:1] in ("/", "\\")):
        return True
    return end - start == 1 and (
        before in "/\\."
        or (after[:1] == "." and bool(_WORD.match(after[1:])))
        or (after[:1] == "/" and not before.isspace())
        or (_is_punctuation(before) and (before == after[:1] or before + after[:1] in _PAIRS))
    )


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)
