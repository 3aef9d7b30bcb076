"""`zhiwen rollback`."""

import typer

from api.cli import terminal
from api.cli.options import settings_of
from api.schemas.request_model import EmptyRequest
from api.service.factory import open_service
from api.service.ingest import ROLLBACK
from api.translations import interface_language, say


def rollback(context: typer.Context) -> None:
    """Go back to the previous generation."""
    with open_service(settings_of(context)) as service:
        done = service.call(ROLLBACK, EmptyRequest())
    terminal.output().print(say("rolled_back", interface_language(), left=done.left, live=done.live))
