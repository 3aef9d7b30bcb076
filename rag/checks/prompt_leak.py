"""Remove parts of the instructions that a model repeats instead of answering."""

import unicodedata
from collections import deque
from collections.abc import Collection

MIN_CHARACTERS = 12
"""In Chinese, a run of this many letters and digits that is also in the instructions is no coincidence."""


class PromptLeakFilter:
    """Passes streamed text on without runs that are also in `instructions`, however they are spaced or punctuated.

    A run is removed if it has at least `min_characters` letters and digits and is not in `material` too, or if it ends
    in one of `words`. Text that may become such a run is held back.
    """

    def __init__(
        self,
        instructions: str,
        *,
        material: str = "",
        words: Collection[str] = (),
        min_characters: int = MIN_CHARACTERS,
    ) -> None:
        self._instructions = _letters_and_digits(instructions)
        self._material = _letters_and_digits(material)
        self._words = tuple(_letters_and_digits(word) for word in words)
        self._min_characters = min_characters
        self._buffer: deque[tuple[str, str]] = deque()
        """The characters that are held back, each with its letters and digits."""
        self._run = ""
        """The letters and digits of the buffer; always a part of the instructions."""
        self._leaked = 0
        """How many characters at the front of the buffer are to be removed."""

    def feed(self, text: str) -> str:
        """Return the part of everything fed so far that is certain and was not returned before."""
        return "".join(map(self._take, text))

    def finish(self) -> str:
        """Return what was held back until the end of the stream."""
        return "".join(self._release() for _ in range(len(self._buffer)))

    def _take(self, char: str) -> str:
        letters = _letters_and_digits(char)
        if not letters and not self._buffer:
            return char
        self._buffer.append((char, letters))
        self._run += letters
        released = ""
        while self._buffer and (self._run not in self._instructions or not self._buffer[0][1]):
            released += self._release()
        if self._is_leak():
            self._leaked = len(self._buffer)
        return released

    def _is_leak(self) -> bool:
        end = self._run[-self._min_characters :]
        is_long = len(end) == self._min_characters and end not in self._material
        return is_long or self._run.endswith(self._words)

    def _release(self) -> str:
        """Drop the first character of the buffer, and return it unless it is part of a leak."""
        char, letters = self._buffer.popleft()
        self._run = self._run[len(letters) :]
        if self._leaked:
            self._leaked -= 1
            return ""
        return char


def _letters_and_digits(text: str) -> str:
    """Return the letters and digits of a text without their case and width."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
