"""`zhiwen chat`."""

import typer

from api.cli.conversation import TerminalConversation
from api.cli.ingesting import ingest_if_empty
from api.service.factory import open_service
from api.translations import interface_language
from rag.settings_loader import load_settings


def chat(context: typer.Context) -> None:
    """Start a conversation with follow-up questions."""
    settings = load_settings(context.obj)
    with open_service(settings) as service:
        ingest_if_empty(service, settings, interface_language())
        TerminalConversation(service, settings).run()
