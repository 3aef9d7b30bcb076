"""The live generation and what the next ingest would change, as JSON."""

from pydantic import BaseModel

from api.schemas.ingest import PlanOut


class StatusResponse(BaseModel):
    """The live generation. `pending` is what the next ingest would change, null if the folder is missing."""

    generation: int
    committed_at: str | None
    root: str
    documents: int
    chunks: int
    embedder: str
    store: str
    pending: PlanOut | None
