"""An answer that repeats what it was told instead of answering: the repeated run is left out."""

import unicodedata
from collections import deque
from collections.abc import Collection

SHORTEST_RUN = 12
"""So many letters and digits in a row, the same as in the instructions, are no coincidence in Chinese."""


class PromptLeakFilter:
    """Passes streamed text on without runs that stand in `instructions`, however they are spaced or punctuated.

    A run counts from `shortest_run` letters and digits on, unless it stands in `material` too, or if it ends in one of
    `words`. Held back is the longest end of the text that may become such a run.
    """

    def __init__(
        self,
        instructions: str,
        *,
        material: str = "",
        words: Collection[str] = (),
        shortest_run: int = SHORTEST_RUN,
    ) -> None:
        self._instructions = _folded(instructions)
        self._material = _folded(material)
        self._words = tuple(_folded(word) for word in words)
        self._shortest_run = shortest_run
        self._held: deque[tuple[str, str]] = deque()
        self._run = ""
        self._doomed = 0

    def feed(self, text: str) -> str:
        return "".join(map(self._take, text))

    def finish(self) -> str:
        return "".join(self._release() for _ in range(len(self._held)))

    def _take(self, char: str) -> str:
        folded = _folded(char)
        if not folded and not self._held:
            return char
        self._held.append((char, folded))
        self._run += folded
        released = ""
        while self._held and (self._run not in self._instructions or not self._held[0][1]):
            released += self._release()
        if self._is_echo():
            self._doomed = len(self._held)
        return released

    def _is_echo(self) -> bool:
        tail = self._run[-self._shortest_run :]
        is_long = len(tail) == self._shortest_run and tail not in self._material
        return is_long or self._run.endswith(self._words)

    def _release(self) -> str:
        char, folded = self._held.popleft()
        self._run = self._run[len(folded) :]
        if self._doomed:
            self._doomed -= 1
            return ""
        return char


def _folded(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
