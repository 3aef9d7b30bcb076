"""Bytes → text: UTF-8, UTF-16 with a byte order mark, or GB18030. Other encodings are refused, not guessed.

An HTML file can declare another one.
"""

import codecs
import re
from collections.abc import Sequence, Set

from ingest.readers.declared_encoding import declared_encoding, decode_by_label, is_seven_bit
from rag.errors import DocumentError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = (codecs.BOM_UTF8, *_UTF16_MARKS)
_MIN_COMMON_SHARE = 0.7
# The first byte of GB2312's symbols (rows 1 to 9) and of its 3,755 common characters (rows 16 to 55). Text in another
# double-byte encoding, decoded as GB18030, has mostly rare characters,
_SYMBOL_ROWS = frozenset(range(0xA1, 0xAA))
_COMMON_ROWS = _SYMBOL_ROWS | frozenset(range(0xB0, 0xD8))
# except EUC-JP and EUC-KR. Half of Japanese is kana, which have the same codes in GB2312 and EUC-JP. Half of Korean is
# these syllables; GB2312 has characters with the same codes that Chinese hardly uses.
_KANA = frozenset(bytes((row, cell)) for row in (0xA4, 0xA5) for cell in range(0xA1, 0xFF))
_KOREAN = frozenset(
    syllable.encode("euc-kr")
    for syllable in "이다의는을에가고지기하한은도사로를대서자리해어아나인시그있라수정"
    "일게보부제들스과적으여전만것원장구조니면했었오주상습요거와"
)
_MIN_TELLING_SHARE = 0.3
_MIN_TELLING_LETTERS = 8  # different ones: one word of kana in a short Chinese text proves nothing
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def decode(source: str, content: bytes) -> str:
    """Return the text of a file.

    Bytes that are not UTF-8 are taken for GB18030 if they decode to mostly common Chinese.
    Raises DocumentError, naming the source and the line, for any other encoding and for NUL bytes.
    """
    return _without_nul(source, _decoded(source, content))


def decode_html(source: str, content: bytes, *, served_as: str = "") -> str:
    """Return the text of an HTML file, by the encoding that its server names or that it declares.

    A byte order mark counts more than a declaration, and so do bytes that are UTF-8. Without a declaration, the bytes
    are decoded as by `decode`. Raises DocumentError, naming the source and the line, for bytes that are not what the
    file declares, and as `decode`.
    """
    label = declared_encoding(content, served_as=served_as)
    if label is None or content.startswith(_MARKS) or (_is_utf8(content) and not is_seven_bit(label)):
        return decode(source, content)
    try:
        return _without_nul(source, decode_by_label(content, label))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"{source}: line {line} is not {label}, which the file declares; save the file as UTF-8"
        ) from error


def _without_nul(source: str, text: str) -> str:
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(f"{source}: line {line} contains a NUL byte; this is not a text file")
    return text


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(source: str, content: bytes) -> str:
    if content.startswith(_UTF16_MARKS):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DocumentError(f"{source}: begins like UTF-16 but is not; save the file as UTF-8") from error
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
    codes = [char.encode("gb18030") for char in _NOT_ASCII.findall(text)]
    common = sum(_is_in(_COMMON_ROWS, code) for code in codes)
    letters = [code for code in codes if code in _KANA or not _is_in(_SYMBOL_ROWS, code)]
    if common < _MIN_COMMON_SHARE * len(codes) or _is_made_of(_KANA, letters) or _is_made_of(_KOREAN, letters):
        return None
    return text


def _is_in(rows: Set[int], code: bytes) -> bool:
    """Return whether `code` is GB2312 and in one of these rows; GB18030 has other codes of two and four bytes."""
    return len(code) == 2 and code[0] in rows and code[1] >= 0xA1


def _is_made_of(telling: Set[bytes], letters: Sequence[bytes]) -> bool:
    """Return whether a good share of the letters, and enough different ones, are in `telling`."""
    found = [letter for letter in letters if letter in telling]
    return len(set(found)) >= _MIN_TELLING_LETTERS and len(found) >= _MIN_TELLING_SHARE * len(letters)
