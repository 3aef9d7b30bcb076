"""Go back to the previous generation."""

from pydantic import BaseModel

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Example, Operation
from ingest.staging.lease import write_lease
from ingest.staging.rollback import roll_back
from rag.store.store import Store


class RollbackResponse(BaseModel):
    """The generation that was left and the one that is live now."""

    left: int
    live: int


def roll_back_generation(store: Store) -> RollbackResponse:
    """Go back to the previous generation. Raises StoreLocked, NoEarlierGeneration and StoreError."""
    with write_lease(store):
        left, live = roll_back(store)
    return RollbackResponse(left=left.generation, live=live.generation)


ROLLBACK = Operation(
    name="rollback",
    description="Go back to the previous generation.",
    method="POST",
    path="/rollback",
    request=KnowledgeBaseRequest,
    response=RollbackResponse,
    run=lambda services, request: roll_back_generation(services.store),
    scope="admin",
    tag="ingest",
    example=Example(
        request={"knowledge_base": "default"},
        response={"left": 2, "live": 1},
        errors=("knowledge_base", "rollback", "store"),
    ),
)
