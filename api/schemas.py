"""What goes over the wire: the JSON of the HTTP API and of `--json`."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from ingest.plan import Plan
from ingest.report import IngestReport, Progress
from rag.citations import passage_url
from rag.conversation import Turn
from rag.explanation import Explanation
from rag.explanation import explain as explanation_of
from rag.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.retrieval import Retrieval
from rag.vocabulary import Answer, Citation, Hit, Passage, RefusalReason

WireScalar = Annotated[str, Field(max_length=1000)] | bool | int | float


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilterIn(Request):
    """One condition on the passages searched. Exactly one of the operators; `field` goes with the first six.

    `field` is `source`, `title`, `kind`, `start_line`, … or any front-matter key. A list `equals` each of its values.
    Bounds are two numbers or two texts: dates written 2024-05-31 are texts that are ordered by time.
    """

    field: str = Field(default="", max_length=64)
    equals: WireScalar | None = None
    in_: list[WireScalar] | None = Field(default=None, alias="in", max_length=200)
    prefix: str | None = Field(default=None, max_length=1000)
    at_least: WireScalar | None = None
    at_most: WireScalar | None = None
    all_: "list[FilterIn] | None" = Field(default=None, alias="all", max_length=50)
    any_: "list[FilterIn] | None" = Field(default=None, alias="any", max_length=50)
    not_: "FilterIn | None" = Field(default=None, alias="not")

    def to_filter(self) -> Filter:
        given: list[Filter] = []
        if self.equals is not None:
            given.append(Equals(self.field, self.equals))
        if self.in_ is not None:
            given.append(In(self.field, tuple(self.in_)))
        if self.prefix is not None:
            given.append(Prefix(self.field, self.prefix))
        if self.at_least is not None or self.at_most is not None:
            given.append(Range(self.field, self.at_least, self.at_most))
        if self.all_ is not None:
            given.append(All(tuple(part.to_filter() for part in self.all_)))
        if self.any_ is not None:
            given.append(AnyOf(tuple(part.to_filter() for part in self.any_)))
        if self.not_ is not None:
            given.append(Not(self.not_.to_filter()))
        return given[0] if len(given) == 1 else All(tuple(given))


class SearchRequest(Request):
    question: str = Field(examples=["向量数据库有哪些知名组件？"])
    top_k: int | None = Field(default=None, ge=1, le=50)
    filter: FilterIn | None = Field(default=None, examples=[{"field": "source", "prefix": "guides/"}])
    explain: bool = Field(default=False, description="Say how the hits were found, in `trace`.")


class TurnIn(Request):
    role: Literal["user", "assistant"]
    content: str = Field(max_length=100_000)

    def to_turn(self) -> Turn:
        return Turn(self.role, self.content)


class AskRequest(Request):
    question: str = Field(examples=["向量数据库有哪些知名组件？"])
    stream: bool = Field(default=False, description="Server-sent events instead of one JSON object.")
    filter: FilterIn | None = None
    history: list[TurnIn] = Field(
        default=[],
        max_length=1000,
        description="What was said before, oldest first, so that the question may refer to it.",
        examples=[[{"role": "user", "content": "Dify 是什么？"}, {"role": "assistant", "content": "一个平台 [1]。"}]],
    )


class IngestRequest(Request):
    path: str | None = Field(default=None, description="The knowledge folder; it must be the configured one.")
    verify: bool = Field(default=False, description="Hash every file instead of trusting size and time.")
    allow_mass_deletion: bool = Field(default=False, description="Go on even if many documents are gone.")
    force: bool = Field(default=False, description="Go live even if golden questions are lost.")


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


class PassageOut(HitOut):
    number: int

    @classmethod
    def of_passage(cls, passage: Passage) -> "PassageOut":
        return cls(number=passage.number, **HitOut.of(passage.hit).model_dump())


class DocumentCountsOut(BaseModel):
    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int


class ChunkCountsOut(BaseModel):
    added: int
    removed: int
    unchanged: int


class FailureOut(BaseModel):
    source: str
    error: str


class IngestResponse(BaseModel):
    generation: int
    documents: DocumentCountsOut
    chunks: ChunkCountsOut
    embedded: int
    seconds: float
    failures: list[FailureOut]

    @classmethod
    def of(cls, report: IngestReport) -> "IngestResponse":
        return cls.model_validate(asdict(report))


class ProgressOut(BaseModel):
    documents: int
    documents_total: int
    chunks: int
    embedded: int

    @classmethod
    def of(cls, progress: Progress) -> "ProgressOut":
        return cls.model_validate(asdict(progress))


class PlanOut(BaseModel):
    """What an ingest does: the sources of the documents added, changed and removed, and how many stay."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: int

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        return cls(
            added=[file.source for file in plan.added],
            changed=[file.source for file in plan.changed],
            removed=list(plan.removed),
            unchanged=len(plan.unchanged),
        )


class ErrorBody(BaseModel):
    code: str
    message: str


class ErrorResponse(BaseModel):
    error: ErrorBody


class IngestState(BaseModel):
    """`plan` and `progress` are of the running ingest; `last` or `error` of the last that ended."""

    running: bool
    run: int = Field(description="Counts the ingests that this server has started.")
    plan: PlanOut | None = None
    progress: ProgressOut | None = None
    last: IngestResponse | None = None
    error: ErrorBody | None = None


class StatusResponse(BaseModel):
    """What is live, and what the next ingest would do; `pending` is null if the folder is not there."""

    generation: int
    committed_at: str | None
    root: str
    documents: int
    chunks: int
    embedder: str
    store: str
    pending: PlanOut | None


class RollbackResponse(BaseModel):
    left: int
    live: int


class HealthResponse(BaseModel):
    status: Literal["ok", "empty"]
    generation: int
    root: str
    documents: int
    chunks: int
    embedder: str
    chat: str
    version: str


class LiveResponse(BaseModel):
    live: bool


ReadyPart = Literal["store", "embedder", "generation", "service"]


class ReadyPartOut(BaseModel):
    """`code` says what is wrong with a part that is not `ok`."""

    part: ReadyPart
    ok: bool
    code: str | None = None


class ReadyResponse(BaseModel):
    ready: bool
    parts: list[ReadyPartOut]


class SettingOut(BaseModel):
    """`value` is null for a secret; `set` says whether it has one. `origin` is `default`, a file or a variable."""

    name: str
    value: JsonValue
    origin: str
    secret: bool = False
    set: bool = True


class ConfigResponse(BaseModel):
    settings: list[SettingOut]


DoctorPart = Literal["configuration", "knowledge", "store", "embedder", "chat"]


class CheckOut(BaseModel):
    """`ok` is null for what could not be looked at; `code` and `remedy` are for what is wrong."""

    part: DoctorPart
    ok: bool | None
    message: str
    code: str | None = None
    remedy: str = ""


class DoctorResponse(BaseModel):
    ok: bool
    checks: list[CheckOut]
