"""The read path: question → hits → evidence → text → answer with citations, and the trace of how it came about."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rag.answering.cache import CacheKey
from rag.answering.compose import Composition, Delta, compose
from rag.answering.history import Turn, recent_turns
from rag.answering.notices import refusal_text
from rag.answering.rewriting import StandaloneQuestion, rewrite_question
from rag.chat.protocol import ReasoningDelta
from rag.retrieval.evidence import Evidence, gather_evidence, nearest_headings
from rag.retrieval.explanation import explain_retrieval
from rag.retrieval.search import Retrieval, retrieve
from rag.state.traces import Failure, Trace
from rag.store.filters import Filter
from rag.store.snapshot import Snapshot
from rag.text.language import Language, detect_language
from rag.text.questions import validate_question
from rag.types import Answer, Passage
from rag.wiring import Parts

__all__ = ["Delta", "Event", "PassagesFound", "answer", "final_answer", "search"]


@dataclass(frozen=True, slots=True)
class PassagesFound:
    passages: tuple[Passage, ...]


Event = PassagesFound | ReasoningDelta | Delta | Answer


async def answer(
    question: str, parts: Parts, *, condition: Filter | None = None, history: Sequence[Turn] = ()
) -> AsyncGenerator[Event, None]:
    """Answer a question: the passages found, the text as it is written, and last the whole answer.

    `history` is what was said before; of it, the last turns are read, as the settings allow. A refusal is an answer
    too. Raises QuestionError, StoreError, EmbedderError, and ChatError if the chat model fails after it has begun; one
    that fails before is replaced by quotes from the same evidence, and the answer says so. What is raised after the
    passages has the id of the trace that is kept all the same.
    """
    settings, started = parts.settings.answering, time.perf_counter()
    question = validate_question(question, max_characters=settings.max_question_characters)
    turns = recent_turns(history, max_turns=settings.max_history_turns, max_characters=settings.max_history_characters)
    snapshot = await asyncio.to_thread(parts.store.snapshot)
    asked = CacheKey(question, turns, condition, snapshot.commit)
    known = parts.answers.get(asked)
    if known:
        async for event in _again(known, parts, started):
            yield event
        return
    standalone = await rewrite_question(question, turns, parts.chat, timeout_seconds=settings.rewrite_timeout_seconds)
    rewritten = time.perf_counter()
    found, evidence = await asyncio.to_thread(
        _find, standalone.question, parts, snapshot, condition, detect_language(question)
    )
    seconds = {"rewrite": rewritten - started, **found.seconds, "search": time.perf_counter() - rewritten}
    yield PassagesFound(evidence.passages)
    written = Composition(parts.chat.name, reason="no_evidence")
    if evidence.passages and evidence.probability >= settings.min_evidence:
        async with aclosing(compose(evidence, parts, snapshot)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Composition):
                    written = piece
                else:
                    yield piece
    seconds |= {**written.seconds, "total": time.perf_counter() - started}
    trace = _trace(question, standalone, found, evidence, written, seconds)
    if _is_repeatable(written, standalone):
        parts.answers.put(asked, trace)
    await asyncio.to_thread(parts.traces.add, trace)
    if written.error:
        written.error.trace_id = trace.trace_id
        raise written.error
    yield trace.answer


async def final_answer(events: AsyncGenerator[Event, None]) -> Answer:
    """The answer at the end of the events, for who does not watch it being written. Raises as `answer`."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise AssertionError("an answer always comes last")


def search(question: str, parts: Parts, *, top_k: int | None = None, condition: Filter | None = None) -> Retrieval:
    """The hits for a question in the live generation. Blocks; raises QuestionError, StoreError, EmbedderError."""
    question = validate_question(question, max_characters=parts.settings.answering.max_question_characters)
    started = time.perf_counter()
    found = _retrieve(question, parts, parts.store.snapshot(), top_k=top_k, condition=condition)
    parts.traces.searched({**found.seconds, "search": time.perf_counter() - started})
    return found


async def _again(known: Trace, parts: Parts, started: float) -> AsyncGenerator[Event, None]:
    """An answer given before, with a trace of its own."""
    yield PassagesFound(known.passages)
    if not known.answer.refused:
        yield Delta(known.answer.text)
    seconds = {"total": time.perf_counter() - started}
    given = replace(known.answer, trace_id=_new_id(), attempts=(), cached=True, seconds=seconds)
    trace = replace(
        known, trace_id=given.trace_id, asked_at=datetime.now(UTC), answer=given, milliseconds=_milliseconds(seconds)
    )
    await asyncio.to_thread(parts.traces.add, trace)
    yield given


def _find(
    question: str, parts: Parts, snapshot: Snapshot, condition: Filter | None, language: Language
) -> tuple[Retrieval, Evidence]:
    settings = parts.settings.answering
    found = _retrieve(question, parts, snapshot, condition=condition)
    evidence = gather_evidence(
        found,
        snapshot,
        count_tokens=parts.embedder.count_tokens,
        max_tokens=settings.max_evidence_tokens,
        max_passage_tokens=settings.max_passage_tokens,
        max_passages=settings.max_passages,
        language=language,
    )
    return found, evidence


def _retrieve(
    question: str, parts: Parts, snapshot: Snapshot, *, top_k: int | None = None, condition: Filter | None = None
) -> Retrieval:
    return retrieve(
        question,
        snapshot,
        parts.embedder,
        parts.settings.retrieval,
        top_k=top_k,
        condition=condition,
        reranker=parts.reranker,
        rerank_candidates=parts.settings.rerank.candidates,
    )


def _trace(
    question: str,
    standalone: StandaloneQuestion,
    found: Retrieval,
    evidence: Evidence,
    written: Composition,
    seconds: dict[str, float],
) -> Trace:
    given = Answer(
        written.text if not written.reason else refusal_text(evidence.language, nearest_headings(found.hits)),
        written.citations,
        written.model,
        found.generation,
        _new_id(),
        written.reason,
        unverified=() if written.reason else written.verification.unverified,
        truncated=written.truncated and not written.reason,
        attempts=standalone.attempts + written.attempts,
        seconds=seconds,
    )
    return Trace(
        trace_id=given.trace_id,
        asked_at=datetime.now(UTC),
        question=question,
        standalone_question=standalone.question if standalone.by else None,
        rewritten_by=standalone.by,
        retrieval=explain_retrieval(found),
        passages=evidence.passages,
        dropped_passages=written.prompt.dropped if written.prompt else (),
        prompt=written.prompt.messages if written.prompt else (),
        verification=written.verification.checked,
        answer=given,
        milliseconds=_milliseconds(seconds),
        failure=Failure(written.error.code, str(written.error)) if written.error else None,
    )


def _is_repeatable(written: Composition, standalone: StandaloneQuestion) -> bool:
    """Whether asking again would not give a better answer: it is whole, and nothing failed on the way to it."""
    went_well = all(attempt.outcome in ("answered", "declined") for attempt in standalone.attempts + written.attempts)
    is_firm = written.reason in (None, "no_evidence", "model_declined")
    return went_well and is_firm and not (written.truncated or written.by_fallback or written.error)


def _new_id() -> str:
    return uuid.uuid4().hex


def _milliseconds(seconds: dict[str, float]) -> dict[str, float]:
    return {stage: round(value * 1000, 2) for stage, value in seconds.items()}
