"""`zhiwen chat`."""

import typer

from api.cli.commands.ingest import ingest_if_empty
from api.cli.conversation import TerminalConversation
from api.messages import interface_language
from api.service.factory import open_service
from rag import config


def chat(context: typer.Context) -> None:
    """Start a conversation with follow-up questions."""
    settings = config.load(context.obj)
    with open_service(settings) as service:
        ingest_if_empty(service, settings, interface_language())
        TerminalConversation(service, settings).run()
