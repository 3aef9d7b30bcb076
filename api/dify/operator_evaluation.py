"""Dify's comparison operators, applied to one value of front matter."""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan

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


def comparison(operator: Operator, operand: Operand) -> Callable[[MetadataValue], bool]:
    """Return the comparison of an operator with its operand, for many values: the operand is read only once.

    None stands for a missing key. A list matches if one of its values does. Raises FilterError if the operand is
    missing, or is not a number or date where the operator needs one.
    """
    if operator in NEGATIONS:
        positive = comparison(NEGATIONS[operator], operand)
        return lambda value: not positive(value)
    matches = _is_not_empty if operator == "not empty" else _predicate(operator, operand)
    return lambda value: any(
        matches(item) for item in (value if isinstance(value, list) else [value]) if item is not None
    )


def count_comparisons(operator: Operator, operand: Operand) -> int:
    """Return how many values an operator compares with: those in the list of `in` and `not in`, else one."""
    return len(_as_list(operand)) if operator in ("in", "not in") else 1


def _is_not_empty(value: Scalar) -> bool:
    return bool(str(value).strip())


def _predicate(operator: Operator, operand: Operand) -> Callable[[Scalar], bool]:
    if operator == "in":
        return _is_one_of(_as_list(operand))
    single = _as_single(operator, operand)
    if operator in ("before", "after"):
        return _date_predicate(operator, single)
    return _number_predicate(operator, single) if operator in _ORDERS else _text_predicate(operator, single)


def _is_one_of(operands: Sequence[ConditionValue]) -> Callable[[Scalar], bool]:
    """Compare as texts and as numbers: Dify may send "3" for 3."""
    texts = {_text(operand) for operand in operands}
    numbers = {number for operand in operands if (number := _number(operand)) is not None and not isnan(number)}
    return lambda value: _text(value) in texts or _number(value) in numbers


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
            return _is_one_of([operand])


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
