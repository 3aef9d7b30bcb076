"""`zhiwen status`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.options import settings_of
from api.cli.views.status import print_status
from api.schemas.request_model import EmptyRequest
from api.service.factory import open_service
from api.service.status import STATUS
from api.translations import interface_language
from ingest.files.scan import scan_knowledge


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the live generation and pending changes."""
    settings = settings_of(context)
    with open_service(settings) as service:
        found = service.call(STATUS, EmptyRequest())
    if not found.generation:
        scan_knowledge(settings.knowledge)  # raises an error that says what to do if there is nothing to ingest either
    if as_json:
        print_json(found)
    else:
        print_status(terminal.output(), found, interface_language())
