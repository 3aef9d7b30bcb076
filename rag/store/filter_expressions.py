"""A filter as a Milvus expression.

Values enter an expression only quoted or as a digest, and field names only after they match `_FIELD`, so that nothing
in a filter can change what the expression means.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import FilterError
from rag.store.columns import NUMBER_COLUMNS, TEXT_COLUMNS, check_columns
from rag.store.expressions import quote_value
from rag.store.filter_keys import kind_key, value_key, value_kind
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.types import Scalar

MAX_COMPARISONS = 1000
"""A comparison with front matter takes 1.3 ms over 20,000 chunks."""

_FIELD = re.compile(r"[^\W\d][\w-]{0,63}")
_MAX_DEPTH = 16
# Milvus 2.3 and 2.5 read expression trees of 47 levels; the filter begins two levels down.
_MAX_HEIGHT = 40
_OPPOSITE = {">=": "<", "<": ">=", "<=": ">"}

_METADATA = "metadata"
_FILTER_KEYS = "facets"


@dataclass(frozen=True, slots=True)
class FilterExpression:
    """A Milvus boolean expression, and the columns of a chunk that it reads."""

    text: str
    columns: frozenset[str]


def translate_filter(search_filter: Filter) -> FilterExpression:
    """Translate a filter for Milvus.

    Raises FilterError for a field or value that Milvus cannot compare, and for a filter that is too large.
    """
    part = _translate(search_filter, negated=False, depth=0)
    if part.comparisons > MAX_COMPARISONS:
        raise FilterError(f"the filter makes {part.comparisons} comparisons; {MAX_COMPARISONS} are allowed")
    if part.height > _MAX_HEIGHT:
        raise FilterError("the filter is nested too deep for its size; use fewer levels, or fewer conditions in each")
    return FilterExpression(part.text, part.columns)


def expression_at(search_filter: Filter, schema: int) -> str:
    """Return the expression for an index of this version of the schema.

    Raises what `translate_filter` raises, and StoreError for a column that the index lacks.
    """
    expression = translate_filter(search_filter)
    check_columns(expression.columns, schema)
    return expression.text


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of an expression; `height` is that of its tree, which Milvus limits."""

    text: str
    columns: frozenset[str]
    height: int = 0
    comparisons: int = 1


def _translate(search_filter: Filter, *, negated: bool, depth: int) -> _Part:
    """Carry negations down to the comparisons, because Milvus Lite 2.5 has no `not (…)`."""
    if depth > _MAX_DEPTH:
        raise FilterError(f"the filter is nested deeper than {_MAX_DEPTH} levels")
    match search_filter:
        case Equals(field, value):
            return _one_of(field, (value,), negated=negated)
        case In(field, values):
            if not values:
                raise FilterError(f"the filter on {field!r} lists no values")
            return _one_of(field, values, negated=negated)
        case Prefix(field, value):
            # `%` and `_` are wildcards of `like`; a range over the text has none.
            return _within(field, (value, value + "\U0010ffff"), (">=", "<"), negated=negated)
        case Range(field, at_least, at_most):
            return _within(field, (at_least, at_most), (">=", "<="), negated=negated)
        case All(of) | AnyOf(of):
            if not of:
                raise FilterError("a group of conditions is empty")
            parts = [_translate(part, negated=negated, depth=depth + 1) for part in of]
            return _joined(parts, " and " if isinstance(search_filter, All) != negated else " or ")
        case Not(of):
            return _translate(of, negated=not negated, depth=depth + 1)


def _one_of(field: str, values: Sequence[Scalar], *, negated: bool) -> _Part:
    for value in values:
        _check(field, value)
    if _is_column(field):
        listed = ", ".join(quote_value(value) for value in values if value is not None)
        return _Part(f"{field} {'not in' if negated else 'in'} [{listed}]", frozenset({field}))
    keys = dict.fromkeys(value_key(field, value) for value in values)
    return _joined([_has_key(key, negated=negated) for key in keys], " and " if negated else " or ")


def _within(
    field: str,
    bounds: tuple[Scalar, Scalar],
    signs: tuple[str, str],
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
    compared, columns = (field, frozenset({field})) if own else (f'{_METADATA}["{field}"]', frozenset({_METADATA}))
    parts = [
        _Part(f"{compared} {_OPPOSITE[sign] if negated else sign} {quote_value(bound)}", columns)
        for sign, bound in given
    ]
    if negated and not own:
        # A chunk without the key, or with a value that is not ordered with the bounds, is not within them.
        parts += [_has_key(kind_key(field, kind), negated=True) for kind in kinds]
    return _joined(parts, " or " if negated else " and ")


def _has_key(key: str, *, negated: bool) -> _Part:
    return _Part(f'{_FILTER_KEYS}["{key}"] {"!=" if negated else "=="} true', frozenset({_FILTER_KEYS}))


def _joined(parts: Sequence[_Part], operator: str) -> _Part:
    """Halve the parts again and again: a chain of 48 is too high for Milvus, which calls it an unknown expression."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _joined(parts[:middle], operator), _joined(parts[middle:], operator)
    return _Part(
        f"({left.text}{operator}{right.text})",
        left.columns | right.columns,
        1 + max(left.height, right.height),
        left.comparisons + right.comparisons,
    )


def _is_column(field: str) -> bool:
    """Whether the field is a chunk's own; otherwise it is a key of front matter."""
    if field in TEXT_COLUMNS or field in NUMBER_COLUMNS:
        return True
    if not _FIELD.fullmatch(field):
        raise FilterError(f"{field!r} cannot be a field; use a front-matter key of letters, digits, '_' and '-'")
    return False


def _check(field: str, value: Scalar) -> None:
    """Refuse what Milvus would refuse: a comparison of a column with a value of another type."""
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
