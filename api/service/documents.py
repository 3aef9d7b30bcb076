"""List the documents of the live generation."""

from api.schemas.documents import DocumentList, DocumentSummary
from api.schemas.request_model import EmptyRequest
from api.service.operation import Operation
from rag.document_url import document_url
from rag.store.store import Store


def list_documents(store: Store) -> DocumentList:
    """List the documents in the order of their sources; none before the first ingest. Raises StoreError."""
    if store.state() is None:
        return DocumentList(generation=0, documents=[])
    snapshot = store.snapshot()
    records = sorted(snapshot.documents().values(), key=lambda record: record.source)
    return DocumentList(
        generation=snapshot.generation,
        documents=[
            DocumentSummary(
                source=record.source,
                title=record.title,
                chunks=record.chunks,
                bytes=record.size,
                url=document_url(record.source),
            )
            for record in records
        ],
    )


DOCUMENTS = Operation(
    name="documents",
    description="List the documents of the live generation by source; none before the first ingest.",
    method="GET",
    path="/documents",
    request=EmptyRequest,
    response=DocumentList,
    run=lambda services, request: list_documents(services.store),
    scope="ask",
    tag="ask",
    in_document=False,
)
