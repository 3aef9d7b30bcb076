"""The `Retry-After` header of an HTTP response (RFC 9110, section 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parse_retry_after(header: str) -> float | None:
    """Return the seconds to wait, at least 0, from a number of seconds or an HTTP date. A date in the past means 0.

    None if the header is empty, negative, NaN or malformed. Fractions and `inf` are accepted: some servers send them.

    >>> parse_retry_after("120"), parse_retry_after("0.5"), parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT")
    (120.0, 0.5, 0.0)
    >>> parse_retry_after("soon") is None
    True
    """
    try:
        seconds = float(header)
    except ValueError:
        return _seconds_until(header)
    return seconds if seconds >= 0 else None  # false for NaN, too


def _seconds_until(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:
        return None
    if when.tzinfo is None:  # HTTP dates are in UTC, also in the old form without a zone
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
