"""List the documents of the live generation."""

from pydantic import BaseModel

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Example, Operation
from rag.document_url import document_url
from rag.knowledge_base_names import DEFAULT
from rag.store.store import Store


class DocumentSummary(BaseModel):
    """A document. `chunks` is the number of passages that it was split into, `bytes` the size of the file.

    `date` is its day: from its front matter, else of its last commit in git, else of its file; "" if none is known.
    """

    source: str
    title: str
    chunks: int
    bytes: int
    url: str
    date: str = ""


class DocumentList(BaseModel):
    """All documents, ordered by source."""

    generation: int
    documents: list[DocumentSummary]
    knowledge_base: str = DEFAULT


class SectionOut(BaseModel):
    """A heading of a document."""

    level: int
    heading: str
    anchor: str


class DocumentOut(BaseModel):
    """A rendered document. `html` is sanitised; its ids begin with `doc-`.

    The first block of the requested lines has the id `doc-passage`. `rebuilt` is true if the file has changed since it
    was ingested, so that the text comes from the index. `plain` is true if the document is too complex to be rendered:
    then `html` is plain text, with everything that the index has of it.
    """

    source: str
    title: str
    generation: int
    chunks: int
    rebuilt: bool
    plain: bool
    url: str
    sections: list[SectionOut]
    html: str


def list_documents(store: Store) -> DocumentList:
    """List the documents in the order of their sources; none before the first ingest. Raises StoreError."""
    if store.state() is None:
        return DocumentList(generation=0, documents=[], knowledge_base=store.knowledge_base)
    snapshot = store.snapshot()
    return DocumentList(
        generation=snapshot.generation,
        documents=[
            DocumentSummary(
                source=record.source,
                title=record.title,
                chunks=record.chunks,
                bytes=record.size,
                url=document_url(record.source, knowledge_base=store.knowledge_base),
                date=record.date,
            )
            for record in snapshot.documents().values()
        ],
        knowledge_base=store.knowledge_base,
    )


DOCUMENTS = Operation(
    name="documents",
    description="List the documents of the live generation by source; none before the first ingest.",
    method="GET",
    path="/documents",
    request=KnowledgeBaseRequest,
    response=DocumentList,
    run=lambda services, request: list_documents(services.store),
    scope="ask",
    tag="ask",
    example=Example(
        response={
            "generation": 1,
            "documents": [
                {
                    "source": "overview.md",
                    "title": "概述",
                    "chunks": 27,
                    "bytes": 9213,
                    "url": "/docs/overview.md",
                    "date": "2026-01-31",
                }
            ],
        },
        errors=("knowledge_base", "store"),
    ),
)
