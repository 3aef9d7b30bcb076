"""Search: the passages that match a question best."""

from api.schemas.search import SearchRequest, SearchResponse
from api.service import samples
from api.service.operation import Example, Operation
from rag.retrieval.search import Searcher


def search(searcher: Searcher, request: SearchRequest) -> SearchResponse:
    """Find the passages that match a question, best first.

    Raises QuestionError, FilterError, StoreError and EmbedderError.
    """
    search_filter = request.filter.to_filter() if request.filter else None
    found = searcher.search(request.question, top_k=request.top_k, search_filter=search_filter)
    return SearchResponse.of(found, explain=request.explain)


SEARCH = Operation(
    name="search",
    description="Find the passages that match a question, best first.",
    method="POST",
    path="/search",
    request=SearchRequest,
    response=SearchResponse,
    run=lambda services, request: search(services.searcher, request),
    scope="ask",
    tag="ask",
    is_answer=True,
    example=Example(
        request={"question": samples.QUESTION, "top_k": 3, "filter": {"field": "kind", "equals": "row"}},
        response={"question": samples.QUESTION, "generation": 1, "hits": [samples.HIT]},
        errors=("question", "filter", "live"),
    ),
)
