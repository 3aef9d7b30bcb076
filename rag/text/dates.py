"""The date that a document's front matter gives it."""

import datetime
import re
from collections.abc import Mapping

from rag.types import MetadataValue

# When a text was last changed says more than when it was begun.
_KEYS = (
    "last_updated",
    "lastmod",
    "last_modified",
    "updated",
    "updated_at",
    "modified",
    "更新",
    "更新日期",
    "date",
    "published",
    "日期",
)
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")


def front_matter_date(metadata: Mapping[str, MetadataValue]) -> str:
    """Return the date as `2026-01-31`; "" if the front matter has none with a year, a month and a day.

    >>> front_matter_date({"date": "2024-05-01", "updated": "2026年1月31日"})
    '2026-01-31'
    """
    values = {key.casefold().replace("-", "_"): value for key, value in metadata.items()}
    for key in _KEYS:
        found = _DATE.match(str(values.get(key, "")).strip())
        if found:
            try:
                return datetime.date(*map(int, found.groups())).isoformat()
            except ValueError:
                continue  # no such day
    return ""
