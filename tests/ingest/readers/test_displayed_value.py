"""Numbers are written as the sheet shows them, dates in ISO form."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.displayed_value import displayed_value

SHOWN = [
    (0.15, "0%", "15%"),
    (0.1525, "0.0%", "15.3%"),
    (-0.05, "0.00%", "-5.00%"),
    (1234567.891, "#,##0.00", "1,234,567.89"),
    (1234567, "#,##0", "1,234,567"),
    (1234.5, '"¥"#,##0.00', "¥1,234.50"),
    (1234.5, "[$¥-804]#,##0.00", "¥1,234.50"),
    (-1234.5, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "$(1,234.50)"),
    (0, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "$-"),
    (-1234, "#,##0;[Red]-#,##0", "-1,234"),
    (-3, "0.00_);[Red](0.00)", "(3.00)"),
    (7, "000000", "000007"),
    (12, '0"件"', "12件"),
    (12, "0\\台", "12台"),
    (1.10, "0.00", "1.10"),
    (1.5, "0.##", "1.5"),
    (2, "0.##", "2"),
    (0.5, "#.00", ".50"),
    (0.125, "0.00", "0.13"),
    (1234567, "#,##0,", "1,235"),
    (123456, "0.00E+00", "1.23E+05"),
    (0.5, "# ?/?", "0.5"),
    (13800138000, "000-0000-0000", "13800138000"),
    (0.1 + 0.2, "General", "0.3"),
    (42, "General", "42"),
    (42.0, "General", "42"),
    (0.00001, "General", "1E-05"),
    (42, "@", "42"),
    (5, "0;;", "5"),
    (True, "General", "TRUE"),
    (None, "0.00", ""),
    ("00123", "@", "00123"),
    ("=x", "General", "=x"),
    (datetime.datetime(2024, 1, 5), "m/d/yy", "2024-01-05"),
    (datetime.datetime(2024, 1, 5, 8, 30), "m/d/yy h:mm", "2024-01-05 08:30"),
    (datetime.datetime(2024, 1, 5, 8, 30, 9), "m/d/yy h:mm", "2024-01-05 08:30:09"),
    (datetime.time(8, 30), "h:mm", "08:30"),
    (datetime.timedelta(hours=26, minutes=5), "[h]:mm", "26:05"),
    (datetime.timedelta(minutes=-90), "[h]:mm", "-1:30"),
]


@pytest.mark.parametrize(("value", "number_format", "text"), SHOWN)
def test_a_value_is_written_as_it_is_shown(value: object, number_format: str, text: str) -> None:
    assert displayed_value(value, number_format) == text


@given(st.integers() | st.floats(), st.text('#0?,.%;"\\[]$E+-_*@/ 元G', max_size=20))
def test_any_number_in_any_format_is_some_text(value: float, number_format: str) -> None:
    assert isinstance(displayed_value(value, number_format), str)
