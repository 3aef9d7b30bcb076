"""Search filters as a person types them: in `--where` and `--filter`, and in the entries of API keys."""

import json
import math
import re
import unicodedata
from collections.abc import Sequence

from pydantic import JsonValue, ValidationError

from api.schemas.filter import FilterIn
from rag.errors import FilterError
from rag.store.columns import NUMBER_COLUMNS, TEXT_COLUMNS

_COMPARISON = re.compile(
    r"\s*(?P<field>[^=!<>^~]+?)\s*(?P<operator>\^=|!=|>=|<=|==?)(?![=<>!^~])(?P<value>.*)", re.DOTALL
)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?")
# As YAML reads them in front matter.
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EXAMPLE = '\'{"field": "source", "prefix": "guides/"}\''


def parse_filter(where: Sequence[str], filter_json: str | None) -> FilterIn | None:
    """Combine all `--where` options and the JSON of `--filter` into one filter; None if there is neither.

    Raises FilterError.
    """
    filters = [_parse_where(text, "--where ") for text in where]
    if filter_json is not None:
        filters.append(_parse_json(filter_json))
    return _combined(filters) if filters else None


def parse_conditions(conditions: Sequence[str]) -> FilterIn:
    """Combine conditions such as `tags=hr`, at least one, all of which must hold. Raises FilterError."""
    return _combined([_parse_where(text) for text in conditions])


def _combined(filters: list[JsonValue]) -> FilterIn:
    return _validated(filters[0] if len(filters) == 1 else {"all": filters})


def _parse_where(text: str, option: str = "") -> JsonValue:
    """Parse `KEY=VALUE`, where `=` may be `!=`, `^=` (begins with), `>=` or `<=`; the first three take several values.

    The type that a value has in front matter is unknown here, so each value matches in every way it can be read:
    `2024` matches the number and the text. The bounds of a range are numbers if they can be.
    """
    match = _COMPARISON.fullmatch(unicodedata.normalize("NFC", text))
    if not match:
        raise FilterError(
            f"{option}{text!r}: write KEY=VALUE, or with != (is not), ^= (begins with), >= or <= instead of ="
        )
    field, operator, value = match["field"], match["operator"], match["value"].strip()
    if operator in (">=", "<="):
        if "," in value:
            raise FilterError(f"{option}{text!r}: {operator} takes one value")
        bound: JsonValue = _typed_values(field, value)[-1]
        return {"field": field, "at_least" if operator == ">=" else "at_most": bound}
    values = [item.strip() for item in value.split(",")]
    if operator == "^=":
        return {"any": [{"field": field, "prefix": item} for item in values]}
    in_list: JsonValue = {"field": field, "in": [typed for item in values for typed in _typed_values(field, item)]}
    return {"not": in_list} if operator == "!=" else in_list


def _typed_values(field: str, value: str) -> list[JsonValue]:
    """Return the value as text, followed by the number or boolean that it may stand for."""
    number = _number(value)
    if field in TEXT_COLUMNS:
        return [value]
    if field in NUMBER_COLUMNS:
        return [value if number is None else number]
    if number is not None:
        return [value, number]
    return [value, _BOOLEANS[value.lower()]] if value.lower() in _BOOLEANS else [value]


def _number(value: str) -> int | float | None:
    if _INTEGER.fullmatch(value):
        return int(value)
    if _DECIMAL.fullmatch(value) and math.isfinite(float(value)):
        return float(value)
    return None


def _parse_json(filter_json: str) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(filter_json)
    except (ValueError, RecursionError) as error:
        raise FilterError(f"--filter is not JSON: {error}; an example: {_EXAMPLE}") from error
    # Validated before it is combined, so that an error names the place in what the person wrote.
    _validated(parsed)
    return parsed


def _validated(search_filter: JsonValue) -> FilterIn:
    try:
        return FilterIn.model_validate(search_filter)
    except ValidationError as error:
        problem = error.errors()[0]
        location = ".".join(str(key) for key in problem["loc"])
        raise FilterError(f"the filter is not valid: {f'{location}: ' if location else ''}{problem['msg']}") from error
