"""`zhiwen chat`."""

import typer

from api.cli.conversation import TerminalConversation
from api.cli.ingesting import ensure_ingested
from api.cli.options import KnowledgeBases, chosen, settings_of
from api.service.factory import open_service
from api.translations import interface_language


def chat(context: typer.Context, kb: KnowledgeBases = None) -> None:
    """Start a conversation with follow-up questions."""
    settings = settings_of(context)
    names = chosen(settings, kb)
    with open_service(settings) as service:
        ensure_ingested(service, settings, interface_language(), knowledge_bases=names)
        TerminalConversation(service, settings, names).run()
