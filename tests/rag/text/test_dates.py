"""The date of a document's front matter."""

import pytest

from rag.text.dates import front_matter_date
from rag.types import MetadataValue


@pytest.mark.parametrize(
    ("metadata", "date"),
    [
        ({"date": "2026-01-31"}, "2026-01-31"),
        ({"date": "2026-1-3T10:00:00Z"}, "2026-01-03"),
        ({"日期": "2026年1月3日"}, "2026-01-03"),
        ({"date": "2020.02.03", "lastmod": "2021/03/04"}, "2021-03-04"),
        ({"Last-Updated": "2021-03-04"}, "2021-03-04"),
        ({"updated": "yesterday", "date": "2020-01-01"}, "2020-01-01"),
        ({"updated": "2021-02-30", "date": "2020-01-01"}, "2020-01-01"),
        ({"date": "2026"}, ""),
        ({"date": "20260131"}, ""),
        ({"date": ["2026-01-31"]}, ""),
        ({"title": "2026-01-31"}, ""),
        ({}, ""),
    ],
)
def test_it_is_a_day_of_the_calendar_and_the_last_change_goes_first(
    metadata: dict[str, MetadataValue], date: str
) -> None:
    assert front_matter_date(metadata) == date
