"""Headings that are the answer themselves: the option `attachMode`, the version `v1.9.5`, below which it is explained.

"Which option puts pictures on cards?" is answered by the name above the text that matches. So a heading that consists
of such a name is written above the quotes, unless the question or the quotes have it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.answering.quotes import Quote
from rag.text.cjk import has_han
from rag.text.facts import find_identifiers
from rag.text.urls import HOST_PATTERN, URL_PATTERN
from rag.types import MAX_CONTEXT_CHARACTERS

_VERSION = re.compile(r"\W*v?\d+(?:\.\d+)+\W*", re.IGNORECASE)
_ADDRESS = re.compile(rf"{URL_PATTERN.pattern}|(?i:{HOST_PATTERN.pattern})")
_MOST_WORDS = 3
"""Words of such a heading: `[1.2.0] - 2026-05-01` has three."""


def with_telling_headings(quotes: Sequence[Quote], question: str) -> Iterator[Quote]:
    """Yield the quotes, those of a section whose heading tells a name that nothing else does with that heading."""
    told = question.casefold()
    said: dict[tuple[str, ...], str] = {}
    for quote in quotes:
        section = quote.passage.chunk.section_key
        said[section] = f"{said.get(section, '')}\n{_text(quote)}"
    for quote in quotes:
        chunk = quote.passage.chunk
        heading = telling_heading(chunk.heading_path)
        names = [name.casefold() for name in _names(heading)]
        is_news = any(name not in told and name not in said[chunk.section_key].casefold() for name in names)
        yield replace(quote, heading=heading) if is_news else quote


def telling_heading(heading_path: Sequence[str]) -> str:
    """Return the innermost heading if it is made of names of options and numbers of versions alone, else "".

    >>> telling_heading(("Settings", "options.attachMode"))
    'options.attachMode'
    >>> telling_heading(("Settings", "Attach mode"))
    ''
    """
    heading = heading_path[-1] if heading_path else ""
    if _ADDRESS.search(heading):  # no name, and none that an answer may show unless a passage has it
        return ""
    is_short = len(heading) <= MAX_CONTEXT_CHARACTERS and len(heading.split()) <= _MOST_WORDS and not has_han(heading)
    has_prose = any(word.isalpha() and not _names(word) for word in heading.split())
    return heading if is_short and not has_prose and _names(heading) else ""


def _names(heading: str) -> list[str]:
    return find_identifiers(heading) + [word.strip("[]()") for word in heading.split() if _VERSION.fullmatch(word)]


def _text(quote: Quote) -> str:
    lead = [quote.lead.text] if quote.lead else []
    cells = [f"{row.label} {cell.header} {cell.value}" for row in quote.rows for cell in row.cells]
    return "\n".join([*lead, *cells, *(span.quote for span in quote.spans)])
