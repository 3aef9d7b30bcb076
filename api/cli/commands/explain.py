"""`zhiwen explain`."""

from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.options import settings_of
from api.cli.views.trace import print_trace
from api.service.factory import open_service
from api.service.trace import TRACE, TraceRequest
from api.translations import interface_language


def explain(
    context: typer.Context,
    trace_id: Annotated[str, typer.Argument(help="The `trace_id` of an answer.")],
    as_json: AsJson = False,
) -> None:
    """Show how an answer came about."""
    with open_service(settings_of(context)) as service:
        found = service.call(TRACE, TraceRequest(trace_id=trace_id))
    if as_json:
        print_json(found)
    else:
        print_trace(terminal.output(), found, interface_language())
