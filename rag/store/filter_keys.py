"""Front matter as a set of facts, so that a filter and its negation divide the corpus between them.

Milvus Lite 2.5 has no `not (…)`, and a comparison with a key that a chunk lacks is neither true nor false. But
`facets["v…"] == true` and `facets["v…"] != true` are each other's complement, whatever a chunk lacks. A fact is either
"this key has this value, or lists it" or "this key has a single value of this kind". The store keeps a digest of each
fact, so that no text of a document or of a caller becomes part of a path in an expression.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Literal

from rag.types import MetadataValue, Scalar

ValueKind = Literal["text", "number", "boolean", "nothing"]

MAX_METADATA_BYTES = 60_000
"""Per document; a Milvus server takes 64 KiB of JSON in a field."""
MAX_FILTER_KEYS = 2000
"""Per document: about 50 KB in another such field."""


def value_key(key: str, value: Scalar) -> str:
    """Return the filter key of "this key has this value, or lists it".

    3 and 3.0 are one value; 1, "1" and true are three.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _digest(key, value_kind(value), value)


def kind_key(key: str, kind: ValueKind) -> str:
    """Return the filter key of "this key has a single value of this kind"."""
    return _digest(key, kind)


def filter_keys_of(metadata: Mapping[str, MetadataValue]) -> frozenset[str]:
    """Return the filter keys of a document's front matter."""
    return frozenset(_filter_keys(metadata))


def value_kind(value: Scalar) -> ValueKind:
    """Return the kind of a value: values of one kind are ordered among each other."""
    if value is None:
        return "nothing"
    # Before numbers, because in Python True is one.
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _filter_keys(metadata: Mapping[str, MetadataValue]) -> Iterator[str]:
    for key, value in metadata.items():
        if isinstance(value, list):
            yield from (value_key(key, item) for item in value)
        else:
            yield value_key(key, value)
            yield kind_key(key, value_kind(value))


def _digest(*fact: Scalar) -> str:
    return f"v{hashlib.sha256(json.dumps(fact).encode()).hexdigest()[:16]}"
