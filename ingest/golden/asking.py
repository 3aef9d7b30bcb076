"""Ask golden questions end to end, as a person would: search, answer, citations."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from ingest.golden.checks import Failure, check_answer, check_passages
from ingest.golden.questions import GoldenQuestion
from rag.answering.answer import Answerer, PassagesFound
from rag.answering.history import Turn
from rag.errors import ChatError
from rag.settings import ChatSettings, RerankSettings, Settings, TraceSettings
from rag.store.snapshot import Snapshot
from rag.types import Answer, Chunk


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question, or the `error` that broke it off; `passages` are what it could cite."""

    passages: tuple[Chunk, ...]
    answer: Answer | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A golden question as it was answered, and what of it was not as expected."""

    entry: GoldenQuestion
    reply: Reply
    failures: tuple[Failure, ...]


def untraced(settings: Settings) -> Settings:
    """Return the settings under which golden questions are asked: they leave no traces, and no answer is repeated."""
    answering = settings.answering.model_copy(update={"cached_answers": 0})
    return settings.model_copy(update={"traces": TraceSettings(enabled=False), "answering": answering})


def quoting(settings: Settings) -> Settings:
    """Return the same for the gate of an ingest, where no model is called besides the embedder."""
    without_models = {"chat": ChatSettings(provider="extractive"), "rerank": RerankSettings()}
    return untraced(settings).model_copy(update=without_models)


async def ask_golden_question(entry: GoldenQuestion, answerer: Answerer, snapshot: Snapshot) -> Outcome:
    """Ask a question, after those of its conversation, and check passages and answer.

    The passages are those that a search finds; for a question with a conversation, those that its answer could cite.
    Raises QuestionError, StoreError and EmbedderError.
    """
    reply = await ask_after(entry.conversation, entry.question, answerer)
    chunks: Sequence[Chunk] = reply.passages
    if entry.expects_passage and not entry.conversation:
        found = await asyncio.to_thread(answerer.searcher.retrieve, entry.question, snapshot)
        chunks = [hit.chunk for hit in found.hits]
    failures = [*check_passages(entry, chunks)]
    failures += check_answer(entry, reply.answer) if reply.answer else [Failure("error", reply.error)]
    return Outcome(entry, reply, tuple(failures))


async def ask_after(conversation: Sequence[str], question: str, answerer: Answerer) -> Reply:
    """Ask the questions of a conversation, and then one more. Raises QuestionError, StoreError and EmbedderError."""
    history: list[Turn] = []
    for earlier in conversation:
        reply = await _ask(earlier, history, answerer)
        history += [Turn("user", earlier), Turn("assistant", reply.answer.text if reply.answer else "")]
    return await _ask(question, history, answerer)


async def _ask(question: str, history: Sequence[Turn], answerer: Answerer) -> Reply:
    passages: tuple[Chunk, ...] = ()
    answer: Answer | None = None
    try:
        async with aclosing(answerer.answer(question, history=history)) as events:
            async for event in events:
                if isinstance(event, PassagesFound):
                    passages = tuple(passage.chunk for passage in event.passages)
                elif isinstance(event, Answer):
                    answer = event
    except ChatError as error:
        return Reply(passages, error=str(error))
    return Reply(passages, answer)
