"""What is live, and what the next ingest would do, as JSON."""

from pydantic import BaseModel

from api.schemas.ingest import PlanOut


class StatusResponse(BaseModel):
    """`pending` is what the next ingest would do; null if the knowledge folder is not there."""

    generation: int
    committed_at: str | None
    root: str
    documents: int
    chunks: int
    embedder: str
    store: str
    pending: PlanOut | None
