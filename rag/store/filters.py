"""Conditions on chunks as a small typed structure, and its translation to a Milvus expression.

`Not` is the exact complement, also among chunks without the key. Values only ever enter an expression through `literal`
or as a digest, field names only after they match `_FIELD`: there is nothing to inject into.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.errors import FilterError
from rag.store.filter_keys import kind_key, value_key, value_kind
from rag.types import Scalar

QuoteValue = Callable[[str | int | float | bool], str]

TEXT_COLUMNS = frozenset({"id", "source", "title", "anchor", "kind", "group_id"})
NUMBER_COLUMNS = frozenset({"position", "start_line", "end_line"})
_FIELD = re.compile(r"[^\W\d][\w-]{0,63}")
_MAX_DEPTH = 16
_MAX_HEIGHT = 40
"""Of the tree of an expression: Milvus 2.3 and 2.5 read 47 levels, and the filter stands two levels down."""
MAX_COMPARISONS = 1000
"""A comparison with front matter takes 1.3 ms over 20,000 chunks."""


@dataclass(frozen=True, slots=True)
class Equals:
    """`field` is a chunk's own (`source`, `kind`, …) or any front-matter key; a list equals each of its values."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Single texts only: a list begins with nothing."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """Single values only. Bounds are inclusive; None is no bound.

    Numbers are ordered among numbers, texts among texts by code point, as dates written 2024-05-31 are by time.
    """

    field: str
    at_least: str | int | float | None = None
    at_most: str | int | float | None = None


@dataclass(frozen=True, slots=True)
class All:
    of: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    of: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    of: "Filter"


Filter = Equals | In | Prefix | Range | All | AnyOf | Not


def to_milvus_expression(condition: Filter, literal: QuoteValue) -> str:
    """A Milvus boolean expression. Raises FilterError for a bad field or value, and for a filter that is too large."""
    part = _translate(condition, literal, negated=False, depth=0)
    if part.comparisons > MAX_COMPARISONS:
        raise FilterError(f"the filter makes {part.comparisons} comparisons; {MAX_COMPARISONS} are allowed")
    if part.height > _MAX_HEIGHT:
        raise FilterError("the filter is nested too deep for its size; use fewer levels, or fewer conditions in each")
    return part.text


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of an expression, and the height of its tree, for which Milvus has a limit."""

    text: str
    height: int = 0
    comparisons: int = 1


def _translate(condition: Filter, literal: QuoteValue, *, negated: bool, depth: int) -> _Part:
    """Negations are carried down to the comparisons: Milvus Lite 2.5 has no `not (…)`."""
    if depth > _MAX_DEPTH:
        raise FilterError(f"the filter is nested deeper than {_MAX_DEPTH} levels")
    match condition:
        case Equals(field, value):
            return _one_of(field, (value,), literal, negated=negated)
        case In(field, values):
            if not values:
                raise FilterError(f"the filter on {field!r} lists no values")
            return _one_of(field, values, literal, negated=negated)
        case Prefix(field, value):
            # `%` and `_` are wildcards of `like`; a range over the text has none.
            return _within(field, (value, value + "\U0010ffff"), (">=", "<"), literal, negated=negated)
        case Range(field, at_least, at_most):
            return _within(field, (at_least, at_most), (">=", "<="), literal, negated=negated)
        case All(of) | AnyOf(of):
            if not of:
                raise FilterError("a group of conditions is empty")
            parts = [_translate(part, literal, negated=negated, depth=depth + 1) for part in of]
            return _joined(parts, " and " if isinstance(condition, All) != negated else " or ")
        case Not(of):
            return _translate(of, literal, negated=not negated, depth=depth + 1)


def _one_of(field: str, values: Sequence[Scalar], literal: QuoteValue, *, negated: bool) -> _Part:
    for value in values:
        _check(field, value)
    if _is_column(field):
        listed = ", ".join(literal(value) for value in values if value is not None)
        return _Part(f"{field} {'not in' if negated else 'in'} [{listed}]")
    sign = "!=" if negated else "=="
    facets = dict.fromkeys(value_key(field, value) for value in values)
    return _joined([_Part(f'facets["{facet}"] {sign} true') for facet in facets], " and " if negated else " or ")


def _within(
    field: str,
    bounds: tuple[Scalar, Scalar],
    signs: tuple[str, str],
    literal: QuoteValue,
    *,
    negated: bool,
) -> _Part:
    given = [(sign, bound) for sign, bound in zip(signs, bounds, strict=True) if bound is not None]
    kinds = {value_kind(bound) for _, bound in given}
    for _, bound in given:
        _check(field, bound)
    if not given:
        raise FilterError(f"the range on {field!r} has no bound")
    if len(kinds) > 1 or "boolean" in kinds:
        raise FilterError(f"the range on {field!r} needs two numbers or two texts, got {bounds[0]!r} and {bounds[1]!r}")
    own = _is_column(field)
    column = field if own else f'metadata["{field}"]'
    parts = [_Part(f"{column} {_OPPOSITE[sign] if negated else sign} {literal(bound)}") for sign, bound in given]
    if negated and not own:
        # A chunk without the key, or with a value that is not ordered with the bounds, is not within them.
        parts += [_Part(f'facets["{kind_key(field, kind)}"] != true') for kind in kinds]
    return _joined(parts, " or " if negated else " and ")


_OPPOSITE = {">=": "<", "<": ">=", "<=": ">"}


def _joined(parts: Sequence[_Part], operator: str) -> _Part:
    """Halved again and again: a chain of 48 is too high for Milvus, which then takes it for an unknown expression."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _joined(parts[:middle], operator), _joined(parts[middle:], operator)
    return _Part(
        f"({left.text}{operator}{right.text})",
        1 + max(left.height, right.height),
        left.comparisons + right.comparisons,
    )


def _is_column(field: str) -> bool:
    """Whether a chunk has it itself; otherwise it is front matter."""
    if field in TEXT_COLUMNS or field in NUMBER_COLUMNS:
        return True
    if not _FIELD.fullmatch(field):
        raise FilterError(f"{field!r} cannot be a field; use a front-matter key of letters, digits, '_' and '-'")
    return False


def _check(field: str, value: Scalar) -> None:
    """Milvus refuses to compare a column with a value of another type."""
    if value is None:
        raise FilterError(f"the filter on {field!r} compares with nothing; use a text, a number, true or false")
    if field in TEXT_COLUMNS and not isinstance(value, str):
        raise FilterError(f"{field} is a text and cannot be compared with {value!r}")
    if field in NUMBER_COLUMNS and (isinstance(value, bool) or not isinstance(value, int)):
        raise FilterError(f"{field} is a whole number and cannot be compared with {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise FilterError(f"{value!r} is not a finite number")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise FilterError(f"{value} is too large a number; 64 bits are allowed")
