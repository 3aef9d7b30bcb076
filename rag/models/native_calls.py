"""Calls into C++ libraries, which must have returned before the interpreter ends.

Until Python 3.14, the end of the interpreter ends a daemon thread when it next needs the interpreter. If there is C++
on its stack, that aborts the whole process.
"""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SECONDS_TO_RETURN = 10.0  # a call that takes longer aborts the process, rather than keep it alive

_changed = threading.Condition()
_running = 0
_is_ending = False


@contextmanager
def native_call() -> Iterator[None]:
    """Keep the interpreter from ending within this context. A call that comes later waits until the process ends."""
    global _running  # noqa: PLW0603
    with _changed:
        _changed.wait_for(lambda: not _is_ending)
        _running += 1
    try:
        yield
    finally:
        with _changed:
            _running -= 1
            _changed.notify_all()


@atexit.register
def _wait_for_calls() -> None:
    global _is_ending  # noqa: PLW0603
    with _changed:
        _is_ending = True
        _changed.wait_for(lambda: not _running, _SECONDS_TO_RETURN)
