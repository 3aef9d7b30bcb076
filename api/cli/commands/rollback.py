"""`zhiwen rollback`."""

import typer

from api.cli import terminal
from api.cli.options import KnowledgeBase, settings_of
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.factory import open_service
from api.service.rollback import ROLLBACK
from api.translations import interface_language, say
from rag.knowledge_base_names import DEFAULT


def rollback(context: typer.Context, kb: KnowledgeBase = DEFAULT) -> None:
    """Go back to the previous generation."""
    settings = settings_of(context)
    settings.for_knowledge_base(kb)  # raises an error if there is no such knowledge base
    with open_service(settings) as service:
        done = service.call(ROLLBACK, KnowledgeBaseRequest(knowledge_base=kb))
    terminal.output().print(say("rolled_back", interface_language(), left=done.left, live=done.live))
