"""Cutting a text that is too long, between its sentences where that can be done."""

from collections.abc import Iterator

from rag.models.embedders.protocol import CountTokens
from rag.text.sentences import split_clauses


def split_long_text(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Cut a text into parts of at most `max_tokens`, between sentences where it can be done, else between characters.

    Every character but the white space at the cuts is in exactly one part.
    """
    run = ""
    for sentence in split_clauses(text):
        glue = "" if not run or run.endswith(("\n", "。", "！", "？", "；")) else " "
        for part in _windows(sentence, cost, max_tokens):
            if run and cost(run + glue + part) > max_tokens:
                yield run.strip()
                run = glue = ""
            run += glue + part
            glue = ""
    if run.strip():
        yield run.strip()


def _windows(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Halves of halves until each fits; a single character is never cut."""
    if len(text) <= 1 or cost(text) <= max_tokens:
        if text.strip():
            yield text
        return
    middle = len(text) // 2
    space = text.rfind(" ", len(text) // 4, middle)
    cut = space + 1 if space > 0 else middle
    yield from _windows(text[:cut], cost, max_tokens)
    yield from _windows(text[cut:], cost, max_tokens)
