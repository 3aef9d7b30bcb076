"""`--where` and `--filter`: what a person types, as the filter that goes over the wire."""

import json
import math
import re
import unicodedata
from collections.abc import Sequence

from pydantic import JsonValue, ValidationError

from api.schemas.filter import FilterIn
from rag.errors import FilterError
from rag.store.columns import NUMBER_COLUMNS, TEXT_COLUMNS

_CONDITION = re.compile(
    r"\s*(?P<field>[^=!<>^~]+?)\s*(?P<operator>\^=|!=|>=|<=|==?)(?![=<>!^~])(?P<value>.*)", re.DOTALL
)
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?")
# As YAML reads them in front matter.
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parse_filter(where: Sequence[str], filter_json: str | None) -> FilterIn | None:
    """All of `where` and the filter in JSON, as one; None if there is neither. Raises FilterError."""
    conditions = [_condition(text) for text in where]
    if filter_json is not None:
        conditions.append(_parsed(filter_json))
    if not conditions:
        return None
    return _checked(conditions[0] if len(conditions) == 1 else {"all": conditions})


def _condition(text: str) -> JsonValue:
    """`KEY=VALUE`, where `=` may be `!=`, `^=` (begins with), `>=` or `<=`; the first three take several values.

    A value of front matter is meant in each way in which it can be read, for the type it has there is not seen here:
    `2024` is the number and the text. Those of a range are numbers if they can be.
    """
    match = _CONDITION.fullmatch(unicodedata.normalize("NFC", text))
    if not match:
        raise FilterError(
            f"--where {text!r}: write KEY=VALUE, or with != (is not), ^= (begins with), >= or <= in place of ="
        )
    field, operator, value = match["field"], match["operator"], match["value"].strip()
    if operator in (">=", "<="):
        if "," in value:
            raise FilterError(f"--where {text!r}: {operator} takes one value")
        bound: JsonValue = _readings(field, value)[-1]
        return {"field": field, "at_least" if operator == ">=" else "at_most": bound}
    values = [one.strip() for one in value.split(",")]
    if operator == "^=":
        return {"any": [{"field": field, "prefix": one} for one in values]}
    listed: JsonValue = {"field": field, "in": [reading for one in values for reading in _readings(field, one)]}
    return {"not": listed} if operator == "!=" else listed


def _readings(field: str, value: str) -> list[JsonValue]:
    """The value as text and, behind it, as the number or boolean that it may stand for."""
    number = _number(value)
    if field in TEXT_COLUMNS:
        return [value]
    if field in NUMBER_COLUMNS:
        return [value if number is None else number]
    if number is not None:
        return [value, number]
    return [value, _BOOLEANS[value.lower()]] if value.lower() in _BOOLEANS else [value]


def _number(value: str) -> int | float | None:
    if _WHOLE.fullmatch(value):
        return int(value)
    if _DECIMAL.fullmatch(value) and math.isfinite(float(value)):
        return float(value)
    return None


def _parsed(filter_json: str) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(filter_json)
    except (ValueError, RecursionError) as error:
        raise FilterError(f"--filter is not JSON: {error}; write for example {_EXAMPLE}") from error
    # Checked alone first, so that what is wrong is found where the person wrote it.
    _checked(parsed)
    return parsed


_EXAMPLE = '\'{"field": "source", "prefix": "guides/"}\''


def _checked(condition: JsonValue) -> FilterIn:
    try:
        return FilterIn.model_validate(condition)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise FilterError(f"the filter is not valid: {f'{place}: ' if place else ''}{problem['msg']}") from error
