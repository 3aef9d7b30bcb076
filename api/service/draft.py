"""Draft golden questions from the documents of the live generation."""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel, Field

from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.operation import Operation
from ingest.golden.drafting import Draft, draft_questions
from ingest.golden.drafting_by_model import rewrite_drafts
from ingest.golden.questions import GoldenQuestion
from rag.chat.factory import open_chat
from rag.settings import ChatSettings
from rag.wiring import Services

MAX_DRAFTS = 200


class DraftRequest(KnowledgeBaseRequest):
    """How many questions to draft."""

    count: int = Field(ge=1, le=MAX_DRAFTS)


class DraftResponse(BaseModel):
    """Golden questions for a person to correct; fewer than asked for if the documents have no more to ask about.

    `model` is the chat model that wrote them, "" if they follow from rules.
    """

    generation: int
    model: str
    questions: list[GoldenQuestion]


def draft(services: Services, request: DraftRequest) -> DraftResponse:
    """Draft questions with the configured chat model; if there is none, by rules. Raises StoreError and ChatError."""
    snapshot = services.store.snapshot()
    drafts = draft_questions(snapshot.chunks(), request.count)
    model, questions = asyncio.run(_write(drafts, services.settings.chat))
    return DraftResponse(generation=snapshot.generation, model=model, questions=questions)


async def _write(drafts: Sequence[Draft], settings: ChatSettings) -> tuple[str, list[GoldenQuestion]]:
    chat = open_chat(settings)  # a chat model belongs to one event loop, so this is not that of the service
    if chat is None:
        return "", [each.entry for each in drafts]
    try:
        return chat.name, await rewrite_drafts(drafts, chat)
    finally:
        await chat.close()


DRAFT = Operation(
    name="draft_questions",
    description="Draft golden questions from the documents, for a person to correct.",
    method="POST",
    path="/evaluation/draft",
    request=DraftRequest,
    response=DraftResponse,
    run=draft,
    scope="admin",
    tag="service",
    in_document=False,
)
