"""The read path: question → standalone question → hits → evidence → text → answer with citations, or a refusal."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rag.answering.cache import AnswerCache, CacheKey
from rag.answering.compose import Composition, compose
from rag.answering.history import Turn, recent_turns
from rag.answering.notices import refusal_text
from rag.answering.quote import QUOTING
from rag.answering.rewriting import StandaloneQuestion, rewrite_question
from rag.chat.protocol import ChatModel, ReasoningDelta, TextDelta
from rag.checks.verification import Verification, similarity_function, verify_answer
from rag.retrieval.evidence import Evidence, gather_evidence, nearest_headings
from rag.retrieval.explanation import explain_retrieval
from rag.retrieval.search import Retrieval, Searcher
from rag.settings import AnsweringSettings
from rag.state.traces import Failure, Trace, TraceStore
from rag.store.filters import Filter
from rag.store.snapshot import Snapshot
from rag.text.language import Language, detect_language
from rag.text.questions import validate_question
from rag.types import Answer, Passage


@dataclass(frozen=True, slots=True)
class PassagesFound:
    """The passages that the answer will be written from."""

    passages: tuple[Passage, ...]


AnswerEvent = PassagesFound | ReasoningDelta | TextDelta | Answer


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions from the live generation. One instance serves many requests at once.

    Without a `chat` model the answers are quoted. `max_answer_tokens` limits what the model writes.
    """

    searcher: Searcher
    chat: ChatModel | None
    settings: AnsweringSettings
    max_answer_tokens: int
    cache: AnswerCache
    traces: TraceStore

    @property
    def model_name(self) -> str:
        """The chat model, or `extractive` if answers are quoted."""
        return self.chat.name if self.chat else QUOTING

    async def answer(
        self, question: str, *, search_filter: Filter | None = None, history: Sequence[Turn] = ()
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the passages found, the text as it is written, and the complete answer last.

        `history` is the conversation before the question; its last turns are read, as the settings allow. A refusal is
        an answer too. Raises QuestionError, StoreError, EmbedderError, and ChatError if the chat model fails after its
        first token. An error that is raised after the passages has the id of its trace.
        """
        settings, started = self.settings, time.perf_counter()
        question = validate_question(question, max_characters=settings.max_question_characters)
        turns = self._recent(history)
        snapshot = await asyncio.to_thread(self.searcher.store.snapshot)
        key = CacheKey(question, turns, search_filter, snapshot.commit)
        if cached := self.cache.get(key):
            async for event in self._repeat(cached, started):
                yield event
            return
        standalone = await rewrite_question(
            question, turns, self.chat, timeout_seconds=settings.rewrite_timeout_seconds
        )
        rewritten = time.perf_counter()
        found, evidence = await asyncio.to_thread(
            self._find, standalone.question, snapshot, search_filter, detect_language(question)
        )
        seconds = {"rewrite": rewritten - started, **found.seconds, "search": time.perf_counter() - rewritten}
        yield PassagesFound(evidence.passages)
        outcome = Composition(self.model_name, reason="no_evidence")
        if evidence.passages and evidence.probability >= settings.min_evidence:
            async with aclosing(self._compose(evidence, snapshot)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Composition):
                        outcome = piece
                    else:
                        yield piece
        seconds |= {**outcome.seconds, "total": time.perf_counter() - started}
        trace = _trace(question, standalone, found, evidence, outcome, seconds)
        if _is_repeatable(outcome, standalone):
            self.cache.put(key, trace)
        await asyncio.to_thread(self.traces.add, trace)
        if outcome.error:
            outcome.error.trace_id = trace.trace_id
            raise outcome.error
        yield trace.answer

    def _recent(self, history: Sequence[Turn]) -> tuple[Turn, ...]:
        limits = self.settings
        return recent_turns(history, max_turns=limits.max_history_turns, max_characters=limits.max_history_characters)

    def _find(
        self, question: str, snapshot: Snapshot, search_filter: Filter | None, language: Language
    ) -> tuple[Retrieval, Evidence]:
        found = self.searcher.retrieve(question, snapshot, search_filter=search_filter)
        evidence = gather_evidence(
            found,
            snapshot,
            count_tokens=self.searcher.embedder.count_tokens,
            max_tokens=self.settings.max_evidence_tokens,
            max_passage_tokens=self.settings.max_passage_tokens,
            max_passages=self.settings.max_passages,
            language=language,
        )
        return found, evidence

    def _compose(
        self, evidence: Evidence, snapshot: Snapshot
    ) -> AsyncGenerator[ReasoningDelta | TextDelta | Composition, None]:
        def verify(text: str, passages: Mapping[int, str]) -> Verification:
            similarity = similarity_function(self.searcher.embedder)
            return verify_answer(text, passages, snapshot.statistics.idf, similarity)

        return compose(evidence, self.chat, max_answer_tokens=self.max_answer_tokens, verify=verify)

    async def _repeat(self, cached: Trace, started: float) -> AsyncGenerator[AnswerEvent, None]:
        """Give an earlier answer once more, with a trace of its own."""
        yield PassagesFound(cached.passages)
        if not cached.answer.refused:
            yield TextDelta(cached.answer.text)
        seconds = {"total": time.perf_counter() - started}
        answer = replace(cached.answer, trace_id=_new_id(), attempts=(), cached=True, seconds=seconds)
        trace = replace(
            cached,
            trace_id=answer.trace_id,
            asked_at=datetime.now(UTC),
            answer=answer,
            milliseconds=_milliseconds(seconds),
        )
        await asyncio.to_thread(self.traces.add, trace)
        yield answer


async def final_answer(events: AsyncGenerator[AnswerEvent, None]) -> Answer:
    """Consume the stream and return the answer. Raises as `Answerer.answer`."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise AssertionError("an answer always comes last")


def _trace(
    question: str,
    standalone: StandaloneQuestion,
    found: Retrieval,
    evidence: Evidence,
    outcome: Composition,
    seconds: dict[str, float],
) -> Trace:
    answer = Answer(
        outcome.text if not outcome.reason else refusal_text(evidence.language, nearest_headings(found.hits)),
        outcome.citations,
        outcome.model,
        found.generation,
        _new_id(),
        outcome.reason,
        unverified=() if outcome.reason else outcome.verification.unverified,
        truncated=outcome.truncated and not outcome.reason,
        attempts=standalone.attempts + outcome.attempts,
        seconds=seconds,
    )
    return Trace(
        trace_id=answer.trace_id,
        asked_at=datetime.now(UTC),
        question=question,
        standalone_question=standalone.question if standalone.by else None,
        rewritten_by=standalone.by,
        retrieval=explain_retrieval(found),
        passages=evidence.passages,
        dropped_passages=outcome.prompt.dropped if outcome.prompt else (),
        prompt=outcome.prompt.messages if outcome.prompt else (),
        verification=outcome.verification.checked,
        answer=answer,
        milliseconds=_milliseconds(seconds),
        failure=Failure(outcome.error.code, str(outcome.error)) if outcome.error else None,
    )


def _is_repeatable(outcome: Composition, standalone: StandaloneQuestion) -> bool:
    """Whether asking again would not give a better answer: it is complete, and nothing failed on the way."""
    went_well = all(attempt.outcome in ("answered", "declined") for attempt in standalone.attempts + outcome.attempts)
    is_firm = outcome.reason in (None, "no_evidence", "model_declined")
    return went_well and is_firm and not (outcome.truncated or outcome.by_fallback or outcome.error)


def _new_id() -> str:
    return uuid.uuid4().hex


def _milliseconds(seconds: dict[str, float]) -> dict[str, float]:
    return {stage: round(value * 1000, 2) for stage, value in seconds.items()}
