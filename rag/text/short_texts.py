"""Remember what a function returns for short texts.

Callers can ask any number of questions of 4,000 characters, which would fill the memory.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

ResultT = TypeVar("ResultT")


def remember_short(texts: int, characters: int) -> Callable[[Callable[[str], ResultT]], Callable[[str], ResultT]]:
    """Remember the results for the last `texts` of at most so many characters; longer ones are computed each time."""

    def remember(function: Callable[[str], ResultT]) -> Callable[[str], ResultT]:
        known = lru_cache(maxsize=texts)(function)

        @wraps(known)
        def remembering(text: str) -> ResultT:
            return known(text) if len(text) <= characters else function(text)

        return remembering

    return remember
