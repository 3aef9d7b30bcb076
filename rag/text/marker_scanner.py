"""Find citation markers in Markdown that streams: not in code, not in formulas, not where none can stand."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag.text.code_spans import SpanEnds
from rag.text.marker_grammar import Candidate, Unfinished, read_candidate
from rag.text.marker_places import CONTEXT_CHARACTERS
from rag.text.verbatim_lines import VerbatimState

Decide = Callable[[Candidate, str, str, bool], bool | Unfinished]
"""(candidate, the line before it, what is known of the line after it, whether that is all) → whether it is a marker."""

_TOKEN = re.compile(r"`+|\\.?|\$\$?|[\[【［〔(（<⁰¹²³⁴⁵⁶⁷⁸⁹]")
_SPACE = re.compile(r"[ \t]{1,8}\Z")
_FORMULA_END = re.compile(r"(?<=[^\s$])\$(?!\d)")
_FORMULA_CHARACTERS = 200
"""Behind a bracket, a formula that a single `$` began ends within so many characters."""
_RESCAN_FRACTION = 8
"""Text that is held back is scanned again once it has grown by an eighth, so that all scans take linear time."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text as it stands there: a marker with the white space before it, or, without `marker`, text."""

    raw: str
    marker: Candidate | None = None


class MarkerScanner:
    """Cuts streamed text into markers and what is between them, however it is split.

    Text comes out as soon as it is certain what it is. Takes time linear in the length of the text.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._state = VerbatimState()
        self._kind = "open"
        self._held: str = ""
        self._incoming: list[str] = []
        self._incoming_length = 0
        self._line: list[str] = []
        """The current line as it came, for the state after it."""
        self._before = ""
        self._in_dollars = False
        self._follows_index = False

    def feed(self, text: str) -> Iterator[Piece]:
        """Yield the pieces that are certain now."""
        for part in re.split(r"(?<=\n)", text):
            self._incoming.append(part)
            self._incoming_length += len(part)
            is_complete = part.endswith("\n")
            if is_complete or self._incoming_length > len(self._held) // _RESCAN_FRACTION:
                yield from self._advance(is_complete=is_complete)
            if is_complete:
                self._end_line()

    def finish(self) -> Iterator[Piece]:
        """Yield what was held back until the end of the text."""
        yield from self._advance(is_complete=True)

    def _end_line(self) -> None:
        self._state = self._state.after("".join(self._line))
        self._line, self._kind = [], "open"
        self._before, self._in_dollars, self._follows_index = "", False, False

    def _advance(self, *, is_complete: bool) -> Iterator[Piece]:
        new = "".join(self._incoming)
        self._line.append(new)
        text = self._held + new
        self._incoming, self._incoming_length, self._held = [], 0, ""
        if self._kind == "open":
            self._kind = self._state.kind(text, is_complete=is_complete)
        if self._kind in ("open", "whole") and not is_complete:
            self._held = text
            return
        verbatim = 0
        if self._kind == "code":
            verbatim = len(text)
        elif self._kind in ("whole", "open"):
            verbatim = self._state.split(text)
        if verbatim:
            yield self._pass(text[:verbatim])
        if verbatim < len(text):
            yield from self._scan(text[verbatim:], is_complete=is_complete)

    def _pass(self, raw: str, marker: Candidate | None = None) -> Piece:
        self._before = (self._before + raw)[-CONTEXT_CHARACTERS:]
        return Piece(raw, marker)

    def _scan(self, text: str, *, is_complete: bool) -> Iterator[Piece]:
        position = done = 0
        spans = SpanEnds(text)
        while token := _TOKEN.search(text, position):
            read = self._read_token(text, token, done, spans, is_complete=is_complete)
            if read == "unfinished":
                break
            end, marker = read
            if marker:
                start = token.start() - _spaces(text[done : token.start()])
                if start > done:
                    yield self._pass(text[done:start])
                yield self._pass(text[start:end], marker)
                done = end
            position = end
        cut = token.start() if token else len(text)
        if not is_complete:
            cut -= _spaces(text[done:cut])
        else:
            cut = len(text)
        if cut > done:
            yield self._pass(text[done:cut])
        self._held = text[max(cut, done) :]

    def _read_token(
        self, text: str, token: re.Match[str], done: int, spans: SpanEnds, *, is_complete: bool
    ) -> tuple[int, Candidate | None] | Unfinished:
        """Return where a token ends, with what it holds, and the marker that it is."""
        start, end = token.span()
        mark = text[start]
        if end == len(text) and not is_complete and mark in "`$\\":
            return "unfinished"
        if mark == "`":
            closing = spans.end_of_code(token)
            if not is_complete and (closing < 0 or closing == len(text)):
                return "unfinished"
            return max(end, closing), None
        if mark == "$":
            return self._read_dollar(text, token, is_complete=is_complete)
        if mark == "\\" and token[0] not in ("\\[", "\\("):
            return end, None
        return self._read_bracket(text, start, done, is_complete=is_complete)

    def _read_dollar(
        self, text: str, token: re.Match[str], *, is_complete: bool
    ) -> tuple[int, Candidate | None] | Unfinished:
        start, end = token.span()
        if token[0] == "$$":
            closing = text.find("$$", end)
            if closing < 0 and not is_complete:
                return "unfinished"
            return (closing + 2 if closing >= 0 else end), None
        before = text[start - 1 : start] if start else self._before[-1:]
        after = text[end : end + 1]
        if self._in_dollars:
            self._in_dollars = not (before.strip() and not after.isdigit())
        else:
            self._in_dollars = bool(after.strip())
        return end, None

    def _read_bracket(
        self, text: str, start: int, done: int, *, is_complete: bool
    ) -> tuple[int, Candidate | None] | Unfinished:
        candidate = read_candidate(text, start)
        if candidate == "unfinished" and not is_complete:
            return "unfinished"
        if candidate is None or candidate == "unfinished":
            return self._read_formula(text, start, is_complete=is_complete)
        if self._in_dollars:
            formula = self._rest_of_formula(text, start, is_complete=is_complete)
            if formula:
                return formula if formula == "unfinished" else (formula, None)
        before = (self._before + text[done:start] if start - done < CONTEXT_CHARACTERS else text[done:start])[
            -CONTEXT_CHARACTERS:
        ]
        if self._follows_index and before.endswith("]"):
            return candidate.end, None
        after = text[candidate.end : candidate.end + CONTEXT_CHARACTERS]
        decided = self._decide(candidate, before, after, is_complete)
        if decided == "unfinished":
            return "unfinished"
        self._follows_index = not decided
        return candidate.end, candidate if decided else None

    def _rest_of_formula(self, text: str, start: int, *, is_complete: bool) -> int | Unfinished:
        """Return where the formula ends that a `$` before the bracket at `start` began, 0 if it began none."""
        known = len(text) - start > _FORMULA_CHARACTERS or is_complete
        window = text[start : start + _FORMULA_CHARACTERS]
        closing = _FORMULA_END.search(window)
        if not known and (not closing or closing.end() == len(window)):
            return "unfinished"
        self._in_dollars = False
        return start + closing.end() if closing else 0

    def _read_formula(self, text: str, start: int, *, is_complete: bool) -> tuple[int, Candidate | None] | Unfinished:
        r"""Return where `\(…\)` or `\[…\]` ends, or the end of a bracket that is only a character."""
        if text[start] != "\\":
            return start + 1, None
        closing = text.find("\\)" if text[start + 1] == "(" else "\\]", start)
        if closing < 0 and not is_complete:
            return "unfinished"
        return (closing + 2 if closing >= 0 else start + 2), None


def _spaces(text: str) -> int:
    """Return the length of the white space at the end that a marker takes along."""
    found = _SPACE.search(text[-8:])
    return len(found[0]) if found else 0
