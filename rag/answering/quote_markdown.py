"""Quotes from the documents as the Markdown of an answer, with a marker `[n]` for each passage."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from textwrap import dedent

from rag.answering.contradictions import document_date
from rag.answering.notices import NOTICES
from rag.answering.quoted_text import marker, more_items, own_marker, plain_text
from rag.answering.quotes import Quote
from rag.answering.row_markdown import write_rows
from rag.text.blocks import FENCE, LIST_ITEM, end_of_fence
from rag.text.language import ReplyLanguage

_NEXT_BLOCK = "\n\n"
_BACKTICKS = re.compile("`{3,}")


def write_quotes(quotes: Sequence[Quote], language: ReplyLanguage) -> Iterator[str]:
    """Yield the text of an answer, quote by quote.

    Several rows of one table form a table with its header; a single row is written as its cells. Several sentences form
    a list. Lists and code that a sentence leads in to stand below it as their author wrote them; the marker is then
    behind that sentence, else behind each item or row. No marker is inside of code. A heading that tells a name stands
    above the quotes of its section.
    """
    if any(quote.disputed for quote in quotes):
        yield _disputed(quotes, language)
        return
    for number, (_, run) in enumerate(groupby(quotes, key=_run)):
        parts = list(run)
        # As code, because an underscore or an asterisk is part of the name.
        heading = f"**`{parts[0].heading.replace('`', '')}`**{_NEXT_BLOCK}" if parts[0].heading else ""
        between = f"{_NEXT_BLOCK if number else ''}{heading}"
        if parts[0].rows:
            yield f"{between}{write_rows(parts, language)}"
        else:
            yield from (f"{between if not at else ''}{text}" for at, text in enumerate(_texts(parts, language)))


def _disputed(quotes: Sequence[Quote], language: ReplyLanguage) -> str:
    """Return statements that contradict each other, each with its document and the date of that."""
    lines = []
    for quote in quotes:
        chunk = quote.passage.chunk
        said = write_rows([quote], language) if quote.rows else f"{plain_text(quote.spans[0].text)}{marker(quote)}"
        where = ", ".join(filter(None, (chunk.title or chunk.source, document_date(chunk))))
        lines.append(f"- {said} ({plain_text(where)})")
    return "\n".join([NOTICES[language].disagree, "", *lines])


def _run(quote: Quote) -> tuple[str, str, str]:
    """Return what quotes share that are written together: the rows of a table, or anything else below one heading."""
    section = f"{quote.passage.chunk.source}\n{quote.heading}" if quote.heading else ""
    return ("rows", quote.passage.chunk.group_key, section) if quote.rows else ("", "", section)


def _texts(quotes: Sequence[Quote], language: ReplyLanguage) -> Iterator[str]:
    if any(_is_whole(quote) for quote in quotes):
        starts = [number for number, quote in enumerate(quotes) if not quote.is_part]
        for start, end in pairwise([*starts, len(quotes)]):
            yield f"{_NEXT_BLOCK if start else ''}{_as_block(quotes[start:end], language)}"
        return
    said = [(quote, list(_paragraphs(quote))) for quote in quotes]
    is_list = sum(len(texts) for _, texts in said) > 1
    for number, (quote, texts) in enumerate(said):
        lines = [f"{'- ' if is_list else ''}{plain_text(text)}{marker(quote)}" for text in texts]
        more = [f"- {more_items(quotes, language)}"] if quote.left_out else []
        yield ("\n" if number else "") + "\n".join([*lines, *more])


def _paragraphs(quote: Quote) -> Iterator[str]:
    """Yield the texts of a quote's spans, those of sentences that follow one another as one."""
    if quote.block.kind != "text":
        yield from (span.text for span in quote.spans)
        return
    sentences = quote.block.spans
    for _, run in groupby(enumerate(quote.spans), key=lambda each: sentences.index(each[1]) - each[0]):
        spans = [span for _, span in run]
        yield quote.passage.chunk.content[spans[0].start : spans[-1].end].replace("\n", "\n  ")


def _is_whole(quote: Quote) -> bool:
    """Return whether a quote has a form of its own that a list of sentences would destroy."""
    is_list = quote.block.kind == "list" and len(quote.spans) > 1
    return bool(quote.lead) or quote.block.kind == "code" or is_list or any("\n" in span.quote for span in quote.spans)


def _as_block(parts: Sequence[Quote], language: ReplyLanguage) -> str:
    """Return a list, table, code block or paragraph, of which each quote is a part."""
    first = parts[0]
    kind = first.block.kind
    lead = [f"{plain_text(first.lead.text)}{marker(first)}"] if first.lead else []
    more = more_items(parts, language)
    if kind == "code":
        return _NEXT_BLOCK.join([*lead, _code(parts)])
    if kind == "list":
        below = [_item(span.quote, own_marker(quote)) for quote in parts for span in quote.spans]
    elif kind == "table":
        below = [f"- {plain_text(span.text)}{own_marker(quote)}" for quote in parts for span in quote.spans]
    else:
        return _NEXT_BLOCK.join(f"{plain_text(text)}{own_marker(first)}" for text in _paragraphs(first))
    return _NEXT_BLOCK.join([*lead, "\n".join([*below, *([f"- {more}"] if more else [])])])


def _code(parts: Sequence[Quote]) -> str:
    """Return one code block of all parts, with their markers below it."""
    opening, *lines = _fenced(parts[0].spans[0].quote).split("\n")
    for part in parts[1:]:
        lines[-1:] = _fenced(part.spans[0].quote).split("\n")[1:]
    markers = "".join(own_marker(part) for part in parts).strip()
    return "\n".join([opening, *lines, *([markers] if markers else [])])


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
            written += [plain_text(line), *(f"{' ' * _width(item)}{other}".rstrip() for other in below)]
        else:
            written += lines[position:end] if FENCE.match(line) else [plain_text(line)]
        position = end
    return written


def _width(item: re.Match[str]) -> int:
    return len(item["marker"]) + 1
