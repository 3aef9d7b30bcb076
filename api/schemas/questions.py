"""Questions, what is found and what is answered, over the wire."""

from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from api.schemas.errors import RequestModel
from api.schemas.filter import FilterIn
from rag.answering.history import Turn
from rag.checks.citations import passage_url
from rag.retrieval.explanation import Explanation
from rag.retrieval.explanation import explain_retrieval as explanation_of
from rag.retrieval.search import Retrieval
from rag.types import Answer, Citation, Hit, Passage, RefusalReason


class SearchRequest(RequestModel):
    question: str = Field(examples=["向量数据库有哪些知名组件？"])
    top_k: int | None = Field(default=None, ge=1, le=50)
    filter: FilterIn | None = Field(default=None, examples=[{"field": "source", "prefix": "guides/"}])
    explain: bool = Field(default=False, description="Say how the hits were found, in `trace`.")


class HitOut(BaseModel):
    id: str
    source: str
    title: str
    heading_path: list[str]
    anchor: str
    start_line: int
    end_line: int
    content: str
    score: float
    url: str = Field(description="The path under which the document is shown, at the passage.")

    @classmethod
    def of(cls, hit: Hit) -> "HitOut":
        chunk = hit.chunk
        return cls(
            id=chunk.id,
            source=chunk.source,
            title=chunk.title,
            heading_path=list(chunk.heading_path),
            anchor=chunk.anchor,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            content=chunk.content,
            score=round(hit.score, 6),
            url=passage_url(chunk),
        )


class SearchResponse(BaseModel):
    """`trace` is there only where it was asked for."""

    question: str
    generation: int
    hits: list[HitOut]
    trace: Explanation | None = None

    @classmethod
    def of(cls, retrieval: Retrieval, *, explain: bool = False) -> "SearchResponse":
        return cls(
            question=retrieval.question,
            generation=retrieval.generation,
            hits=[HitOut.of(hit) for hit in retrieval.hits],
            trace=explanation_of(retrieval) if explain else None,
        )

    @model_serializer(mode="wrap")
    def _without_empty_trace(self, serialise: SerializerFunctionWrapHandler) -> dict[str, object]:
        found: dict[str, object] = serialise(self)
        if self.trace is None:
            del found["trace"]
        return found


class TurnIn(RequestModel):
    role: Literal["user", "assistant"]
    content: str = Field(max_length=100_000)

    def to_turn(self) -> Turn:
        return Turn(self.role, self.content)


class AskRequest(RequestModel):
    question: str = Field(examples=["向量数据库有哪些知名组件？"])
    stream: bool = Field(default=False, description="Server-sent events instead of one JSON object.")
    filter: FilterIn | None = None
    history: list[TurnIn] = Field(
        default=[],
        max_length=1000,
        description="What was said before, oldest first, so that the question may refer to it.",
        examples=[[{"role": "user", "content": "Dify 是什么？"}, {"role": "assistant", "content": "一个平台 [1]。"}]],
    )


class PassageOut(HitOut):
    number: int

    @classmethod
    def of_passage(cls, passage: Passage) -> "PassageOut":
        return cls(number=passage.number, **HitOut.of(passage.hit).model_dump())


class CitationOut(BaseModel):
    number: int
    source: str
    heading_path: list[str]
    anchor: str
    start_line: int
    end_line: int
    quote: str
    url: str

    @classmethod
    def of(cls, citation: Citation) -> "CitationOut":
        return cls.model_validate(asdict(citation) | {"heading_path": list(citation.heading_path)})


class UsageOut(BaseModel):
    """Tokens as the provider counts them; `cost` in the currency of the configured prices, null without one."""

    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None


class AskResponse(BaseModel):
    """`reason` is null unless `refused`.

    `unverified` are sentences of the answer that its passages do not support; `truncated` says that the text stops at
    the model's length limit; `usage` is null where no model was asked or none counts; `cached` says that the answer was
    given before, to the same question and the same generation.
    """

    answer: str
    refused: bool
    reason: RefusalReason | None
    citations: list[CitationOut]
    unverified: list[str] = []
    model: str
    generation: int
    trace_id: str
    truncated: bool = False
    usage: UsageOut | None = None
    cached: bool = False

    @classmethod
    def of(cls, answer: Answer) -> "AskResponse":
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
        )
