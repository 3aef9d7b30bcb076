"""`zhiwen status`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.views.status import print_status
from api.schemas.request_model import EmptyRequest
from api.service.factory import open_service
from api.service.status import STATUS
from api.translations import interface_language
from rag.settings_loader import load_settings


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the live generation and pending changes."""
    with open_service(load_settings(context.obj)) as service:
        found = service.call(STATUS, EmptyRequest())
    if as_json:
        print_json(found)
    else:
        print_status(terminal.output(), found, interface_language())
