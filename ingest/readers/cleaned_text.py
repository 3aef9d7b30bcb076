"""The text of a file, cleaned: newlines as line ends, NFC, no invisible characters."""

import unicodedata

from ingest.readers.encoding import decode, decode_html
from rag.text.invisible import remove_invisible


def read_text(source: str, content: bytes) -> str:
    """Return the text of a file's bytes, cleaned. Raises DocumentError as `decode`."""
    return _cleaned(decode(source, content))


def read_html_text(source: str, content: bytes, *, served_as: str = "") -> str:
    """Return the text of an HTML file's bytes, cleaned; `served_as` is as for `decode_html`, which it raises as."""
    return _cleaned(decode_html(source, content, served_as=served_as))


def clean_text(text: str) -> str:
    """Return the text in NFC and without invisible characters; the number of lines stays the same."""
    return remove_invisible(unicodedata.normalize("NFC", text))


def _cleaned(text: str) -> str:
    return clean_text(text.replace("\r\n", "\n").replace("\r", "\n"))
