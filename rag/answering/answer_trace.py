"""Build the answer, and the trace that records how it came about, from the results of all stages."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from rag.answering.draft import Composition
from rag.answering.notices import refusal_text
from rag.answering.rewriting import StandaloneQuestion
from rag.retrieval.evidence import Evidence, nearest_headings
from rag.retrieval.explanation import explain_retrieval
from rag.retrieval.search import Retrieval
from rag.state.traces import Failure, Trace
from rag.types import Answer


def build_trace(
    question: str,
    standalone: StandaloneQuestion,
    retrieval: Retrieval,
    evidence: Evidence,
    composition: Composition,
    seconds: Mapping[str, float],
) -> Trace:
    """Return the trace of a new answer, under a new id.

    `question` is as the person asked it, `standalone` as it was searched for; `seconds` are by stage. If the
    composition has an error, the answer in the trace is only the text that was streamed before it.
    """
    reason, prompt, error = composition.reason, composition.prompt, composition.error
    answer = Answer(
        composition.text
        or (refusal_text(evidence.language, nearest_headings(retrieval.hits), reason) if reason else ""),
        composition.citations,
        composition.model,
        retrieval.generation,
        _new_id(),
        reason,
        unverified=() if reason or composition.by_fallback else composition.verification.unverified,
        truncated=composition.truncated and not reason,
        attempts=standalone.attempts + composition.attempts,
        seconds=seconds,
        generations=retrieval.generations,
    )
    return Trace(
        trace_id=answer.trace_id,
        asked_at=datetime.now(UTC),
        question=question,
        standalone_question=standalone.question if standalone.rewritten_by else None,
        rewritten_by=standalone.rewritten_by,
        retrieval=explain_retrieval(retrieval, evidence.probability),
        passages=evidence.passages,
        dropped_passages=prompt.dropped if prompt else (),
        prompt=prompt.messages if prompt else (),
        verification=composition.verification.checked,
        answer=answer,
        milliseconds=_milliseconds(seconds),
        failure=Failure(error.code, str(error)) if error else None,
    )


def repeat_trace(trace: Trace, *, seconds: Mapping[str, float]) -> Trace:
    """Return the trace of the same answer, given again from the cache, under a new id."""
    answer = replace(trace.answer, trace_id=_new_id(), attempts=(), cached=True, seconds=seconds)
    return replace(
        trace,
        trace_id=answer.trace_id,
        asked_at=datetime.now(UTC),
        answer=answer,
        milliseconds=_milliseconds(seconds),
    )


def _new_id() -> str:
    return uuid.uuid4().hex


def _milliseconds(seconds: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(value * 1000, 2) for stage, value in seconds.items()}
