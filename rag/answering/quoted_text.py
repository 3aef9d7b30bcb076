"""Quoted text that cannot be taken for something else, and the markers that stand behind it."""

import re
from collections.abc import Sequence

from rag.answering.notices import NOTICES
from rag.answering.quotes import Quote
from rag.checks.foreign_links import remove_foreign_links
from rag.text.cjk import CJK, CJK_SYMBOLS, FULL_WIDTH
from rag.text.code_spans import CodeState
from rag.text.language import ReplyLanguage
from rag.text.markers import rewrite_markers
from rag.text.raised_text import plain_scripts
from rag.text.urls import find_spellings

# A word with what the filter of answers takes for a tag, a character reference or an image. It is found from where it
# begins, so that a long one is read once.
_BEGINNING = rf"[^\s`<&!{CJK}{CJK_SYMBOLS}{FULL_WIDTH}]"
_LIKE_MARKUP = re.compile(
    rf"(?<!{_BEGINNING}){_BEGINNING}*+(?:<[!?/]?[A-Za-z][^<>\n]*>|<(?=[A-Za-z/!?])|&#?\w{{1,31}};|!(?=\[))"
    rf"[^\s`{CJK}{CJK_SYMBOLS}{FULL_WIDTH}]*"
)


def plain_text(text: str) -> str:
    """Return text that is not code, so that nothing in it is taken for a marker, and no `<div>` or `a<b` for HTML."""
    text = plain_scripts(text)
    if "`" not in text:
        text = _LIKE_MARKUP.sub(_verbatim, text)
    # A `[2]` in a document would look like a citation marker.
    return rewrite_markers(text, "({})".format)


def _verbatim(word: re.Match[str]) -> str:
    """Return a word as code if the filter of answers would change it; addresses in it are those of the document."""
    is_kept = remove_foreign_links(word[0], find_spellings(word[0]), CodeState()) == word[0]
    return word[0] if is_kept else f"`{word[0]}`"


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
