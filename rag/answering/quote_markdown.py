"""Quotes from the documents as the Markdown of an answer, with a marker `[n]` for each passage."""

import re
from collections.abc import Iterator, Sequence
from textwrap import dedent

from rag.answering.notices import MORE_ITEMS
from rag.answering.quote import Quote
from rag.text.blocks import FENCE, LIST_ITEM, end_of_fence
from rag.text.language import Language

# A `[2]` in a document would look like a citation marker.
_BRACKETED_NUMBER = re.compile(r"[\[【［](\^?[\s\d,，、;；]+)[\]】］]")
_NEXT_LINE, _NEXT_BLOCK = "\n", "\n\n"
_BACKTICKS = re.compile("`{3,}")


def write_quotes(quotes: Sequence[Quote], language: Language) -> Iterator[str]:
    """Yield the text of an answer, quote by quote.

    Several sentences or rows form a list. Lists, tables and code that a sentence leads in to stand below it as their
    author wrote them; the marker is then behind that sentence, else behind each item. No marker is inside of code.
    """
    if any(_is_whole(quote) for quote in quotes):
        for number, quote in enumerate(quotes):
            is_part = number > 0 and quote.block.kind == quotes[number - 1].block.kind == "list" and not quote.lead
            yield f"{'' if not number else _NEXT_LINE if is_part else _NEXT_BLOCK}{_as_block(quote, language)}"
        return
    spans = [(quote, span) for quote in quotes for span in quote.spans]
    for number, (quote, span) in enumerate(spans):
        line_start = ("\n- " if number else "- ") if len(spans) > 1 else ""
        yield f"{line_start}{_plain(span.text)} [{quote.passage.number}]"
        if quote.left_out and span is quote.spans[-1]:
            yield f"\n- {_more(quote, language)}"


def _is_whole(quote: Quote) -> bool:
    """Return whether a quote has a form of its own that a list of sentences would destroy."""
    is_list = quote.block.kind == "list" and len(quote.spans) > 1
    return bool(quote.lead) or quote.block.kind == "code" or is_list or any("\n" in span.quote for span in quote.spans)


def _as_block(quote: Quote, language: Language) -> str:
    marker = f" [{quote.passage.number}]"
    own_marker = "" if quote.lead or quote.continues else marker
    parts = [f"{_plain(quote.lead.text)}{marker}"] if quote.lead else []
    if quote.block.kind == "code":
        parts.append(_fenced(quote.spans[0].quote) + (f"\n{own_marker.strip()}" if own_marker else ""))
    elif quote.block.kind == "list":
        items = [_item(span.quote, own_marker) for span in quote.spans]
        parts.append("\n".join([*items, *([f"- {_more(quote, language)}"] if quote.left_out else [])]))
    elif quote.block.head and not own_marker:
        parts.append("\n".join([quote.block.head, *(_plain(span.quote) for span in quote.spans)]))
        parts += [_more(quote, language)] if quote.left_out else []
    elif quote.block.kind == "table":
        rows = [f"- {_plain(span.text)}{own_marker}" for span in quote.spans]
        parts.append("\n".join([*rows, *([f"- {_more(quote, language)}"] if quote.left_out else [])]))
    else:
        parts += [f"{_plain(span.text)}{own_marker}" for span in quote.spans]
    return _NEXT_BLOCK.join(parts)


def _more(quote: Quote, language: Language) -> str:
    return MORE_ITEMS[language].format(count=quote.left_out)


def _plain(text: str) -> str:
    return _BRACKETED_NUMBER.sub(r"(\1)", text)


def _fenced(code: str) -> str:
    """Return a block of code between fences; code that was cut off or has none gets them."""
    lines = code.split("\n")
    opening = FENCE.match(lines[0])
    if not opening:
        fence = "`" * max([3, *(len(run) + 1 for run in _BACKTICKS.findall(code))])
        return f"{fence}\n{code}\n{fence}"
    is_closed = len(lines) > 1 and not lines[-1].strip().strip(opening["mark"][0]) and opening["mark"] in lines[-1]
    return code if is_closed else f"{code}\n{opening['mark']}"


def _item(quote: str, marker: str) -> str:
    """Return a list item with what is below it; the citation marker stands on its first line, unless that is code."""
    first, *below = _indented(dedent(quote).split("\n"))
    mark = LIST_ITEM.match(first)
    if mark and FENCE.match(mark["text"]):
        return "\n".join([first, *below, f"{' ' * _width(mark)}{marker.strip()}".rstrip()]).rstrip()
    return "\n".join([f"{first}{marker}", *below])


def _indented(lines: Sequence[str]) -> list[str]:
    """Return lines with what is below each list item indented as Markdown wants it: `1.` needs three spaces.

    Code keeps its own indentation.
    """
    written: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        end = end_of_fence(lines, position) if FENCE.match(line) else position + 1
        item = LIST_ITEM.match(line)
        if item:
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" ")):
                end += 1
            below = _indented(dedent("\n".join(lines[position + 1 : end])).split("\n")) if end > position + 1 else []
            written += [_plain(line), *(f"{' ' * _width(item)}{other}".rstrip() for other in below)]
        else:
            written += lines[position:end] if FENCE.match(line) else [_plain(line)]
        position = end
    return written


def _width(item: re.Match[str]) -> int:
    return len(item["marker"]) + 1
