"""Waiting for a condition: tests never sleep for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.02


def eventually(
    look: Callable[[], T], *, until: Callable[[T], object] = bool, within_seconds: float = 60.0, message: str = ""
) -> T:
    """Call `look` until what it returns fulfils the condition `until`, and return that; by default, until it is true.

    Raises AssertionError, with `message` and the last value, after `within_seconds`. The limit is generous, so that a
    busy machine fails no test; it only keeps a broken one from running for ever.
    """
    deadline = time.monotonic() + within_seconds
    while not until(seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_seconds:g} s: {message or repr(look)}; last seen: {seen!r}")
        time.sleep(_PAUSE_SECONDS)
    return seen
