"""The two consoles of a command, and how text and locations in files are shown on them."""

import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from rag.errors import ZhiwenError

_SNIPPET_CHARACTERS = 160
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def output() -> Console:
    """Return a console for results, on standard output."""
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def messages() -> Console:
    """Return a console for progress, notes and errors, on standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def printable(text: str) -> str:
    """Remove the control characters with which a text could steer the terminal."""
    return _CONTROL.sub("", text)


def print_error(message: object) -> None:
    """Print an error on standard error."""
    messages().print(printable(f"zhiwen: {message}"), style="red")


def raise_all(errors: Sequence[ZhiwenError]) -> None:
    """Raise the first error, if there is one, after the others have been printed."""
    for error in errors[1:]:
        print_error(error)
    if errors:
        raise errors[0]


def snippet(text: str) -> str:
    """Return a text as one printable line of at most 160 characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _SNIPPET_CHARACTERS else line[: _SNIPPET_CHARACTERS - 1] + "…"


def file_location(root: Path, source: str, start_line: int, end_line: int) -> str:
    """Return lines of a document as `knowledge/overview.md:82-84`, which terminals and editors open on a click.

    The path is relative to the working directory if the document is below it.
    """
    path = root / source
    try:
        path = path.resolve().relative_to(Path.cwd())
    except ValueError:
        path = root / source
    return f"{path}:{start_line}" if start_line == end_line else f"{path}:{start_line}-{end_line}"
