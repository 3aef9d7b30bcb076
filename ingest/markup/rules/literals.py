"""Backslashes that mean themselves: Windows paths, regular expressions, TeX without dollars.

In Markdown a backslash takes away the meaning of the punctuation behind it, and disappears. Who writes
`\\\\nas01\\公共\\_归档` or `\\d+\\.\\d{2}` does not think of that: a word with a backslash before a letter or a digit,
which Markdown would not need, keeps all of its backslashes, and so does a path that begins with a drive.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from rag.text.cjk import CJK_SYMBOLS, FULL_WIDTH

_OUTSIDE = rf"\s`{CJK_SYMBOLS}{FULL_WIDTH}"
_WORD_BEFORE = re.compile(rf"[^{_OUTSIDE}]*\Z")
_WORD = re.compile(rf"[^{_OUTSIDE}]+")
_MEANT = re.compile(r"\\[^\W_]|(?<![A-Za-z])[A-Za-z]:\\")
# What is taken as it stands; brackets and tags may be marks of their own, and so may emphasis at the end.
_VERBATIM = re.compile(rf"(?:[^{_OUTSIDE}\[\]<>|()*_~]|(?!\*\*)[*_~()]+(?=[^{_OUTSIDE}\[\]<>|()*_~]))+")
_ADDRESS = re.compile(rf"://[^{_OUTSIDE}<>\"|\[\]{{}}()]*[^{_OUTSIDE}<>\"|\[\]{{}}()*_~.,;:!?']")
_SCHEMES = ("http", "https", "ftp", "git", "ssh", "ws", "wss")
_LONGEST_WORD = 512
_TEX = re.compile(r"\\\((?=[^\n]*?[\\^_=])[^\n]+?\\\)|\\\[(?=(?:(?!\\\]).)*?[\\^_=])(?:(?!\\\]).)+?\\\]", re.DOTALL)


def use_literals(parser: MarkdownIt) -> None:
    """Add the rules before that of escapes."""
    parser.inline.ruler.before("escape", "literal", _literal)
    parser.inline.ruler.before("literal", "tex", _tex)
    parser.inline.ruler.before("tex", "address", _address)


def _literal(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "\\":
        return False
    before = _WORD_BEFORE.search(state.src[max(state.pos - _LONGEST_WORD, 0) : state.pos])
    whole = _WORD.match(state.src, state.pos, min(state.pos + _LONGEST_WORD, state.posMax))
    if not before or not whole or not _MEANT.search(before[0] + whole[0]):
        return False
    verbatim = _VERBATIM.match(state.src, state.pos, min(whole.end(), state.posMax))
    # At least the backslash and what it would escape.
    end = max(verbatim.end() if verbatim else 0, min(state.pos + 2, whole.end()))
    if not silent:
        state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _address(state: StateInline, silent: bool) -> bool:
    """Keep a bare web address as it is."""
    if not state.src.startswith("://", state.pos):
        return False
    scheme = re.search(r"[A-Za-z]{2,6}\Z", state.src[max(state.pos - 6, 0) : state.pos])
    found = _ADDRESS.match(state.src, state.pos, state.posMax)
    if not scheme or scheme[0].lower() not in _SCHEMES or not found:
        return False
    if not silent:
        state.append_pending(found[0])
    state.pos = found.end()
    return True


def _tex(state: StateInline, silent: bool) -> bool:
    r"""Keep `\(…\)` and `\[…\]` if what they enclose looks like a formula."""
    if state.src[state.pos] != "\\" or state.src[state.pos + 1 : state.pos + 2] not in ("(", "["):
        return False
    closing = "\\)" if state.src[state.pos + 1] == "(" else "\\]"
    if state.html_terminator_last(closing) < state.pos + 2:
        return False
    formula = _TEX.match(state.src, state.pos, state.posMax)
    if not formula:
        return False
    if not silent:
        state.append_pending(formula[0])
    state.pos = formula.end()
    return True
