"""What a filter means, in plain Python: the model that Milvus and every surface are compared with."""

from collections.abc import Callable
from typing import assert_never

from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.types import MetadataValue, Scalar

Bound = str | int | float | None
ValueOf = Callable[[str], MetadataValue]
"""Returns the value of a field, None if there is none."""


def holds(search_filter: Filter, value_of: ValueOf) -> bool:  # noqa: PLR0911  (one for each form)
    """Whether a filter holds for what has these values."""
    match search_filter:
        case Equals(field, value):
            return any(_same(value, one) for one in _values(value_of(field)))
        case In(field, values):
            return any(holds(Equals(field, value), value_of) for value in values)
        case Prefix(field, value):
            return any(isinstance(one, str) and one.startswith(value) for one in _single(value_of(field)))
        case Range(field, low, high):
            return any(_within(low, one, high) for one in _single(value_of(field)))
        case All(of):
            return all(holds(part, value_of) for part in of)
        case AnyOf(of):
            return any(holds(part, value_of) for part in of)
        case Not(of):
            return not holds(of, value_of)
    assert_never(search_filter)


def _values(value: MetadataValue) -> list[Scalar]:
    return value if isinstance(value, list) else [value]


def _single(value: MetadataValue) -> list[Scalar]:
    return [] if isinstance(value, list) else [value]


def _same(one: Scalar, other: Scalar) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _within(low: Bound, value: Scalar, high: Bound) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    ordered = [bound for bound in (low, value, high) if bound is not None]
    alike = {isinstance(bound, str) for bound in ordered}
    return len(alike) == 1 and sorted(ordered) == ordered  # type: ignore[type-var]
