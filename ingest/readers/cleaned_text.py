"""The text of a file, cleaned: newlines as line ends, NFC, no invisible characters."""

import unicodedata

from ingest.readers.encoding import decode
from rag.text.invisible import remove_invisible


def read_text(source: str, content: bytes) -> str:
    """Return the text of a file's bytes, cleaned. Raises DocumentError as `decode`."""
    return clean_text(decode(source, content).replace("\r\n", "\n").replace("\r", "\n"))


def clean_text(text: str) -> str:
    """Return the text in NFC and without invisible characters; the number of lines stays the same."""
    return remove_invisible(unicodedata.normalize("NFC", text))
