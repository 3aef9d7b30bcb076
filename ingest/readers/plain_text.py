"""Plain text → Markdown that means the text itself, and what all converters give."""

import re
import unicodedata
from dataclasses import dataclass

# What begins a block begins with punctuation or with a number before it; what has a meaning within one is little.
_MEANINGFUL = re.compile(r"^([ \t]*\d*)([!-/:-@\[-`{}~])|([\\`*_\[\]<&#])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ConvertedText:
    """`line_map` has the line of the file for each line of the Markdown."""

    title: str
    markdown: str
    line_map: tuple[int, ...]


def escape_markdown(text: str) -> str:
    """The Markdown for a text in which every character means itself; white space around lines is taken off.

    A `|` needs no escape: there is no table without the dashes that begin the line under its header.
    """
    return _MEANINGFUL.sub(r"\1\\\2\3", unicodedata.normalize("NFC", text))


def text_to_markdown(text: str) -> ConvertedText:
    """Every character means itself, a blank line ends a paragraph, a line break is kept."""
    lines = [escape_markdown(line.strip()) for line in text.split("\n")]
    # A backslash at its end keeps a line apart from the next.
    body = [f"{line}\\" if line and after else line for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    return ConvertedText("", "\n".join(body), tuple(range(1, len(lines) + 1)))
