"""A file of the knowledge folder, read: its Markdown, front matter and title.

Markdown is taken as it is; plain text and HTML are brought into Markdown first, and so are PDF and DOCX where the
optional converter is installed (`pip install 'zhiwen[documents]'`).
"""

import datetime
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ingest.readers.encoding import decode
from ingest.readers.mdx import strip_module_statements
from ingest.readers.office import docx_to_markdown, pdf_to_markdown
from ingest.readers.plain_text import ConvertedText, text_to_markdown
from rag import strict_yaml
from rag.errors import DocumentError
from rag.store.filter_keys import MAX_FILTER_KEYS, MAX_METADATA_BYTES, filter_keys_of
from rag.text.invisible import remove_invisible
from rag.types import MetadataValue

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
    try:
        if ending in _BINARY:
            return _converted(source, _BINARY[ending](source, content))
        text = _visible(_with_newlines(decode(source, content)))
        if ending in _TEXT:
            return _converted(source, _TEXT[ending](text))
    except RecursionError as error:
        raise DocumentError(f"{source}: is nested too deeply to be parsed") from error
    document = _markdown(source, text)
    return replace(document, body=strip_module_statements(document.body)) if ending == ".mdx" else document


def fallback_title(source: str) -> str:
    """The file's name without its ending, for a document without title and headings."""
    return PurePosixPath(source).stem


def _html(text: str) -> ConvertedText:
    # Imported here: most folders hold Markdown only.
    from ingest.readers.html import html_to_markdown  # noqa: PLC0415

    return html_to_markdown(text)


_TEXT: Mapping[str, Callable[[str], ConvertedText]] = {".txt": text_to_markdown, ".html": _html, ".htm": _html}
_BINARY: Mapping[str, Callable[[str, bytes], ConvertedText]] = {".pdf": pdf_to_markdown, ".docx": docx_to_markdown}


def _visible(text: str) -> str:
    return remove_invisible(unicodedata.normalize("NFC", text))


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _converted(source: str, converted: ConvertedText) -> Document:
    # Once more: entities and files that are not text can bring in whatever they like.
    return Document(source, _visible(converted.title), _visible(converted.markdown), 1, {}, converted.line_map)


def _markdown(source: str, text: str) -> Document:
    opening = _FENCE.match(text)
    closing = _FENCE_END.search(text, opening.end() + 1) if opening else None
    if not opening or not closing:
        # A lone `---` on the first line is a thematic break.
        return Document(source, "", text, 1, {})
    metadata = _front_matter(source, text[opening.end() : closing.start()])
    title = metadata.get("title")
    first_line = text.count("\n", 0, closing.end()) + 1
    return Document(
        source, remove_invisible(str(title)).strip() if title else "", text[closing.end() :], first_line, metadata
    )


def _front_matter(source: str, text: str) -> dict[str, MetadataValue]:
    try:
        values = strict_yaml.load(text)
    except strict_yaml.StrictYAMLError as error:
        raise DocumentError(f"{source}: front matter: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise DocumentError(f"{source}: front matter must be `key: value` lines, got {type(values).__name__}")
    metadata = {str(key): _plain(value) for key, value in values.items()}
    # Of both, a Milvus server would refuse the rows, and all other documents with them.
    size, count = len(json.dumps(metadata, ensure_ascii=False).encode()), len(filter_keys_of(metadata))
    if size > MAX_METADATA_BYTES or count > MAX_FILTER_KEYS:
        raise DocumentError(
            f"{source}: front matter is too large to be searched: {size} bytes, {count} facts; shorten it"
        )
    return metadata


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
