"""Cuts a text that is too long, between its clauses if possible."""

from collections.abc import Iterator

from rag.models.embedders.protocol import CountTokens
from rag.text.sentences import split_clauses


def split_long_text(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Cut a text into parts of at most `max_tokens`, between clauses if possible, else between characters.

    Every character is in exactly one part, except the white space at the cuts.
    """
    run = ""
    for clause in split_clauses(text):
        glue = "" if not run or run.endswith(("\n", "。", "！", "？", "；")) else " "
        for part in _halves(clause, cost, max_tokens):
            if run and cost(run + glue + part) > max_tokens:
                yield run.strip()
                run = glue = ""
            run += glue + part
            glue = ""
    if run.strip():
        yield run.strip()


def _halves(text: str, cost: CountTokens, max_tokens: int) -> Iterator[str]:
    """Yield halves of halves until each fits; a single character is not cut."""
    if len(text) <= 1 or cost(text) <= max_tokens:
        if text.strip():
            yield text
        return
    middle = len(text) // 2
    space = text.rfind(" ", len(text) // 4, middle)
    cut = space + 1 if space > 0 else middle
    yield from _halves(text[:cut], cost, max_tokens)
    yield from _halves(text[cut:], cost, max_tokens)
