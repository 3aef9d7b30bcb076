"""Paths of the server's machine in what callers get: only administrators see where something is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

_are_hidden: ContextVar[bool] = ContextVar("paths_are_hidden", default=False)
# After a word a path needs a second slash, as in `sentence-transformers//models/m`, and after a scheme a fourth.
_START = r"(?:(?<![\w:/.~-])/{1,2}|(?<=[\w-])//|(?<=:///)/)"
_PATH = re.compile(_START + r"(?P<first>[^\s/:;,'\"`()]+)(?:/+[^\s/:;,'\"`()]+)+/?")


@contextmanager
def hiding_paths(hide: bool) -> Iterator[None]:
    """Decide what `shown` does for the rest of a request, also in the threads and tasks that it starts."""
    token = _are_hidden.set(hide)
    try:
        yield
    finally:
        _are_hidden.reset(token)


def shown(text: str) -> str:
    """Return the text as the caller of this request may see it: paths of this machine without their folders.

    A path begins with a folder that the machine has, so the routes of the API stay. Outside of a request, as on the
    command line, nothing changes.
    """
    return _PATH.sub(_without_folders, text) if _are_hidden.get() else text


def _without_folders(path: re.Match[str]) -> str:
    return f"…/{path[0].rstrip('/').rpartition('/')[2]}" if _is_folder(path["first"]) else path[0]


@lru_cache(maxsize=256)
def _is_folder(first: str) -> bool:
    return len(first) < 256 and Path("/", first).is_dir()
