"""`zhiwen feedback`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.options import settings_of
from api.cli.views.feedback import print_feedback
from api.service.feedback import list_feedback
from api.translations import interface_language
from rag.state.database import StateDatabase
from rag.state.feedback import FeedbackLog


def feedback(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how people rated the answers on the page."""
    settings = settings_of(context)
    found = list_feedback(FeedbackLog(StateDatabase.of(settings), settings.serve.feedback_path))
    if as_json:
        print_json(found)
    else:
        print_feedback(terminal.output(), found, interface_language())
