"""Remember what a function returns for short texts.

Callers can ask any number of questions of 4,000 characters, which would fill the memory.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

ResultT = TypeVar("ResultT")


def remember_short(texts: int, characters: int) -> Callable[[Callable[[str], ResultT]], Callable[[str], ResultT]]:
    """Return a decorator that caches the results for short texts.

    The cache keeps the `texts` most recently used texts of at most `characters` characters each. The result for a
    longer text is computed at every call.
    """

    def remember(function: Callable[[str], ResultT]) -> Callable[[str], ResultT]:
        known = lru_cache(maxsize=texts)(function)

        @wraps(known)
        def remembering(text: str) -> ResultT:
            return known(text) if len(text) <= characters else function(text)

        return remembering

    return remember
