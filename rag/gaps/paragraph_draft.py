"""The frame of a missing paragraph: a heading, what readers asked, and where it belongs. A person writes the answer.

A chat model is not asked: what no document says, it could only invent.
"""

import datetime
import re
from collections.abc import Mapping

from rag.gaps.finder import LocatedGap
from rag.text.language import Language, detect_language
from rag.text.markdown_escape import escape_markdown
from rag.types import PATH_SEPARATOR

_MAX_QUESTIONS = 10
_ENDING = re.compile("-(?=[->])")  # nothing that readers typed may end the comment
_TEXTS: Mapping[Language, tuple[str, str, str]] = {
    "zh": ("读者问过 {asked} 次，最近一次是 {day}：", "放在哪里：{place} 附近", "待写：在这里回答上面的问题。"),
    "en": (
        "Asked {asked} times, the last time on {day}:",
        "Where: near {place}",
        "To be written: answer these questions here.",
    ),
}


def draft_paragraph(located: LocatedGap) -> str:
    """Return Markdown to put into a document. What is for the writer only is in a comment, which no answer cites."""
    gap, nearest = located.gap, located.nearest
    asked, place, todo = _TEXTS[detect_language(gap.question)]
    day = datetime.datetime.fromtimestamp(gap.last_asked, datetime.UTC).date()
    lines = [asked.format(asked=gap.asked, day=day), *(f"- {text}" for text in gap.questions[:_MAX_QUESTIONS])]
    if nearest:
        where = PATH_SEPARATOR.join((nearest.source, *nearest.heading_path))
        lines.append(place.format(place=where))
    comment = _ENDING.sub("- ", "\n".join(lines))
    return f"## {escape_markdown(gap.question.rstrip('?？ '))}\n\n<!--\n{comment}\n-->\n\n{todo}\n"
