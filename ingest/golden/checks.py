"""Compare what was found and answered with what a golden question expects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.golden.questions import Fact, GoldenQuestion
from rag.types import Answer, Chunk

Check = Literal["passage", "refused", "answered", "answer", "forbidden", "citation", "reference", "error"]
"""What was not as expected: no such passage was found, the question was refused, or answered though it should be
refused; a fact is missing, something forbidden is said, the source is not cited; a judge model finds that the answer
differs from the reference; the chat model broke off."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not as expected. `detail` is what the question expects or forbids, the reason of a refusal, what the
    judge says, or the message of the error."""

    check: Check
    detail: str = ""


def check_passages(entry: GoldenQuestion, chunks: Sequence[Chunk]) -> Iterator[Failure]:
    """Yield a failure unless one of the chunks is the passage that is expected, if any is."""
    if entry.expects_passage and not is_found(entry, chunks):
        yield Failure("passage", ", ".join(filter(None, (*entry.expect, entry.heading, entry.source))))


def is_found(entry: GoldenQuestion, chunks: Sequence[Chunk]) -> bool:
    """Return whether one of the chunks holds all that is expected, from the source and below the heading expected."""
    return any(
        (not entry.source or chunk.source == entry.source)
        and (not entry.heading or plain(entry.heading) in map(plain, chunk.heading_path))
        and _holds_all(chunk.searchable_text, entry.expect)
        for chunk in chunks
    )


def check_answer(entry: GoldenQuestion, answer: Answer) -> Iterator[Failure]:
    """Yield what of an answer is not as expected: at most one failure for each fact, forbidden text and citation.

    Text is compared without regard to case and white space.
    """
    if entry.refused or answer.refused:
        if not answer.refused:
            yield Failure("answered")
        elif not entry.refused:
            yield Failure("refused", answer.reason or "")
        return
    for fact in entry.answer:
        alternatives = fact if isinstance(fact, tuple) else (fact,)
        if not any(plain(each) in plain(answer.text) for each in alternatives):
            yield Failure("answer", _shown(fact))
    for text in entry.forbid:
        if plain(text) in plain(answer.text):
            yield Failure("forbidden", text)
    if entry.source and entry.source not in {citation.source for citation in answer.citations}:
        yield Failure("citation", entry.source)


def plain(text: str) -> str:
    """Return the text without what does not count when texts are compared: white space and case."""
    return "".join(text.split()).casefold()


def _holds_all(text: str, words: Sequence[str]) -> bool:
    return all(plain(word) in plain(text) for word in words)


def _shown(fact: Fact) -> str:
    return " | ".join(fact) if isinstance(fact, tuple) else fact
