"""Separate reasoning that a server leaves in the text, as `<think>…</think>` at the beginning."""

from rag.chat.protocol import ReasoningDelta, TextDelta

_OPENING = "<think>"
_CLOSING = "</think>"


class ThinkTagFilter:
    """Splits streamed text into reasoning and answer.

    Drops the tags and the white space before the opening and after the closing tag; every other character is kept.
    Only a tag at the beginning of the text marks reasoning; further down, the answer talks about the tag.
    """

    def __init__(self) -> None:
        self._buffer = ""
        self._in_reasoning: bool | None = None  # None: the text may still begin with the tag
        self._drops_white_space = False  # between the closing tag and the answer

    def feed(self, text: str) -> list[TextDelta | ReasoningDelta]:
        """Return the pieces that are certain, whatever follows."""
        self._buffer += text
        if self._in_reasoning is None:
            self._read_beginning()
        if self._in_reasoning is None:
            return []
        if self._in_reasoning:
            return self._take_reasoning()
        return self._take_answer()

    def finish(self) -> list[TextDelta | ReasoningDelta]:
        """Return what was held back until the end of the stream."""
        rest, self._buffer = self._buffer, ""
        if not rest:
            return []
        return [ReasoningDelta(rest) if self._in_reasoning else TextDelta(rest)]

    def _read_beginning(self) -> None:
        beginning = self._buffer.lstrip()
        if beginning.startswith(_OPENING):
            self._in_reasoning = True
            self._buffer = beginning.removeprefix(_OPENING)
        elif not _OPENING.startswith(beginning):
            self._in_reasoning = False

    def _take_reasoning(self) -> list[TextDelta | ReasoningDelta]:
        reasoning, closing, rest = self._buffer.partition(_CLOSING)
        if not closing:
            reasoning = self._buffer[: len(self._buffer) - _length_of_partial_tag(self._buffer)]
            self._buffer = self._buffer[len(reasoning) :]
            return [ReasoningDelta(reasoning)] if reasoning else []
        self._in_reasoning = False
        self._buffer, self._drops_white_space = rest, True
        pieces: list[TextDelta | ReasoningDelta] = [ReasoningDelta(reasoning)] if reasoning else []
        return pieces + self._take_answer()

    def _take_answer(self) -> list[TextDelta | ReasoningDelta]:
        answer, self._buffer = self._buffer.lstrip() if self._drops_white_space else self._buffer, ""
        self._drops_white_space = self._drops_white_space and not answer
        return [TextDelta(answer)] if answer else []


def _length_of_partial_tag(text: str) -> int:
    """Return how many characters at the end may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSING) - 1, 0, -1) if text.endswith(_CLOSING[:size])), 0)
