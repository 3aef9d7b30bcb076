"""Filters on chunks as a small typed structure.

`Not` is the exact complement, also among chunks that lack the key. `rag/store/filter_expressions.py` translates a
filter for Milvus.
"""

from dataclasses import dataclass

from rag.types import Scalar


@dataclass(frozen=True, slots=True)
class Equals:
    """`field` is a chunk's own (`source`, `kind`, …) or any front-matter key; a list equals each of its values."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of the values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """The field is a single text that begins with `value`; a list never does."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """The field is a single value within inclusive bounds. A bound of None is left out; a list is never within.

    Numbers are ordered among numbers. Texts are ordered among texts by code point, so dates such as 2024-05-31 are
    ordered by time.
    """

    field: str
    at_least: str | int | float | None = None
    at_most: str | int | float | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Every filter in `of` holds."""

    of: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one filter in `of` holds."""

    of: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The filter does not hold."""

    of: "Filter"


Filter = Equals | In | Prefix | Range | All | AnyOf | Not
