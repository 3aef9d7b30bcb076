"""Quoted text that cannot be taken for something else, and the markers that stand behind it."""

import re
from collections.abc import Sequence

from rag.answering.notices import NOTICES
from rag.answering.quotes import Quote
from rag.checks.foreign_links import remove_foreign_links
from rag.text.code_spans import CodeState
from rag.text.language import ReplyLanguage
from rag.text.markers import rewrite_markers
from rag.text.raised_text import plain_scripts

_TAG = re.compile(r"<[!?/]?[A-Za-z][^<>\n]*>")


def plain_text(text: str) -> str:
    """Return text that is not code, so that nothing in it is taken for a marker, and no `<div>` for HTML to remove."""
    text = plain_scripts(text)
    if "`" not in text:
        text = _TAG.sub(lambda tag: tag[0] if remove_foreign_links(tag[0], {}, CodeState()) else f"`{tag[0]}`", text)
    # A `[2]` in a document would look like a citation marker.
    return rewrite_markers(text, "({})".format)


def marker(quote: Quote) -> str:
    """Return the citation marker of a quote, with a space before it."""
    return f" [{quote.passage.number}]"


def own_marker(quote: Quote) -> str:
    """Return the marker, or "" if the one behind a lead-in holds for the quote."""
    return "" if quote.lead or quote.continues else marker(quote)


def more_items(parts: Sequence[Quote], language: ReplyLanguage) -> str:
    """Return how many items or rows were left out of the quotes; "" if none were."""
    left_out = sum(quote.left_out for quote in parts)
    return NOTICES[language].more_items.format(count=left_out) if left_out else ""
