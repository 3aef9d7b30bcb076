"""Ask: the events of an answer to a question."""

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.filter import FilterIn
from api.schemas.knowledge_base import KnowledgeBasesRequest
from api.schemas.request_model import RequestModel
from api.service.search import HitOut
from rag.answering.answer import Answerer, AnswerEvent
from rag.answering.history import Turn
from rag.knowledge_base_names import DEFAULT
from rag.types import PATH_SEPARATOR, Answer, AnswerReason, Citation, Passage


class TurnIn(RequestModel):
    """A message of the conversation before a question."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=100_000)

    def to_turn(self) -> Turn:
        """Return the turn in the form that `Answerer.answer` takes."""
        return Turn(self.role, self.content)


class AskRequest(KnowledgeBasesRequest):
    """A question, with the conversation that it may refer to."""

    question: str = Field(examples=["向量数据库有哪些知名组件？"])
    stream: bool = Field(default=False, description="Return server-sent events instead of one JSON object.")
    filter: FilterIn | None = None
    history: list[TurnIn] = Field(
        default=[],
        max_length=1000,
        description="The conversation before the question, oldest message first. The question may refer to it.",
        examples=[[{"role": "user", "content": "Dify 是什么？"}, {"role": "assistant", "content": "一个平台 [1]。"}]],
    )


class PassageOut(HitOut):
    """A passage with the number by which an answer cites it."""

    number: int

    @classmethod
    def of_passage(cls, passage: Passage) -> "PassageOut":
        """Convert a passage to JSON."""
        return cls(number=passage.number, **HitOut.of(passage.hit).model_dump())


class CitationOut(BaseModel):
    """The source of a statement in an answer. `quote` is literal text of the passage.

    `date` is the day of the document: from its front matter, else of its last commit in git, else of its file; "" if
    none is known.
    """

    number: int
    source: str
    heading_path: list[str]
    anchor: str
    start_line: int
    end_line: int
    quote: str
    url: str
    date: str = Field(default="", examples=["2026-01-31"])
    knowledge_base: str = DEFAULT

    @property
    def heading(self) -> str:
        """The headings above the passage; the path of its document if it has none."""
        return PATH_SEPARATOR.join(self.heading_path) or self.source

    @classmethod
    def of(cls, citation: Citation) -> "CitationOut":
        """Convert a citation to JSON."""
        return cls.model_validate(asdict(citation) | {"heading_path": list(citation.heading_path)})


class UsageOut(BaseModel):
    """Tokens as the provider counts them. `cost` is in the currency of the configured prices, null without prices."""

    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None


class AskResponse(BaseModel):
    """An answer from the documents or, if `refused` is true, a text that does not come from them.

    `reason` says why: the documents do not answer the question, or the message is `small_talk`, which needs no
    documents: a greeting, thanks, or "what can you do?".

    `unverified` lists the sentences that no passage supports, or that were not checked. `truncated` is true if the text
    ends at the model's length limit. `usage` is null if no model was called or the provider does not count tokens.
    `cached` is true if no model wrote it, because the same question was answered from the same passages before.
    `generations` has the generation of each knowledge base that was searched; if there are several, `generation` is 0.
    """

    answer: str
    refused: bool
    reason: AnswerReason | None
    citations: list[CitationOut]
    unverified: list[str] = []
    model: str
    generation: int
    trace_id: str
    truncated: bool = False
    usage: UsageOut | None = None
    cached: bool = False
    generations: dict[str, int] = {}

    @classmethod
    def of(cls, answer: Answer) -> "AskResponse":
        """Convert an answer to JSON."""
        return cls(
            answer=answer.text,
            refused=answer.refused,
            reason=answer.reason,
            citations=[CitationOut.of(citation) for citation in answer.citations],
            unverified=list(answer.unverified),
            model=answer.model,
            generation=answer.generation,
            trace_id=answer.trace_id,
            truncated=answer.truncated,
            usage=UsageOut.model_validate(asdict(answer.usage)) if answer.usage else None,
            cached=answer.cached,
            generations=dict(answer.generations),
        )


def answer_events(answerer: Answerer, request: AskRequest) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the passages, then the text while it is written, and last the answer.

    Raises as `Answerer.answer`.
    """
    search_filter = request.filter.to_filter() if request.filter else None
    history = [turn.to_turn() for turn in request.history]
    return answerer.answer(request.question, search_filter=search_filter, history=history)
