"""Pieces of Milvus expressions: quoted values, lists of values, and the filter of a generation."""

import json
import re
from collections.abc import Iterator, Sequence

from rag.errors import FilterError

_VALUES_IN_A_LIST = 200
KEYS_IN_A_LIST = 2000
"""Keys and hashes are short, and each deletion from a file costs 0.1 s besides."""
_CONTROL_CHARACTER_OR_SURROGATE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def quote_value(value: str | int | float | bool) -> str:
    """Return a value as it stands in a Milvus expression. Whatever the value holds, it stays one value.

    Raises FilterError for control characters, lone surrogates, and numbers that are not finite.
    """
    if isinstance(value, str) and _CONTROL_CHARACTER_OR_SURROGATE.search(value):
        raise FilterError(f"{value!r} holds a control character")
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise FilterError(f"{value!r} is not a finite number") from error


def value_lists(values: Sequence[str], at_most: int = _VALUES_IN_A_LIST) -> Iterator[str]:
    """Yield the values as Milvus lists of `at_most` each, because Milvus limits the length of an expression."""
    for start in range(0, len(values), at_most):
        yield f"[{', '.join(quote_value(value) for value in values[start : start + at_most])}]"


def alive_at(generation: int) -> str:
    """Return the filter that every read of a generation carries."""
    return f"born <= {generation} and died > {generation}"
