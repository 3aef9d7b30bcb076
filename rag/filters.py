"""Conditions on chunks as a small typed structure, and its translation to a Milvus expression.

Values only ever enter an expression through `literal`, field names only after they match `_FIELD`: there is nothing
to inject into.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from rag.errors import FilterError
from rag.vocabulary import Scalar

Literal = Callable[[str | int | float | bool], str]

_TEXT_COLUMNS = frozenset({"id", "source", "title", "anchor", "kind", "group_id"})
_NUMBER_COLUMNS = frozenset({"position", "start_line", "end_line"})
_FIELD = re.compile(r"[^\W\d][\w-]{0,63}")
_MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Equals:
    """`field` is a chunk's own (`source`, `kind`, …) or any front-matter key."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds are inclusive; None is no bound."""

    field: str
    at_least: int | float | None = None
    at_most: int | float | None = None


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


def to_expression(condition: Filter, literal: Literal) -> str:
    """A Milvus boolean expression. Raises FilterError for a bad field, value or depth."""
    return _translate(condition, literal, negated=False, depth=0)


def _translate(condition: Filter, literal: Literal, *, negated: bool, depth: int) -> str:
    """Negations are carried down to the comparisons: Milvus Lite 2.5 has no `not (…)`."""
    if depth > _MAX_DEPTH:
        raise FilterError(f"the filter is nested deeper than {_MAX_DEPTH} levels")
    match condition:
        case Equals(field, value):
            return f"{_column(field)} {'!=' if negated else '=='} {_value(field, value, literal)}"
        case In(field, values):
            if not values:
                raise FilterError(f"the filter on {field!r} lists no values")
            listed = ", ".join(_value(field, value, literal) for value in values)
            if len({type(value) for value in values}) > 1:
                raise FilterError(f"the filter on {field!r} lists values of several types; use one `in` for each")
            return f"{_column(field)} {'not in' if negated else 'in'} [{listed}]"
        case Prefix(field, value):
            _check_type(field, value)
            # `%` and `_` are wildcards of `like`; a range over the text has none.
            bounds = [(">=", literal(value)), ("<", literal(value + "\U0010ffff"))]
            return _within(field, bounds, negated=negated)
        case Range(field, at_least, at_most):
            given = [(">=", at_least), ("<=", at_most)]
            bounds = [(sign, literal(bound)) for sign, bound in given if bound is not None]
            for _, bound in given:
                _check_type(field, bound)
            if not bounds:
                raise FilterError(f"the range on {field!r} has no bound")
            return _within(field, bounds, negated=negated)
        case All(of) | AnyOf(of):
            if not of:
                raise FilterError("a group of conditions is empty")
            joint = " and " if isinstance(condition, All) != negated else " or "
            parts = (_translate(part, literal, negated=negated, depth=depth + 1) for part in of)
            return f"({joint.join(parts)})"
        case Not(of):
            return _translate(of, literal, negated=not negated, depth=depth + 1)


_OPPOSITE = {">=": "<", "<": ">=", "<=": ">"}


def _within(field: str, bounds: list[tuple[str, str]], *, negated: bool) -> str:
    column = _column(field)
    parts = [f"{column} {_OPPOSITE[sign] if negated else sign} {bound}" for sign, bound in bounds]
    return f"({(' or ' if negated else ' and ').join(parts)})"


def _column(field: str) -> str:
    if field in _TEXT_COLUMNS or field in _NUMBER_COLUMNS:
        return field
    if not _FIELD.fullmatch(field):
        raise FilterError(f"{field!r} cannot be a field; use a front-matter key of letters, digits, '_' and '-'")
    return f'metadata["{field}"]'


def _value(field: str, value: Scalar, literal: Literal) -> str:
    if value is None:
        raise FilterError(f"the filter on {field!r} compares with nothing; use a text, a number, true or false")
    _check_type(field, value)
    return literal(value)


def _check_type(field: str, value: Scalar) -> None:
    """Milvus refuses to compare a column with a value of another type."""
    if value is None:
        return
    if field in _TEXT_COLUMNS and not isinstance(value, str):
        raise FilterError(f"{field} is a text and cannot be compared with {value!r}")
    if field in _NUMBER_COLUMNS and (isinstance(value, bool) or not isinstance(value, int)):
        raise FilterError(f"{field} is a whole number and cannot be compared with {value!r}")
