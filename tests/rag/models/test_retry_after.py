"""Every form of Retry-After that servers send gives seconds or nothing, never an error."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.models.retry_after import parse_retry_after


@pytest.mark.parametrize(
    ("header", "seconds"), [("0", 0.0), ("120", 120.0), (" 3 ", 3.0), ("1.5", 1.5), ("inf", math.inf)]
)
def test_a_number_is_the_seconds_to_wait(header: str, seconds: float) -> None:
    assert parse_retry_after(header) == seconds


@pytest.mark.parametrize(
    "header", ["", " ", "soon", "-5", "-0.1", "nan", "-inf", "1 s", "Wed, 99 Foo 2026", "\0", "0x10"]
)
def test_a_malformed_header_gives_none(header: str) -> None:
    assert parse_retry_after(header) is None


def test_an_http_date_is_the_time_until_then() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert parse_retry_after(date) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
    ],
)
def test_a_date_in_the_past_means_now(date: str) -> None:
    assert parse_retry_after(date) == 0.0


@given(st.text(max_size=40))
def test_no_header_raises_an_error(header: str) -> None:
    seconds = parse_retry_after(header)
    assert seconds is None or seconds >= 0
