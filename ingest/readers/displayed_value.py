"""The value of a spreadsheet's cell → the text that the sheet shows.

Dates and times are in ISO form, because what their formats show depends on the language of the program.
"""

import datetime
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_TOKEN = re.compile(
    r"\"(?P<quoted>[^\"]*)\"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*."
    r"|(?P<number>[#0?][#0?,]*(?:\.[#0?]*)?(?:E[+-]0+)?|\.[#0?]+)|(?P<other>.)",
    re.DOTALL,
)
_SECTION = re.compile(r"(?:\"[^\"]*\"|\\.|\[[^\]]*\]|[^;\"\\\[])+|(?<=;)(?=;|$)|^(?=;)")
_MAX_DIGITS = 30


@dataclass(frozen=True, slots=True)
class _NumberFormat:
    """The text before and after the digits, and how these are written."""

    before: str
    digits: str
    after: str
    percents: int


def displayed_value(value: object, number_format: str) -> str:
    """Return the text of a value in a format such as `0.0%` or `#,##0 "元"`; "" for no value.

    A number in a format that has no simple digits, such as a fraction, is written as in the format `General`.

    >>> displayed_value(0.15, "0%"), displayed_value(1234.5, '#,##0.00" 元"'), displayed_value(0.1 + 0.2, "General")
    ('15%', '1,234.50 元', '0.3')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | Decimal):
        return _number(Decimal(str(value)), number_format)
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if _is_midnight(value.time()) else f"{value.date()} {_time(value.time())}"
    return _time(value) if isinstance(value, datetime.time) else str(value)


def _number(value: Decimal, number_format: str) -> str:
    sections = _SECTION.findall(number_format)
    own_section = sections[1] if value < 0 and len(sections) > 1 else ""
    if value == 0 and len(sections) > 2:
        own_section = sections[2]
    form = _parse(own_section or sections[0]) if sections and "General" not in number_format else None
    if form is None or not value.is_finite():
        return _general(value)
    if not form.digits:
        return (form.before or form.after) if own_section else _general(value)
    # The section of negative numbers says itself how they are marked, by a minus or brackets.
    sign = "-" if value < 0 and not own_section else ""
    text = _digits(abs(value).scaleb(2 * form.percents), form.digits)
    return f"{sign}{form.before}{text}{form.after}".strip()


def _parse(section: str) -> _NumberFormat | None:
    """Return None for what has no simple digits: a fraction, digits in several places, a date, a text."""
    before, digits, after, percents = "", "", "", 0
    for token in _TOKEN.finditer(section):
        literal = token["quoted"] or token["escaped"] or token["currency"] or token["other"] or ""
        if token["number"]:
            if digits:
                return None
            digits = token["number"]
        elif token["other"] in ("/", "@") and digits:
            return None
        else:
            percents += token["other"] == "%"
            before, after = (before, after + literal) if digits else (before + literal, after)
    return _NumberFormat(before, digits, after, percents)


def _digits(value: Decimal, digits: str) -> str:
    mantissa, _, exponent = digits.partition("E")
    whole, _, fraction = mantissa.partition(".")
    places = min(len(fraction), _MAX_DIGITS)
    if not value and "0" not in mantissa:
        return ""
    if exponent:
        text = f"{value:.{places}E}"
        head, _, power = text.partition("E")
        return f"{head}E{int(power):+0{len(exponent)}d}"
    value = value.scaleb(-3 * (len(whole) - len(whole.rstrip(","))))
    if value.adjusted() > _MAX_DIGITS:
        return _general(value)
    text = f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
    integer, _, decimals = text.partition(".")
    integer = integer.zfill(min(whole.count("0"), _MAX_DIGITS)) if "0" in whole else integer.lstrip("0")
    if "," in whole.rstrip(","):
        integer = f"{int(integer or 0):,}"
    while decimals and fraction[len(decimals) - 1] != "0" and decimals.endswith("0"):
        decimals = decimals[:-1]
    return f"{integer}.{decimals}" if decimals else integer


def _general(value: Decimal) -> str:
    # 15 digits are all that a spreadsheet keeps; more of them are noise of binary fractions.
    return f"{float(value):.15g}".replace("e", "E")


def _duration(value: datetime.timedelta) -> str:
    seconds = round(value.total_seconds())
    minutes, second = divmod(abs(seconds), 60)
    text = f"{minutes // 60}:{minutes % 60:02}" + (f":{second:02}" if second else "")
    return f"-{text}" if seconds < 0 else text


def _time(value: datetime.time) -> str:
    return value.isoformat("seconds" if value.second or value.microsecond else "minutes")


def _is_midnight(value: datetime.time) -> bool:
    return value == datetime.time()
