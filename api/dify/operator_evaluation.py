"""Dify's comparison operators, applied to one value of front matter."""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence

from api.dify.schemas import ConditionValue, Operator
from rag.errors import FilterError
from rag.types import MetadataValue, Scalar

Operand = ConditionValue | list[ConditionValue] | None
"""The value on the right-hand side of a comparison."""
DateOrTime = datetime.date | datetime.datetime

NEGATIONS: Mapping[Operator, Operator] = {
    "not contains": "contains",
    "is not": "is",
    "not in": "in",
    "empty": "not empty",
    "≠": "=",
}
"""Each negated operator, and the operator that it negates."""

_UNIX_MILLISECONDS = 1e11
"""Unix times from here on are milliseconds: as seconds, this would be the year 5138."""


def holds(operator: Operator, value: MetadataValue, operand: Operand) -> bool:
    """Return whether `value` compares as the operator says; None stands for a missing key.

    A list matches if one of its values does. Raises FilterError if the operand is missing, or is not a number or date
    where the operator needs one.
    """
    if operator in NEGATIONS:
        return not holds(NEGATIONS[operator], value, operand)
    values = value if isinstance(value, list) else [value]
    if operator == "not empty":
        return any(item is not None and str(item).strip() for item in values)
    matches = _predicate(operator, operand)
    return any(matches(item) for item in values if item is not None)


def _predicate(operator: Operator, operand: Operand) -> Callable[[Scalar], bool]:
    if operator == "in":
        listed = _as_list(operand)
        return lambda value: any(_equal(value, item) for item in listed)
    single = _as_single(operator, operand)
    if operator in ("before", "after"):
        return _date_predicate(operator, single)
    return _number_predicate(operator, single) if operator in _ORDERS else _text_predicate(operator, single)


def _text_predicate(operator: Operator, operand: ConditionValue) -> Callable[[Scalar], bool]:
    text = _text(operand)
    match operator:
        case "contains":
            return lambda value: text in _text(value)
        case "start with":
            return lambda value: _text(value).startswith(text)
        case "end with":
            return lambda value: _text(value).endswith(text)
        case _:
            return lambda value: _equal(value, operand)


def _number_predicate(operator: Operator, operand: ConditionValue) -> Callable[[Scalar], bool]:
    bound = _number(operand)
    if bound is None:
        raise FilterError(f"metadata_condition: {operator} needs a number, got {operand!r}")
    compare = _ORDERS[operator]

    def matches(value: Scalar) -> bool:
        number = _number(value)
        return number is not None and compare(number, bound)

    return matches


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda number, bound: number == bound,
    ">": lambda number, bound: number > bound,
    "<": lambda number, bound: number < bound,
    "≥": lambda number, bound: number >= bound,
    "≤": lambda number, bound: number <= bound,
}


def _date_predicate(operator: Operator, operand: ConditionValue) -> Callable[[Scalar], bool]:
    bound = _date_or_time(operand)
    if bound is None:
        raise FilterError(
            f"metadata_condition: {operator} needs a date such as 2024-05-31 or a Unix time, got {operand!r}"
        )

    def matches(value: Scalar) -> bool:
        when = _date_or_time(value)
        if when is None:
            return False
        left, right = _comparable(when, bound)
        return left < right if operator == "before" else left > right

    return matches


def _comparable(left: DateOrTime, right: DateOrTime) -> tuple[str, str]:
    """Return both as texts that are ordered by time; as days, if one of them has no time of day."""
    if isinstance(left, datetime.datetime) and isinstance(right, datetime.datetime):
        return left.isoformat(timespec="microseconds"), right.isoformat(timespec="microseconds")
    return left.isoformat()[:10], right.isoformat()[:10]


def _date_or_time(value: Scalar) -> DateOrTime | None:
    """Read a number as Unix time and a text as ISO 8601; return a date, a time in UTC, or None."""
    number = _number(value)
    try:
        if number is not None:
            seconds = number / 1000 if abs(number) >= _UNIX_MILLISECONDS else number
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        text = str(value).strip().replace("/", "-")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.date.fromisoformat(text)
        when = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return when.astimezone(datetime.UTC) if when.tzinfo else when.replace(tzinfo=datetime.UTC)


def _equal(value: Scalar, operand: ConditionValue) -> bool:
    """Compare as texts and as numbers: Dify may send "3" for 3."""
    left, right = _number(value), _number(operand)
    return _text(value) == _text(operand) or (left is not None and left == right)


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Scalar) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _as_single(operator: Operator, operand: Operand) -> ConditionValue:
    if operand is None or isinstance(operand, list):
        raise FilterError(f"metadata_condition: {operator} needs one value, got {operand!r}")
    return operand


def _as_list(operand: Operand) -> Sequence[ConditionValue]:
    if operand is None:
        raise FilterError("metadata_condition: in and not in need a list of values")
    if isinstance(operand, str):
        return [item.strip() for item in operand.split(",")]
    return operand if isinstance(operand, list) else [operand]
