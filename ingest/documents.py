"""A file of the knowledge folder, read: its Markdown, front matter and title.

Markdown is taken as it is; plain text and HTML are brought into Markdown first, and so are PDF and DOCX where the
optional converter is installed (`pip install 'zhiwen[documents]'`).
"""

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ingest.convert import Converted, convert_docx, convert_html, convert_pdf, convert_text, without_modules
from ingest.encoding import decode
from rag import strict_yaml
from rag.errors import DocumentError
from rag.visible import visible
from rag.vocabulary import MetadataValue

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_FENCE_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """`body` is Markdown; its first line is line `first_line` (1-based) of the file.

    Where the body was converted, `line_map` has the line of the file for each line of the body.
    """

    source: str
    title: str
    body: str
    first_line: int
    metadata: Mapping[str, MetadataValue]
    line_map: Sequence[int] = ()


def parse_document(source: str, content: bytes) -> Document:
    """Read the bytes of a file by the ending of its name.

    `source` is the path relative to the root, POSIX style, NFC. `title` is what the document itself says, or "".

    Raises DocumentError, naming the source, for an encoding or front matter that cannot be read, and for a kind of file
    that cannot be converted here.
    """
    ending = PurePosixPath(source).suffix.lower()
    if ending in _BINARY:
        return _converted(source, _BINARY[ending](source, content))
    text = _cleaned(decode(source, content))
    if ending == ".mdx":
        text = without_modules(text)
    converter = _CONVERTERS.get(ending)
    return _converted(source, converter(text)) if converter else _markdown(source, text)


def fallback_title(source: str) -> str:
    """The file's name without its ending, for a document without title and headings."""
    return PurePosixPath(source).stem


_CONVERTERS: Mapping[str, Callable[[str], Converted]] = {
    ".txt": convert_text,
    ".html": convert_html,
    ".htm": convert_html,
}
_BINARY: Mapping[str, Callable[[str, bytes], Converted]] = {".pdf": convert_pdf, ".docx": convert_docx}


def _cleaned(text: str) -> str:
    return visible(unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))


def _converted(source: str, converted: Converted) -> Document:
    # A converter resolves entities such as `&#8203;`.
    return Document(source, visible(converted.title), visible(converted.markdown), 1, {}, converted.line_map)


def _markdown(source: str, text: str) -> Document:
    opening = _FENCE.match(text)
    closing = _FENCE_END.search(text, opening.end() + 1) if opening else None
    if not opening or not closing:
        # A lone `---` on the first line is a thematic break.
        return Document(source, "", text, 1, {})
    metadata = _front_matter(source, text[opening.end() : closing.start()])
    title = metadata.get("title")
    first_line = text.count("\n", 0, closing.end()) + 1
    return Document(source, visible(str(title)).strip() if title else "", text[closing.end() :], first_line, metadata)


def _front_matter(source: str, text: str) -> dict[str, MetadataValue]:
    try:
        values = strict_yaml.load(text)
    except strict_yaml.StrictYAMLError as error:
        raise DocumentError(f"{source}: front matter: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise DocumentError(f"{source}: front matter must be `key: value` lines, got {type(values).__name__}")
    return {str(key): _plain(value) for key, value in values.items()}


def _plain(value: object) -> MetadataValue:
    """Front matter as JSON can hold it; nested structures become text."""
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> str | int | float | bool | None:
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
