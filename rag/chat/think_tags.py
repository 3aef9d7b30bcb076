"""Reasoning that a server leaves in the text, as `<think>…</think>` at its beginning."""

from rag.chat.protocol import ReasoningDelta, TextDelta

_OPENING = "<think>"
_CLOSING = "</think>"


class ThinkTagFilter:
    """Splits text that comes in pieces into reasoning and answer; no character of either is lost.

    Only a text that begins with the tag holds reasoning: further down it is something that the answer talks about.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside: bool | None = None  # None: the beginning is not known yet
        self._trims = False  # the white space between the tag and the answer is of neither

    def feed(self, text: str) -> list[TextDelta | ReasoningDelta]:
        """What is certain now."""
        self._held += text
        if self._inside is None:
            self._begin()
        if self._inside is None:
            return []
        if self._inside:
            return self._think()
        return self._say()

    def finish(self) -> list[TextDelta | ReasoningDelta]:
        """What was held back at the end of the stream."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [ReasoningDelta(held) if self._inside else TextDelta(held)]

    def _begin(self) -> None:
        beginning = self._held.lstrip()
        if beginning.startswith(_OPENING):
            self._inside = True
            self._held = beginning.removeprefix(_OPENING)
        elif not _OPENING.startswith(beginning):
            self._inside = False

    def _think(self) -> list[TextDelta | ReasoningDelta]:
        thought, closing, rest = self._held.partition(_CLOSING)
        if not closing:
            thought = self._held[: len(self._held) - _length_of_beginning(self._held)]
            self._held = self._held[len(thought) :]
            return [ReasoningDelta(thought)] if thought else []
        self._inside = False
        self._held, self._trims = rest, True
        pieces: list[TextDelta | ReasoningDelta] = [ReasoningDelta(thought)] if thought else []
        return pieces + self._say()

    def _say(self) -> list[TextDelta | ReasoningDelta]:
        said, self._held = self._held.lstrip() if self._trims else self._held, ""
        self._trims = self._trims and not said
        return [TextDelta(said)] if said else []


def _length_of_beginning(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSING) - 1, 0, -1) if text.endswith(_CLOSING[:size])), 0)
