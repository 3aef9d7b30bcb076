"""The read path: question → standalone question → hits → evidence → text → answer with citations, or a refusal."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from rag.answering.answer_trace import build_trace, repeat_trace
from rag.answering.cache import AnswerCache, CacheKey, is_cacheable
from rag.answering.compose import compose
from rag.answering.draft import Composition
from rag.answering.gathering import Gathered, Gatherer, quote_evidence
from rag.answering.greeting import greeting_text
from rag.answering.history import Turn, recent_turns
from rag.answering.quote import EXTRACTIVE
from rag.answering.quoted_answer import QuotedAnswer
from rag.answering.replies import RepeatingChat
from rag.answering.rewriting import StandaloneQuestion, rewrite_question
from rag.blocking_work import run_blocking
from rag.chat.protocol import ChatModel, ReasoningDelta, TextDelta
from rag.checks.answer_verification import Verification, verify_answer
from rag.published_url import PassageUrls
from rag.retrieval.document_dates import DocumentDates
from rag.retrieval.evidence import Evidence
from rag.retrieval.search import Retrieval, Searcher
from rag.settings import AnsweringSettings
from rag.state.traces import Trace, TraceStore
from rag.store.filters import Filter
from rag.store.joint import AnySnapshot
from rag.text.language import detect_reply_language
from rag.text.question_validation import validate_question
from rag.text.small_talk import is_small_talk
from rag.types import Answer, Passage


@dataclass(frozen=True, slots=True)
class PassagesFound:
    """The search is done; `passages` are all that the answer may cite."""

    passages: tuple[Passage, ...]


AnswerEvent = PassagesFound | ReasoningDelta | TextDelta | Answer


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions from the live generation. One instance may serve many requests at the same time.

    Without a `chat` model, answers are quotes from the documents. `max_answer_tokens` limits what the model writes.
    `about` says what the documents are about.
    """

    searcher: Searcher
    chat: ChatModel | None
    settings: AnsweringSettings
    max_answer_tokens: int
    cache: AnswerCache
    traces: TraceStore
    urls: PassageUrls
    about: str = ""
    dates: DocumentDates = field(default_factory=DocumentDates)

    @property
    def model_name(self) -> str:
        """The name of the chat model, or `extractive` if answers are quotes."""
        return self.chat.name if self.chat else EXTRACTIVE

    async def answer(
        self, question: str, *, search_filter: Filter | None = None, history: Sequence[Turn] = ()
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yield `PassagesFound`, then the text as it is written, and last the `Answer`, which may be a refusal.

        `history` is the conversation before the question, oldest turn first. Raises QuestionError, StoreError and
        EmbedderError, and ChatError if the chat model fails after its first text. An error after `PassagesFound`
        carries the id of its trace.
        """
        started = time.perf_counter()
        question = validate_question(question, max_characters=self.settings.max_question_characters)
        turns = self._recent_turns(history)
        begun = await run_blocking(self._begin, question, turns, search_filter)
        key, snapshot = begun.key, begun.snapshot
        if begun.cached or is_small_talk(question):
            known = self._repeat(begun.cached, started) if begun.cached else self._greet(key, snapshot, started)
            async for event in known:
                yield event
            return

        standalone = await self._rewrite(question, turns)
        rewritten = begun.searching or time.perf_counter()
        found = begun.found
        if not found:
            found = await run_blocking(self._gather, question, standalone.question, snapshot, search_filter)
        searched = time.perf_counter()
        yield PassagesFound(found.evidence.passages)

        chat = RepeatingChat(self.chat, self.cache.replies) if self.chat else None
        async with aclosing(self._compose(found, snapshot, chat)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Composition):
                    composition = self._with_urls_and_dates(piece, found)
                else:
                    yield piece
        seconds = {"rewrite": rewritten - started, **found.seconds, "search": searched - rewritten}
        seconds |= {**composition.seconds, "total": time.perf_counter() - started}
        trace = self._record(key, standalone, found, composition, seconds, chat)
        if composition.error:
            composition.error.trace_id = trace.trace_id
            raise composition.error
        yield trace.answer

    def _recent_turns(self, history: Sequence[Turn]) -> tuple[Turn, ...]:
        max_turns, max_characters = self.settings.max_history_turns, self.settings.max_history_characters
        return recent_turns(history, max_turns=max_turns, max_characters=max_characters)

    async def _rewrite(self, question: str, turns: Sequence[Turn]) -> StandaloneQuestion:
        timeout_seconds = self.settings.rewrite_timeout_seconds
        return await rewrite_question(question, turns, self.chat, timeout_seconds=timeout_seconds)

    def _begin(self, question: str, turns: tuple[Turn, ...], search_filter: Filter | None) -> "_Begun":
        """Take a snapshot and, if nothing but a search can be next, search: another thread would take 0.3 ms more."""
        snapshot = self.searcher.snapshot()
        key = CacheKey(question, turns, repr(search_filter), snapshot.identities)
        cached = self.cache.get(key)
        if cached or turns or is_small_talk(question):
            return _Begun(snapshot, key, cached)
        searching = time.perf_counter()
        return _Begun(snapshot, key, None, searching, self._gather(question, question, snapshot, search_filter))

    def _gather(self, asked: str, question: str, snapshot: AnySnapshot, search_filter: Filter | None) -> Gathered:
        """Search for the standalone question; the answer is in the language in which it was asked."""
        language, is_quoted = detect_reply_language(asked), self.chat is None
        gatherer = Gatherer(self.searcher, self.settings, snapshot, search_filter, language, is_quoted=is_quoted)
        with self.searcher.turns.turn():
            found = gatherer.gather(question)
        documents = [(passage.chunk.knowledge_base, passage.chunk.source) for passage in found.evidence.passages]
        return replace(found, dates=self.dates.of(snapshot, documents))

    async def _greet(self, key: CacheKey, snapshot: AnySnapshot, started: float) -> AsyncGenerator[AnswerEvent, None]:
        """Answer small talk, without a search and without a model."""
        language = detect_reply_language(key.question)
        text = greeting_text(language, await run_blocking(snapshot.headings))
        nothing = Gathered(
            Retrieval(
                key.question, snapshot.generation, snapshot.fingerprint, hits=(), generations=snapshot.generations
            ),
            Evidence(key.question, language, passages=(), idf={}, judged=0.0),
            seconds={},
        )
        yield PassagesFound(())
        composition = Composition(EXTRACTIVE, text, reason="small_talk")
        seconds = {"total": time.perf_counter() - started}
        standalone = StandaloneQuestion(key.question)
        trace = self._record(key, standalone, nothing, composition, seconds)
        yield trace.answer

    def _compose(
        self, found: Gathered, snapshot: AnySnapshot, chat: ChatModel | None
    ) -> AsyncGenerator[ReasoningDelta | TextDelta | Composition, None]:
        def verify(text: str, passages: Mapping[int, str]) -> Verification:
            return verify_answer(text, passages, snapshot.statistics.idf, self.searcher.embedder)

        def quote(evidence: Evidence) -> QuotedAnswer | None:
            return quote_evidence(evidence, self.searcher.embedder, min_evidence=self.settings.min_evidence)

        return compose(
            found,
            chat,
            min_evidence=self.settings.min_evidence,
            max_answer_tokens=self.max_answer_tokens,
            verify=verify,
            quote=quote,
            instructions=self.settings.instructions,
            about=self.about,
        )

    def _with_urls_and_dates(self, composition: Composition, found: Gathered) -> Composition:
        """Let the citations lead to published pages, where there are any, and say how old the documents are."""
        chunks = {passage.number: passage.chunk for passage in found.evidence.passages}
        citations = []
        for one in composition.citations:
            published = self.urls.published(chunks[one.number], range(one.start_line, one.end_line + 1))
            date = found.dates.get((one.knowledge_base, one.source), "")
            citations.append(replace(one, url=published or one.url, date=date))
        return replace(composition, citations=tuple(citations))

    def _record(
        self,
        key: CacheKey,
        standalone: StandaloneQuestion,
        found: Gathered,
        composition: Composition,
        seconds: Mapping[str, float],
        chat: RepeatingChat | None = None,
    ) -> Trace:
        trace = build_trace(key.question, standalone, found.retrieval, found.evidence, composition, seconds)
        within = {snapshot.knowledge_base: snapshot.within for snapshot in key.snapshots if snapshot.within}
        trace = replace(trace, within=within)
        if chat and chat.has_repeated:
            trace = replace(trace, answer=replace(trace.answer, cached=True))
        if is_cacheable(standalone, composition):
            self.cache.put(key, trace)
            if chat:
                chat.keep()
        self.traces.add(trace)
        return trace

    async def _repeat(self, cached: Trace, started: float) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the events of an earlier answer, and record it as a new one."""
        yield PassagesFound(cached.passages)
        if not cached.answer.refused:
            yield TextDelta(cached.answer.text)
        trace = repeat_trace(cached, seconds={"total": time.perf_counter() - started})
        self.traces.add(trace)
        yield trace.answer


@dataclass(frozen=True, slots=True)
class _Begun:
    """What was done in the first thread: without an earlier answer and a conversation, also the search."""

    snapshot: AnySnapshot
    key: CacheKey
    cached: Trace | None
    searching: float = 0.0
    found: Gathered | None = None


async def final_answer(events: AsyncGenerator[AnswerEvent, None]) -> Answer:
    """Consume the stream; return the final Answer. Raises what `Answerer.answer` raises."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise AssertionError("an answer always comes last")
