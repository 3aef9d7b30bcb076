"""Stale documents: old ones, by how many answers rest on them."""

import datetime

from pydantic import BaseModel, Field

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Example, Operation
from rag.document_url import document_url
from rag.store.records import DocumentRecord
from rag.wiring import Services

MAX_DOCUMENTS = 200


class StaleRequest(KnowledgeBaseRequest):
    """Which documents are old, and how many of them to list."""

    older_than_days: int = Field(
        default=365, ge=1, le=36_500, description="The age of an old document.", examples=[365]
    )
    limit: int = Field(default=20, ge=1, le=MAX_DOCUMENTS, description="The number of documents.", examples=[20])


class StaleDocumentOut(BaseModel):
    """An old document. `dated_by` is `front matter`, `git` or `file`; `answers` counts the answers that cite it."""

    source: str
    title: str
    date: str
    dated_by: str
    answers: int
    url: str


class StaleResponse(BaseModel):
    """Old documents that answers rest on, those with most answers first; `found` counts all of them.

    The answers of the last `days` count.
    """

    days: float
    found: int
    documents: list[StaleDocumentOut]


def list_stale(services: Services, request: StaleRequest) -> StaleResponse:
    """List the old documents of the live generation that answers cite. Raises StateUnavailable and StoreError."""
    oldest = (datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(request.older_than_days)).isoformat()
    knowledge_base = services.store.knowledge_base
    answers = services.document_uses.count(knowledge_base)
    records = services.store.snapshot().documents() if services.store.state() else {}
    old = [record for record in records.values() if answers.get(record.source) and "" < record.date < oldest]
    old.sort(key=lambda record: (-answers[record.source], record.date, record.source))
    documents = [_stale(record, answers[record.source], knowledge_base) for record in old[: request.limit]]
    return StaleResponse(days=services.settings.traces.question_days, found=len(old), documents=documents)


def _stale(record: DocumentRecord, answers: int, knowledge_base: str) -> StaleDocumentOut:
    return StaleDocumentOut(
        source=record.source,
        title=record.title,
        date=record.date,
        dated_by=record.dated_by or "file",
        answers=answers,
        url=document_url(record.source, knowledge_base=knowledge_base),
    )


STALE = Operation(
    name="stale_documents",
    description="List old documents by how many answers rest on them.",
    method="GET",
    path="/gaps/stale",
    request=StaleRequest,
    response=StaleResponse,
    run=list_stale,
    scope="admin",
    tag="service",
    example=Example(
        parameters={"older_than_days": 365, "limit": 20},
        response={
            "days": 90,
            "found": 3,
            "documents": [
                {
                    "source": "hr/leave.md",
                    "title": "休假",
                    "date": "2023-04-01",
                    "dated_by": "git",
                    "answers": 41,
                    "url": "/docs/hr/leave.md",
                }
            ],
        },
        errors=("knowledge_base", "state", "store"),
    ),
)
