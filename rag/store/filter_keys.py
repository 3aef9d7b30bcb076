"""Front matter as a set of facts, so that a filter and its negation share out the corpus.

Milvus Lite 2.5 has no `not (…)`, and a comparison with a key that a chunk lacks is neither true nor false. But
`facets["v…"] == true` and `facets["v…"] != true` are each other's complement, whatever a chunk lacks. A fact is either
"this key is, or lists, this value" or "this key is a single value of this kind"; what is stored of it is a digest, so
that no text of a document or of a caller ever becomes part of a path.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Literal

from rag.types import MetadataValue, Scalar

ValueKind = Literal["text", "number", "boolean", "nothing"]

MAX_METADATA_BYTES = 60_000
"""For one document; a Milvus server takes 64 KiB of JSON in a field."""
MAX_FILTER_KEYS = 2000
"""For one document: about 50 KB in another such field."""


def value_key(key: str, value: Scalar) -> str:
    """The facet of a key whose value is `value`, or a list with it. 3 and 3.0 are one value, 1, "1" and true three."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _digest(key, value_kind(value), value)


def kind_key(key: str, kind: ValueKind) -> str:
    """The facet of a key with one value, no list, of this kind."""
    return _digest(key, kind)


def filter_keys_of(metadata: Mapping[str, MetadataValue]) -> frozenset[str]:
    return frozenset(_facets(metadata))


def value_kind(value: Scalar) -> ValueKind:
    if value is None:
        return "nothing"
    # Before numbers: in Python, true is one.
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _facets(metadata: Mapping[str, MetadataValue]) -> Iterator[str]:
    for key, value in metadata.items():
        if isinstance(value, list):
            yield from (value_key(key, item) for item in value)
        else:
            yield value_key(key, value)
            yield kind_key(key, value_kind(value))


def _digest(*fact: Scalar) -> str:
    return f"v{hashlib.sha256(json.dumps(fact).encode()).hexdigest()[:16]}"
