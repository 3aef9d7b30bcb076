"""Quotes from the documents as the Markdown of an answer, with a marker `[n]` for each passage."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from textwrap import dedent

from rag.answering.notices import NOTICES
from rag.answering.quote import Quote
from rag.checks.code_spans import CodeState
from rag.checks.foreign_links import remove_foreign_links
from rag.text.blocks import FENCE, LIST_ITEM, end_of_fence
from rag.text.language import ReplyLanguage

# A `[2]` in a document would look like a citation marker.
_BRACKETED_NUMBER = re.compile(r"[\[【［](\^?[\s\d,，、;；]+)[\]】］]")
_NEXT_BLOCK = "\n\n"
_TAG = re.compile(r"<[!?/]?[A-Za-z][^<>\n]*>")
_BACKTICKS = re.compile("`{3,}")


def write_quotes(quotes: Sequence[Quote], language: ReplyLanguage) -> Iterator[str]:
    """Yield the text of an answer, quote by quote.

    Several sentences or rows form a list. Lists, tables and code that a sentence leads in to stand below it as their
    author wrote them; the marker is then behind that sentence, else behind each item. No marker is inside of code.
    """
    if any(_is_whole(quote) for quote in quotes):
        starts = [number for number, quote in enumerate(quotes) if not quote.is_part]
        for start, end in pairwise([*starts, len(quotes)]):
            yield f"{_NEXT_BLOCK if start else ''}{_as_block(quotes[start:end], language)}"
        return
    spans = [(quote, span) for quote in quotes for span in quote.spans]
    for number, (quote, span) in enumerate(spans):
        line_start = ("\n- " if number else "- ") if len(spans) > 1 else ""
        yield f"{line_start}{_plain(span.text)}{_marker(quote)}"
        if quote.left_out and span is quote.spans[-1]:
            yield f"\n- {_more(quotes, language)}"


def _is_whole(quote: Quote) -> bool:
    """Return whether a quote has a form of its own that a list of sentences would destroy."""
    is_list = quote.block.kind == "list" and len(quote.spans) > 1
    return bool(quote.lead) or quote.block.kind == "code" or is_list or any("\n" in span.quote for span in quote.spans)


def _as_block(parts: Sequence[Quote], language: ReplyLanguage) -> str:
    """Return a list, table, code block or paragraph, of which each quote is a part."""
    first = parts[0]
    kind = first.block.kind
    lead = [f"{_plain(first.lead.text)}{_marker(first)}"] if first.lead else []
    more = _more(parts, language)
    if kind == "code":
        return _NEXT_BLOCK.join([*lead, _code(parts)])
    if kind == "list":
        below = [_item(span.quote, _own_marker(quote)) for quote in parts for span in quote.spans]
    elif kind == "table" and first.block.head and not _own_marker(first):
        rows = [_row(span.quote, _own_marker(quote)) for quote in parts for span in quote.spans]
        return _NEXT_BLOCK.join([*lead, "\n".join([first.block.head, *rows]), *([more] if more else [])])
    elif kind == "table":
        below = [f"- {_plain(span.text)}{_own_marker(quote)}" for quote in parts for span in quote.spans]
    else:
        return _NEXT_BLOCK.join(f"{_plain(span.text)}{_own_marker(first)}" for span in first.spans)
    return _NEXT_BLOCK.join([*lead, "\n".join([*below, *([f"- {more}"] if more else [])])])


def _marker(quote: Quote) -> str:
    return f" [{quote.passage.number}]"


def _own_marker(quote: Quote) -> str:
    """Return the marker, or "" if the one behind a lead-in holds for the quote."""
    return "" if quote.lead or quote.continues else _marker(quote)


def _more(parts: Sequence[Quote], language: ReplyLanguage) -> str:
    left_out = sum(quote.left_out for quote in parts)
    return NOTICES[language].more_items.format(count=left_out) if left_out else ""


def _row(quote: str, marker: str) -> str:
    return f"{_plain(quote).removesuffix('|').rstrip()}{marker} |" if marker else _plain(quote)


def _code(parts: Sequence[Quote]) -> str:
    """Return one code block of all parts, with their markers below it."""
    opening, *lines = _fenced(parts[0].spans[0].quote).split("\n")
    for part in parts[1:]:
        lines[-1:] = _fenced(part.spans[0].quote).split("\n")[1:]
    markers = "".join(_own_marker(part) for part in parts).strip()
    return "\n".join([opening, *lines, *([markers] if markers else [])])


def _plain(text: str) -> str:
    """Return text that is not code, so that nothing in it is taken for a marker, and no `<div>` for HTML to remove."""
    if "`" not in text:
        text = _TAG.sub(
            lambda tag: tag[0] if remove_foreign_links(tag[0], frozenset(), CodeState()) else f"`{tag[0]}`", text
        )
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
