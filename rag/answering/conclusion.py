"""The end of an answer: its statements are verified, and quotes replace it if the documents support none of them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.answering.citations import build_citations, cite_quotes
from rag.answering.draft import Composition, Draft
from rag.answering.notices import NOTICES
from rag.answering.quote import EXTRACTIVE
from rag.answering.quoted_answer import QuotedAnswer, write_answer
from rag.answering.quotes import Quote
from rag.chat.prompt import Prompt
from rag.checks.answer_verification import Verification
from rag.checks.citation_markers import cited_numbers
from rag.checks.output_filter import OutputFilter
from rag.errors import ZhiwenError
from rag.retrieval.evidence import Evidence
from rag.types import AnswerReason, Citation

Verify = Callable[[str, Mapping[int, str]], Verification]
"""Checks each statement of a text against the passages, given by number. Blocks; raises ZhiwenError."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The composition, and the `tail`: what a reader who only gets the stream must be told below it."""

    composition: Composition
    tail: str = ""

    @property
    def has_strayed(self) -> bool:
        """Whether the model wrote an answer of which the documents support nothing."""
        return self.composition.reason in ("unsupported", "no_citation")


def conclude(draft: Draft, evidence: Evidence, prompt: Prompt | None, verify: Verify) -> Conclusion:
    """Accept the draft as an answer, with its markers corrected. Refuse it if it says nothing that is supported.

    If the verification fails, the composition has the error.
    """
    if draft.is_quoted:  # quotes need no verification
        reason: AnswerReason | None = None if _cited(draft.quotes, draft.text) else "model_declined"
        return Conclusion(_composition(draft, prompt, draft.text, evidence, reason))
    notice = f"\n\n{NOTICES[evidence.language].truncated}" if draft.is_truncated else ""
    said = draft.text.removesuffix(notice)
    started = time.perf_counter()
    passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
    try:
        verification = verify(said, passages)
    except ZhiwenError as error:
        return Conclusion(draft.failed(prompt, error))
    draft.seconds["verify"] = time.perf_counter() - started
    reason = _reason(said, verification)
    composition = _composition(draft, prompt, f"{verification.text}{notice}", evidence, reason, verification)
    known = cited_numbers(said)
    added = [number for number in cited_numbers(composition.text) if number not in known]
    markers = "".join(f"[{number}]" for number in added)
    return Conclusion(composition, f"\n\n{NOTICES[evidence.language].sources.format(markers=markers)}" if added else "")


def replace_by_quotes(conclusion: Conclusion, quoted: QuotedAnswer, evidence: Evidence) -> Conclusion:
    """Return the quotes as the answer, which says that they replace what a model wrote."""
    notices = NOTICES[evidence.language]
    text = "".join(quote_texts(quoted, evidence, notices.model_strayed))
    citations = _cited(quoted.quotes, text)
    if not citations:
        return conclusion
    composition = replace(
        conclusion.composition,
        model=EXTRACTIVE,
        text=text,
        citations=citations,
        reason=None,
        truncated=False,
        by_fallback=True,
    )
    return Conclusion(composition, f"\n\n{notices.withdrawn}\n\n{text}")


def quote_texts(quoted: QuotedAnswer, evidence: Evidence, note: str) -> Iterator[str]:
    """Yield quotes piece by piece, and the note below them; nothing if nothing can be quoted."""
    output = OutputFilter(evidence, is_quoted=True)
    yield from filter(None, map(output.feed, write_answer(quoted, evidence)))
    rest = output.finish()
    if not output.declined:
        yield f"{rest}\n\n{note}"


def _reason(said: str, verification: Verification) -> AnswerReason | None:
    if not verification.checked:
        # Only politeness, or that the passages do not say it.
        return "model_declined"
    if verification.supported and cited_numbers(verification.text):
        return None
    return "unsupported" if cited_numbers(said) else "no_citation"


def _cited(quotes: Sequence[Quote], text: str) -> tuple[Citation, ...]:
    """Return the citations of quotes whose markers are in the text: a passage can end in what swallows its marker."""
    return tuple(citation for citation in cite_quotes(quotes) if f"[{citation.number}]" in text)


def _composition(
    draft: Draft,
    prompt: Prompt | None,
    text: str,
    evidence: Evidence,
    reason: AnswerReason | None,
    verification: Verification | None = None,
) -> Composition:
    citations = _cited(draft.quotes, text) if draft.is_quoted else build_citations(text, evidence)
    return Composition(
        draft.model,
        "" if reason else text,
        () if reason else citations,
        reason,
        prompt,
        verification or Verification(),
        truncated=draft.is_truncated,
        by_fallback=draft.by_fallback,
        attempts=tuple(draft.attempts),
        seconds=draft.seconds,
    )
