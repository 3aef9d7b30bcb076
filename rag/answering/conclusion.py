"""The end of an answer: its statements are verified, and quotes stand beside it or replace it where they are weak."""

import re
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
from rag.checks.reliance import Reliance, rate_answer
from rag.retrieval.evidence import Evidence
from rag.text.code_spans import open_fence
from rag.text.loops import end_of_first_round
from rag.text.remarks import is_remark
from rag.text.sentences import split_sentences
from rag.types import AnswerReason, Citation

_ASKS = re.compile(r"[?？]\W*\Z")
Verify = Callable[[str, Mapping[int, str]], Verification]
"""Checks each statement of a text against the passages, given by number. Blocks; raises ZhiwenError."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The composition, and the `tail`: what a reader who only gets the stream must be told below it.

    `reliance` says whether quotes should stand below the answer or in its place.
    """

    composition: Composition
    tail: str = ""
    reliance: Reliance = "sound"


def conclude(draft: Draft, evidence: Evidence, prompt: Prompt | None, verify: Verify) -> Conclusion:
    """Accept the draft as an answer, with its markers corrected. Refuse it if it says nothing that is supported.

    Of a loop into which a model ran at the end, one round is kept. Raises what `verify` raises.
    """
    if draft.is_quoted:  # quotes need no verification
        citations = _cited(draft.quotes, draft.text)
        return Conclusion(_composition(draft, prompt, draft.text, citations, None if citations else "model_declined"))
    notice = f"\n\n{NOTICES[evidence.language].truncated}" if draft.is_truncated else ""
    whole = draft.text.removesuffix(notice)
    started = time.perf_counter()
    passages = {passage.number: passage.chunk.searchable_text for passage in evidence.passages}
    said = whole[: end_of_first_round(whole, evidence.text)]
    loops = said != whole
    verification = verify(said, passages)
    draft.seconds["verify"] = time.perf_counter() - started
    reliance: Reliance = "strayed"
    if cited_numbers(verification.text):
        reliance = rate_answer(verification, is_cut=draft.is_truncated and not loops, loops=loops)
    reason = _reason(said, verification) if reliance == "strayed" else None
    text = f"{verification.text}{notice}"
    composition = _composition(draft, prompt, text, build_citations(text, evidence), reason, verification)
    tail = _sources(draft.text, composition.text, evidence)
    return Conclusion(composition, tail, "sound" if reason == "model_declined" else reliance)


def add_quotes(conclusion: Conclusion, quoted: QuotedAnswer, evidence: Evidence, streamed: str) -> Conclusion:
    """Return the quotes as the answer if the model strayed, and else below its answer; the text says which.

    `streamed` is what a reader of the stream has got.
    """
    text = "".join(quote_texts(quoted, evidence))
    citations = _cited(quoted.quotes, text)
    if not citations:
        return conclusion
    notices, composition = NOTICES[evidence.language], conclusion.composition
    if conclusion.reliance == "strayed":
        text = f"{text}\n\n{notices.model_strayed}"
        composition = replace(
            composition,
            model=EXTRACTIVE,
            text=text,
            citations=citations,
            reason=None,
            truncated=False,
            by_fallback=True,
        )
        return Conclusion(composition, _below(streamed, f"{notices.withdrawn}\n\n{text}"))
    cited = {citation.number for citation in composition.citations}
    added = (citation for citation in citations if citation.number not in cited)
    text = f"{notices.compare}\n\n{text}"
    composition = replace(
        composition,
        text=composition.text + _below(composition.text, text),
        citations=(*composition.citations, *added),
    )
    return Conclusion(composition, conclusion.tail + _below(streamed, text))


def quote_texts(quoted: QuotedAnswer, evidence: Evidence) -> Iterator[str]:
    """Yield quotes piece by piece; nothing if nothing can be quoted."""
    output = OutputFilter(evidence, is_quoted=True)
    yield from filter(None, map(output.feed, write_answer(quoted, evidence)))
    if rest := output.finish():
        yield rest


def _below(text: str, more: str) -> str:
    """Return what puts `more` below a text, even if that ends in the middle of a code block."""
    fence = open_fence(text)
    return f"\n{fence}\n\n{more}" if fence else f"\n\n{more}"


def _sources(streamed: str, text: str, evidence: Evidence) -> str:
    """Return the markers of an answer that its stream lacks, as a line below that."""
    told = cited_numbers(streamed)
    markers = "".join(f"[{number}]" for number in cited_numbers(text) if number not in told)
    return _below(streamed, NOTICES[evidence.language].sources.format(markers=markers)) if markers else ""


def _reason(said: str, verification: Verification) -> AnswerReason:
    remarks = [one for one in split_sentences(said) if is_remark(one.strip("# ")) and not _ASKS.search(one)]
    if not verification.checked and (remarks or not said.strip()):
        # Nothing but politeness, or that the passages do not say it.
        return "model_declined"
    return "unsupported" if cited_numbers(said) else "no_citation"


def _cited(quotes: Sequence[Quote], text: str) -> tuple[Citation, ...]:
    """Return the citations of quotes whose markers are in the text: a passage can end in what swallows its marker."""
    return tuple(citation for citation in cite_quotes(quotes) if f"[{citation.number}]" in text)


def _composition(
    draft: Draft,
    prompt: Prompt | None,
    text: str,
    citations: tuple[Citation, ...],
    reason: AnswerReason | None,
    verification: Verification | None = None,
) -> Composition:
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
