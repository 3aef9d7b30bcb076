"""YAML front matter of a Markdown file."""

import datetime
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag import strict_yaml
from rag.errors import DocumentError
from rag.store.filter_keys import MAX_FILTER_KEYS, MAX_METADATA_BYTES, filter_keys_of
from rag.types import MetadataValue, Scalar

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_FENCE_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The metadata of a text, the `body` below it, and the line (1-based) on which the body begins."""

    metadata: Mapping[str, MetadataValue]
    body: str
    first_line: int


def split_front_matter(source: str, text: str) -> FrontMatter:
    """Separate a text from its front matter, if it has any.

    Raises DocumentError, naming the source, for front matter that cannot be read or is too large.

    >>> split_front_matter("a.md", "---\\nowner: 平台组\\n---\\n# 安装\\n")
    FrontMatter(metadata={'owner': '平台组'}, body='\\n# 安装\\n', first_line=3)
    """
    opening = _FENCE.match(text)
    closing = _FENCE_END.search(text, opening.end() + 1) if opening else None
    if not opening or not closing:
        # A `---` on the first line without a second one is a thematic break.
        return FrontMatter({}, text, 1)
    metadata = _parse(source, text[opening.end() : closing.start()])
    first_line = text.count("\n", 0, closing.end()) + 1
    return FrontMatter(metadata, text[closing.end() :], first_line)


def _parse(source: str, text: str) -> dict[str, MetadataValue]:
    try:
        values = strict_yaml.load(text)
    except strict_yaml.StrictYAMLError as error:
        raise DocumentError(f"{source}: front matter: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise DocumentError(f"{source}: front matter must be `key: value` lines, got {type(values).__name__}")
    metadata = {str(key): _json_value(value) for key, value in values.items()}
    # Beyond either limit a Milvus server would refuse the rows, and those of all other documents with them.
    size, count = len(json.dumps(metadata, ensure_ascii=False).encode()), len(filter_keys_of(metadata))
    if size > MAX_METADATA_BYTES or count > MAX_FILTER_KEYS:
        raise DocumentError(
            f"{source}: front matter is too large to be searched: {size} bytes, {count} facts; shorten it"
        )
    return metadata


def _json_value(value: object) -> MetadataValue:
    """Return a value that JSON can represent; nested structures become text."""
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Scalar:
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
