"""Filter foreign links, images and HTML out of streamed text."""

import re
from collections.abc import Mapping

from rag.checks.citation_markers import cited_numbers
from rag.checks.foreign_links import remove_foreign_links
from rag.checks.link_buffer import LinkBuffer
from rag.text.code_spans import CodeState
from rag.text.urls import canonical_url, find_spellings


class LinkFilter:
    """Passes streamed text on without foreign links, images and HTML, however the text is split.

    `passages` has the text of each offered passage by its number; an address is foreign unless a cited passage has it.
    Text passes at once up to the first character of a line that may begin a link. The rest waits for the end of the
    line, or, if a passage that is not cited yet has its address, for the end of the paragraph. The text must have
    passed a MarkerFilter.
    """

    def __init__(self, passages: Mapping[int, str]) -> None:
        self._passages = passages
        self._spellings: dict[int, Mapping[str, str]] = {}
        self._cited: set[int] = set()
        self._line = LinkBuffer()
        self._pending: list[tuple[str, CodeState | None]] = []
        """The lines that are complete but wait for a citation, with the state before each that may have a link."""
        self._pending_urls: set[str] = set()
        self._state = CodeState()
        self._released = 0
        """How many characters of the first pending line have passed already."""

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        released = ""
        for piece in re.split(r"(?<=\n)", text):
            self._line.add(piece)
            if piece.endswith("\n"):
                released += self._end_line()
        # Nothing may pass ahead of pending lines.
        return released if self._pending else released + self._line.advance()

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        return self._end_line(is_last=True)

    def _end_line(self, *, is_last: bool = False) -> str:
        """Add the line to the pending ones, and return them unless one has an address of a passage not cited yet."""
        line, released = self._line.text, self._line.released
        self._line = LinkBuffer()
        # Only markers that readers will see count as citations, not one in a tag that is removed.
        state = self._state
        visible = remove_foreign_links(line, {}, state)
        self._state = state.after(line)
        if not self._state.fence:
            # Markers may stand behind the end of a block of code.
            self._cited |= set(cited_numbers(visible.lstrip(state.fence[:1] + " ") if state.fence else visible))
        # A link may begin on the line before.
        before = self._pending[-1][0] if self._pending else ""
        self._pending_urls |= find_spellings(before + line).keys()
        self._released = self._released if self._pending else released
        self._pending.append((line, state if visible != line else None))
        is_paragraph_end = (before + line).endswith("\n\n") and not self._state.fence
        may_wait = not (is_last or is_paragraph_end)
        return "" if may_wait and self._awaits_citation() else self._release()

    def _awaits_citation(self) -> bool:
        if not self._pending_urls:
            return False
        uncited = [number for number in self._passages if number not in self._cited]
        return any(self._pending_urls & self._spellings_in(one).keys() for one in uncited if self._may_have_one(one))

    def _may_have_one(self, number: int) -> bool:
        """Return whether a passage has any address that waits, or some of its letters."""
        text = self._passages[number].casefold()
        return any(canonical_url(url).casefold() in text for url in self._pending_urls)

    def _release(self) -> str:
        allowed: dict[str, str] = {}
        if any(state for _, state in self._pending):
            for number in sorted(self._cited, reverse=True):  # of several spellings, that of the first passage
                allowed |= self._spellings_in(number)
        clean = [remove_foreign_links(line, allowed, state) if state else line for line, state in self._pending]
        self._pending, self._pending_urls = [], set()
        return "".join(clean)[self._released :]

    def _spellings_in(self, number: int) -> Mapping[str, str]:
        """Return the addresses of a passage, which are looked for when they are first needed."""
        if number not in self._spellings:
            self._spellings[number] = find_spellings(self._passages.get(number, ""))
        return self._spellings[number]
