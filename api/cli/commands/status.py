"""`zhiwen status`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json_by_name
from api.cli.options import KnowledgeBases, chosen, settings_of
from api.cli.views.knowledge_base import print_name
from api.cli.views.status import print_status
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.factory import open_service
from api.service.status import STATUS, StatusResponse
from api.translations import interface_language
from ingest.files.scan import scan_knowledge
from rag.errors import KnowledgeError
from rag.knowledge_base_names import option_of


def status(context: typer.Context, kb: KnowledgeBases = None, as_json: AsJson = False) -> None:
    """Show the live generation and pending changes."""
    settings, console = settings_of(context), terminal.output()
    names = chosen(settings, kb)
    found: dict[str, StatusResponse] = {}
    failed: list[KnowledgeError] = []
    with open_service(settings) as service:
        for name in names:
            each = service.call(STATUS, KnowledgeBaseRequest(knowledge_base=name))
            try:
                if not each.generation and not each.source:
                    # Raises an error that says what to do if there is nothing to ingest either.
                    scan_knowledge(settings.for_knowledge_base(name).knowledge, name)
                found[name] = each
            except KnowledgeError as error:
                failed.append(error)
    if not as_json:
        for name, each in found.items():
            print_name(console, settings, name, of=names)
            print_status(console, each, interface_language(), option=option_of(name))
    terminal.raise_all(failed)
    if as_json:
        print_json_by_name(found)
