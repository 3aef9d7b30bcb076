"""`zhiwen feedback`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.messages import interface_language
from api.service.feedback import list_feedback
from rag import config
from rag.state.feedback import FeedbackLog


def feedback(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what people thought of the answers they got on the page."""
    found = list_feedback(FeedbackLog(config.load(context.obj).serve.feedback_path))
    if as_json:
        print_json(found)
    else:
        terminal.print_feedback(terminal.output(), found, interface_language())
