"""Dify's API for external knowledge bases: the passages for a query, as records."""

from collections import defaultdict
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from api.cancel_on_disconnect import CLIENT_GONE, unless_gone
from api.dify.metadata_filter import to_filter
from api.dify.schemas import RecordOut, RetrievalRequest, RetrievalResponse
from api.public_urls import absolute, base_url
from api.schemas.error_bodies import DifyError
from api.service.audit import note_knowledge_bases
from api.service.permitted import permitted
from rag.blocking_work import run_blocking
from rag.knowledge_base_names import DEFAULT
from rag.retrieval.search import Retrieval
from rag.store.document_metadata import DocumentMetadataCache
from rag.types import Hit, MetadataValue
from rag.wiring import Services

_MAX_RECORDS = 50
_UNKNOWN_KNOWLEDGE = 2001

_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": DifyError, "description": "The request is invalid, not allowed or over a limit."},
    "5XX": {"model": DifyError, "description": "The store or the embedder failed."},
}


def add_dify(app: FastAPI, services: Services) -> None:
    """Add `POST /retrieval`. Each knowledge base has its name as its `knowledge_id`."""
    collection = services.settings.store.collection  # an older name of the default knowledge base
    front_matter = defaultdict[str, DocumentMetadataCache](DocumentMetadataCache)

    @app.post("/retrieval", response_model=RetrievalResponse, responses=_ERRORS, tags=["Dify"])
    async def retrieve(request: RetrievalRequest, connection: Request) -> RetrievalResponse | Response:
        """Find the passages that match a query best, for Dify's external knowledge base."""
        known = dict(permitted(services).knowledge_bases)
        if default := known.get(DEFAULT):
            known = {collection: default, **known}
        chosen = known.get(request.knowledge_id)
        if chosen is None:
            there_are = ", ".join(repr(name) for name in known if name != DEFAULT)
            unknown = f"unknown knowledge base {request.knowledge_id[:64]!r}; this server has: {there_are}"
            return JSONResponse(
                DifyError(error_code=_UNKNOWN_KNOWLEDGE, error_msg=unknown).model_dump(), status_code=404
            )
        note_knowledge_bases([chosen.store.knowledge_base])
        found = await unless_gone(
            connection, run_blocking(_search, request, chosen, front_matter[chosen.store.knowledge_base])
        )
        if found is None:
            return Response(status_code=CLIENT_GONE)
        base = base_url(services.settings.serve, connection)
        records = [_record(hit, absolute(services.urls.of(hit.chunk), base)) for hit in found.hits]
        threshold = request.retrieval_setting.score_threshold or 0.0
        return RetrievalResponse(records=[record for record in records if record.score >= threshold])


def _search(request: RetrievalRequest, services: Services, front_matter: DocumentMetadataCache) -> Retrieval:
    requested = request.retrieval_setting.top_k
    top_k = min(requested, _MAX_RECORDS) if requested else None
    while True:
        search_filter, generation = None, None
        if request.metadata_condition and request.metadata_condition.conditions:
            snapshot = services.store.snapshot()
            search_filter = to_filter(request.metadata_condition, front_matter.of(snapshot))
            generation = snapshot.generation
        found = services.searcher.search(request.query, top_k=top_k, search_filter=search_filter)
        if generation in (None, found.generation):
            return found
        # An ingest went live in between, so the filter was made for documents of the generation before. Try again.


def _record(hit: Hit, url: str) -> RecordOut:
    chunk = hit.chunk
    chunk_fields: dict[str, MetadataValue] = {
        "source": chunk.source,
        "title": chunk.title,
        "heading_path": list(chunk.heading_path),
        "anchor": chunk.anchor,
        "kind": chunk.kind,
        "start_line": chunk.start_line,
        "end_line": chunk.end_line,
        "url": url,
    }
    return RecordOut(
        content=chunk.content,
        score=round(min(max(hit.score, 0.0), 1.0), 6),
        title=chunk.context or chunk.source,
        metadata={**chunk.metadata, **chunk_fields},
    )
