"""Search: the passages that match a question best."""

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from api.schemas.filter import FilterIn
from api.schemas.knowledge_base import KnowledgeBasesRequest
from api.service import example_values
from api.service.operation import Example, Operation
from rag.knowledge_base_names import DEFAULT
from rag.published_url import PassageUrls
from rag.retrieval.explanation import Explanation, explain_retrieval
from rag.retrieval.search import Retrieval, Searcher
from rag.retrieval.sufficiency import answer_probability
from rag.types import Hit


class SearchRequest(KnowledgeBasesRequest):
    """A question to search for."""

    question: str = Field(examples=["向量数据库有哪些知名组件？"])
    top_k: int | None = Field(default=None, ge=1, le=50)
    filter: FilterIn | None = Field(default=None, examples=[{"field": "source", "prefix": "guides/"}])
    explain: bool = Field(default=False, description="Explain in `trace` how the hits were found.")


_HERE = PassageUrls()


class HitOut(BaseModel):
    """A passage that matches a question."""

    id: str
    source: str
    title: str
    heading_path: list[str]
    anchor: str
    start_line: int
    end_line: int
    content: str
    score: float
    url: str = Field(description="Where the passage can be read: a path on this server, or its published page.")
    knowledge_base: str = DEFAULT

    @classmethod
    def of(cls, hit: Hit, urls: PassageUrls = _HERE) -> "HitOut":
        """Convert a hit to JSON."""
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
            url=urls.of(chunk),
            knowledge_base=chunk.knowledge_base,
        )


class SearchResponse(BaseModel):
    """The hits, best first. `trace` is present only if the request has `explain`.

    `generations` has the generation of each knowledge base that was searched; if there are several, `generation` is 0.
    """

    question: str
    generation: int
    hits: list[HitOut]
    generations: dict[str, int] = {}
    trace: Explanation | None = None

    @classmethod
    def of(cls, retrieval: Retrieval, *, explain: bool = False, urls: PassageUrls = _HERE) -> "SearchResponse":
        """Convert the result of a search to JSON, with its explanation if `explain` is set."""
        return cls(
            question=retrieval.question,
            generation=retrieval.generation,
            hits=[HitOut.of(hit, urls) for hit in retrieval.hits],
            generations=dict(retrieval.generations),
            trace=explain_retrieval(retrieval, answer_probability(retrieval)) if explain else None,
        )

    @model_serializer(mode="wrap")
    def _without_empty_trace(self, serialise: SerializerFunctionWrapHandler) -> dict[str, object]:
        found: dict[str, object] = serialise(self)
        if self.trace is None:
            del found["trace"]
        return found


def search(searcher: Searcher, request: SearchRequest, urls: PassageUrls = _HERE) -> SearchResponse:
    """Find the passages that match a question, best first.

    Raises QuestionError, FilterError, StoreError and EmbedderError.
    """
    search_filter = request.filter.to_filter() if request.filter else None
    found = searcher.search(request.question, top_k=request.top_k, search_filter=search_filter)
    return SearchResponse.of(found, explain=request.explain, urls=urls)


SEARCH = Operation(
    name="search",
    description="Find the passages that match a question, best first.",
    method="POST",
    path="/search",
    request=SearchRequest,
    response=SearchResponse,
    run=lambda services, request: search(services.searcher, request, services.urls),
    scope="ask",
    tag="ask",
    is_answer=True,
    example=Example(
        request={"question": example_values.QUESTION, "top_k": 3, "filter": {"field": "kind", "equals": "row"}},
        response={"question": example_values.QUESTION, "generation": 1, "hits": [example_values.HIT]},
        errors=("question", "filter", "knowledge_base", "live"),
    ),
)
