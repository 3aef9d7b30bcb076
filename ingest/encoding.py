"""Bytes → text: UTF-8, UTF-16 with a byte order mark, or GB18030; anything else is refused, never guessed."""

import codecs
import re

from rag.errors import DocumentError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MIN_COMMON_SHARE = 0.7
# GB2312's symbols (rows 1 to 9) and its 3,755 common characters (rows 16 to 55), as the first byte of two: other
# double-byte encodings read as GB18030 spell rare characters.
_COMMON_ROWS = frozenset(range(0xA1, 0xAA)) | frozenset(range(0xB0, 0xD8))
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def decode(source: str, content: bytes) -> str:
    """The text of a file. Bytes that are not UTF-8 pass for GB18030 if what they spell is mostly common Chinese.

    Raises DocumentError, naming the source and the line, for everything else and for NUL bytes.
    """
    text = _decoded(source, content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(f"{source}: line {line} holds a NUL byte; this is not a text file")
    return text


def _decoded(source: str, content: bytes) -> str:
    if content.startswith(_UTF16_MARKS):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DocumentError(f"{source}: begins like UTF-16 and is not; save the file as UTF-8") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _gb18030(content)
        if text is None:
            line = content.count(b"\n", 0, error.start) + 1
            raise DocumentError(
                f"{source}: line {line} is not UTF-8 (nor UTF-16 or GB18030); save the file as UTF-8"
            ) from error
        return text


def _gb18030(content: bytes) -> str | None:
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        return None
    foreign = [char.encode("gb18030") for char in _NOT_ASCII.findall(text)]
    common = sum(len(code) == 2 and code[0] in _COMMON_ROWS and code[1] >= 0xA1 for code in foreign)
    return text if common >= _MIN_COMMON_SHARE * len(foreign) else None
