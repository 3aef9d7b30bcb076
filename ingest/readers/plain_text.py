"""The reader of plain text, and Markdown in which every character means itself."""

import re
import unicodedata

from ingest.readers.cleaned_text import read_text
from ingest.readers.document import Document, converted_document

# Blocks begin with punctuation, perhaps after a number; within a block few characters have a meaning.
_SPECIAL = re.compile(r"^([ \t]*\d*)([!-/:-@\[-`{}~])|([\\`*_\[\]<&#])", re.MULTILINE)


def read_plain_text(source: str, content: bytes) -> Document:
    """Return a text file as Markdown. Raises DocumentError for an encoding that cannot be read."""
    return converted_document(source, body=text_to_markdown(read_text(source, content)))


def text_to_markdown(text: str) -> str:
    """Return Markdown that shows the text, line by line: a blank line ends a paragraph, a line break stays one.

    >>> print(text_to_markdown("1. not a list\\n\\n* nor this"))
    1\\. not a list
    <BLANKLINE>
    \\* nor this
    """
    lines = [escape_markdown(line.strip()) for line in text.split("\n")]
    # A backslash at the end of a line keeps it apart from the next one.
    return "\n".join(
        f"{line}\\" if line and after else line for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )


def escape_markdown(text: str) -> str:
    """Return Markdown in which every character of the text means itself.

    A `|` needs no escape: a table needs dashes under its header, and these are escaped.
    """
    return _SPECIAL.sub(r"\1\\\2\3", unicodedata.normalize("NFC", text))
