"""Dify's comparison operators, on one value of front matter."""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence

from api.dify.schemas import ConditionValue, Operator
from rag.errors import FilterError
from rag.types import MetadataValue, Scalar

Wanted = ConditionValue | list[ConditionValue] | None
Moment = datetime.date | datetime.datetime

NEGATIONS: Mapping[Operator, Operator] = {
    "not contains": "contains",
    "is not": "is",
    "not in": "in",
    "empty": "not empty",
    "≠": "=",
}
"""Operators that hold exactly where another does not."""

_UNIX_MILLISECONDS = 1e11
"""Unix times from here on are in milliseconds: in seconds it would be the year 5138."""


def holds(operator: Operator, value: MetadataValue, wanted: Wanted) -> bool:
    """Whether a value compares as wanted; None is a key that is not there. A list does if one of its values does.

    Raises FilterError if what is wanted is missing, or no number or date where one is needed.
    """
    if operator in NEGATIONS:
        return not holds(NEGATIONS[operator], value, wanted)
    values = value if isinstance(value, list) else [value]
    if operator == "not empty":
        return any(one is not None and str(one).strip() for one in values)
    compare = _comparison(operator, wanted)
    return any(compare(one) for one in values if one is not None)


def _comparison(operator: Operator, wanted: Wanted) -> Callable[[Scalar], bool]:
    if operator == "in":
        listed = _listed(wanted)
        return lambda have: any(_same(have, one) for one in listed)
    one = _single(operator, wanted)
    if operator in ("before", "after"):
        return _dated(operator, one)
    return _counted(operator, one) if operator in _ORDERS else _worded(operator, one)


def _worded(operator: Operator, wanted: ConditionValue) -> Callable[[Scalar], bool]:
    text = _text(wanted)
    match operator:
        case "contains":
            return lambda have: text in _text(have)
        case "start with":
            return lambda have: _text(have).startswith(text)
        case "end with":
            return lambda have: _text(have).endswith(text)
        case _:
            return lambda have: _same(have, wanted)


def _counted(operator: Operator, wanted: ConditionValue) -> Callable[[Scalar], bool]:
    bound = _number(wanted)
    if bound is None:
        raise FilterError(f"metadata_condition: {operator} needs a number, got {wanted!r}")
    compare = _ORDERS[operator]

    def compared(have: Scalar) -> bool:
        number = _number(have)
        return number is not None and compare(number, bound)

    return compared


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda have, bound: have == bound,
    ">": lambda have, bound: have > bound,
    "<": lambda have, bound: have < bound,
    "≥": lambda have, bound: have >= bound,
    "≤": lambda have, bound: have <= bound,
}


def _dated(operator: Operator, wanted: ConditionValue) -> Callable[[Scalar], bool]:
    bound = _moment(wanted)
    if bound is None:
        raise FilterError(
            f"metadata_condition: {operator} needs a date such as 2024-05-31 or a Unix time, got {wanted!r}"
        )

    def compared(have: Scalar) -> bool:
        moment = _moment(have)
        if moment is None:
            return False
        mine, other = _alike(moment, bound)
        return mine < other if operator == "before" else mine > other

    return compared


def _alike(one: Moment, other: Moment) -> tuple[str, str]:
    """As texts that are ordered by time; as days if one of them is no more than a day."""
    if isinstance(one, datetime.datetime) and isinstance(other, datetime.datetime):
        return one.isoformat(timespec="microseconds"), other.isoformat(timespec="microseconds")
    return one.isoformat()[:10], other.isoformat()[:10]


def _moment(value: Scalar) -> Moment | None:
    """A date, a time in UTC, or None. Texts are read as ISO 8601, numbers as Unix time."""
    number = _number(value)
    try:
        if number is not None:
            seconds = number / 1000 if abs(number) >= _UNIX_MILLISECONDS else number
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        text = str(value).strip().replace("/", "-")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.date.fromisoformat(text)
        moment = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _same(have: Scalar, wanted: ConditionValue) -> bool:
    """Equal as texts or as numbers: what Dify sends for 3 may be "3"."""
    one, other = _number(have), _number(wanted)
    return _text(have) == _text(wanted) or (one is not None and one == other)


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Scalar) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _single(operator: Operator, wanted: Wanted) -> ConditionValue:
    if wanted is None or isinstance(wanted, list):
        raise FilterError(f"metadata_condition: {operator} needs one value, got {wanted!r}")
    return wanted


def _listed(wanted: Wanted) -> Sequence[ConditionValue]:
    if wanted is None:
        raise FilterError("metadata_condition: in and not in need a list of values")
    if isinstance(wanted, str):
        return [part.strip() for part in wanted.split(",")]
    return wanted if isinstance(wanted, list) else [wanted]
