"""Gaps as CSV, for spreadsheets."""

import csv
import io

from api.service.gaps import GapOut
from rag.types import PATH_SEPARATOR

MEDIA_TYPE = "text/csv; charset=utf-8"
_COLUMNS = "question asked refused unverified disliked first_asked last_asked answerable nearest others".split()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def gaps_as_csv(gaps: list[GapOut]) -> str:
    """Return a row for each gap, below a row of names. `others` are the other questions, one a line.

    A text that a spreadsheet would compute begins with an apostrophe: readers typed it.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(_COLUMNS)
    for gap in gaps:
        nearest = gap.nearest
        texts = {
            "question": gap.question,
            "nearest": PATH_SEPARATOR.join((nearest.source, *nearest.heading_path)) if nearest else "",
            "others": "\n".join(text for text in gap.questions if text != gap.question),
        }
        values = gap.model_dump(mode="json") | {name: _inert(text) for name, text in texts.items()}
        writer.writerow([values[name] for name in _COLUMNS])
    return written.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
