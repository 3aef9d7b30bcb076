"""Plain data, as YAML, TOML and JSON give it → the values of a document's metadata.

Nothing that a reader sees in the document is changed: a number that would print in another way stays text.
"""

import datetime
import re
from collections.abc import Iterator, Mapping

from ingest.readers.cleaned_text import clean_text
from rag.types import MetadataValue, Scalar

MAX_DEPTH = 32
"""How deep lists and mappings may be nested."""

_INTEGER = re.compile(r"-?\d{1,19}")
_DECIMAL = re.compile(r"-?\d{1,17}\.\d{1,17}")
_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")


def metadata_value(value: object) -> MetadataValue:
    """Return a value that JSON can represent. A mapping becomes `key: value; key: value`.

    Raises ValueError if it is nested deeper than MAX_DEPTH.

    >>> metadata_value([{"name": "王芳", "phone": {"office": "8001"}}])
    ['name: 王芳; phone.office: 8001']
    """
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    return _scalar(value)


def metadata_key(key: object) -> str:
    """Return the name of a value: text without invisible characters."""
    return _clean(str(key)).strip()


def number_as_written(text: str) -> int | float | str:
    """Return the number that is printed as `text`, or `text`.

    >>> [number_as_written(text) for text in ("42", "3.5", "1.10", "007", "1e3")]
    [42, 3.5, '1.10', '007', '1e3']
    """
    if _INTEGER.fullmatch(text) and str(int(text)) == text and -(2**63) <= int(text) < 2**63:
        return int(text)
    if _DECIMAL.fullmatch(text) and str(float(text)) == text:
        return float(text)
    return text


def text_of(value: Scalar) -> str:
    """Return a value as it reads in a document.

    >>> text_of(True), text_of(3.5), text_of(None)
    ('true', '3.5', '')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _scalar(value: object) -> Scalar:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {text}" for key, text in _facts(value, "", MAX_DEPTH))
    if isinstance(value, list):
        return ", ".join(_item(item, MAX_DEPTH) for item in value)
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    # The parsers of front matter give floats through `number_as_written`, so they are finite.
    if isinstance(value, bool | float | None) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    return _clean(str(value))


def _facts(value: Mapping[object, object], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the path of keys and the text of each value below a mapping."""
    for name, inner in value.items():
        key = prefix + metadata_key(name)
        if isinstance(inner, dict) and depth > 0:
            yield from _facts(inner, f"{key}.", depth - 1)
        else:
            yield key, _item(inner, depth - 1)


def _item(value: object, depth: int) -> str:
    if depth < 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return "; ".join(f"{key}: {text}" for key, text in _facts(value, "", depth - 1))
    if isinstance(value, list):
        return ", ".join(_item(item, depth - 1) for item in value)
    return text_of(_scalar(value))


def _clean(text: str) -> str:
    # JSON can bring in halves of surrogate pairs, which have no UTF-8 form, and any escape an invisible character.
    return clean_text(_HALF_OF_A_PAIR.sub("\ufffd", text))
