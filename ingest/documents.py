"""A file of the knowledge folder, read: its text, front matter and title."""

import datetime
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from rag import strict_yaml
from rag.errors import DocumentError
from rag.vocabulary import MetadataValue

MAX_FRONT_MATTER_BYTES = strict_yaml.MAX_BYTES

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_FENCE_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
# Characters that a reader does not see and a model does: zero-width, bidirectional control, and tag characters.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True)
class Document:
    """`body` starts at line `first_line` (1-based) of the file; what stands before is front matter."""

    source: str
    title: str
    body: str
    first_line: int
    metadata: Mapping[str, MetadataValue]


def parse_document(source: str, content: bytes) -> Document:
    """Decode the bytes of a Markdown file and take its front matter off.

    `source` is the path relative to the root, POSIX style, NFC. `title` is the front matter's, else "".

    Raises DocumentError, naming the source, for bytes that are not UTF-8 and for front matter that is not plain YAML.
    """
    text = _decode(source, content)
    opening = _FENCE.match(text)
    if not opening:
        return Document(source, "", text, 1, {})
    closing = _FENCE_END.search(text, opening.end() + 1)
    if not closing:
        # A lone `---` on the first line is a thematic break.
        return Document(source, "", text, 1, {})
    metadata = _front_matter(source, text[opening.end() : closing.start()])
    body = text[closing.end() :]
    first_line = text.count("\n", 0, closing.end()) + 1
    title = metadata.get("title")
    return Document(source, str(title).strip() if title else "", body, first_line, metadata)


def fallback_title(source: str) -> str:
    """The file's name without its ending, for a document without title and headings."""
    return PurePosixPath(source).stem


def _decode(source: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"{source}: line {line} is not UTF-8; save the file as UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DocumentError(f"{source}: line {line} holds a NUL byte; this is not a text file")
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _INVISIBLE.sub("", text)


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
    if (isinstance(value, float) and value in (float("inf"), float("-inf"))) or value != value:  # noqa: PLR0124
        return str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
