"""Ask golden questions end to end, of the live generation or the one before."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Operation
from ingest.golden.asking import Outcome, ask_golden_question, untraced
from ingest.golden.checks import Check, Failure
from ingest.golden.judging import judge_answer
from ingest.golden.questions import GoldenQuestion
from rag.errors import ChatError, ConfigError, NoEarlierGeneration
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.types import AnswerReason
from rag.wiring import Services

AT_ONCE = 4
"""The questions of one request. They are asked at the same time, and a request is over before a client gives up."""

WhichGeneration = Literal["live", "previous"]


class EvaluationRequest(KnowledgeBaseRequest):
    """Golden questions, the generation to ask, and whether the chat model compares answers with their references."""

    questions: list[GoldenQuestion] = Field(min_length=1, max_length=AT_ONCE)
    generation: WhichGeneration = "live"
    judge: bool = False


class FailureOut(BaseModel):
    """What was not as expected; `ingest.golden.checks` describes both fields."""

    check: Check
    detail: str


class OutcomeOut(BaseModel):
    """A golden question, its answer, and what was not as expected.

    `key` changes with anything in the question. `sources` are the documents that the answer cites, `passages` those in
    which passages were found.
    """

    key: str
    question: str
    passed: bool
    failures: list[FailureOut]
    answer: str
    refused: bool
    reason: AnswerReason | None
    sources: list[str]
    passages: list[str]
    model: str

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeOut":
        """Convert an outcome to JSON."""
        reply = outcome.reply
        answer = reply.answer
        return cls(
            key=outcome.entry.key,
            question=outcome.entry.question,
            passed=not outcome.failures,
            failures=[FailureOut.model_validate(asdict(failure)) for failure in outcome.failures],
            answer=answer.text if answer else "",
            refused=bool(answer and answer.refused),
            reason=answer.reason if answer else None,
            sources=list(dict.fromkeys(citation.source for citation in answer.citations)) if answer else [],
            passages=list(dict.fromkeys(chunk.source for chunk in reply.passages)),
            model=answer.model if answer else "",
        )


class EvaluationResponse(BaseModel):
    """The outcomes, in the order of the questions."""

    generation: int
    outcomes: list[OutcomeOut]


def evaluate(services: Services, request: EvaluationRequest) -> EvaluationResponse:
    """Ask the questions, with the configured chat model or by quoting, and leave no traces.

    Raises NoEarlierGeneration, ConfigError if there is no model to judge with, and what `Answerer.answer` raises
    besides ChatError.
    """
    if request.judge and services.chat is None:
        raise ConfigError("--judge needs a chat model that compares the answers; set chat.provider and its API key")
    snapshot = _snapshot(services.store, request.generation)
    # A chat model belongs to one event loop, so these services open one of their own.
    own = Services(
        untraced(services.settings),
        store=services.store.pinned(snapshot),
        embedder=services.question_embedder,
        reranker=services.reranker,
    )
    with own:
        outcomes = asyncio.run(_ask_all(request, own, snapshot))
    return EvaluationResponse(generation=snapshot.generation, outcomes=[OutcomeOut.of(each) for each in outcomes])


def _snapshot(store: Store, which: WhichGeneration) -> Snapshot:
    live = store.snapshot()
    if which == "live":
        return live
    state = store.state()
    if state is None or len(state.history) < 2:
        raise NoEarlierGeneration("there is no earlier generation to compare with; store.keep_generations keeps them")
    return store.snapshot_of(state.history[-2])


async def _ask_all(request: EvaluationRequest, services: Services, snapshot: Snapshot) -> Sequence[Outcome]:
    async def ask(entry: GoldenQuestion) -> Outcome:
        outcome = await ask_golden_question(entry, services.answerer, snapshot)
        return await _judged(outcome, services) if request.judge else outcome

    try:
        return await asyncio.gather(*map(ask, request.questions))
    finally:
        if services.chat:
            await services.chat.close()


async def _judged(outcome: Outcome, services: Services) -> Outcome:
    """Add what the chat model says against an answer whose question has a reference."""
    entry, answer, chat = outcome.entry, outcome.reply.answer, services.chat
    if not (entry.reference and answer and chat) or answer.refused:
        return outcome
    try:
        reason = await judge_answer(entry.question, entry.reference, answer.text, chat)
    except ChatError as error:
        return replace(outcome, failures=(*outcome.failures, Failure("error", str(error))))
    return replace(outcome, failures=(*outcome.failures, Failure("reference", reason))) if reason else outcome


EVALUATE = Operation(
    name="evaluate",
    description="Ask golden questions of the live generation or the one before, and compare the answers with what is "
    "expected.",
    method="POST",
    path="/evaluation",
    request=EvaluationRequest,
    response=EvaluationResponse,
    run=evaluate,
    scope="admin",
    tag="service",
    is_answer=True,
    in_document=False,
)
