"""`zhiwen doctor`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.messages import interface_language


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check configuration, documents, store, embedder and chat model, and say how to mend what is wrong."""
    from api.cli.doctor import diagnose  # noqa: PLC0415  (it reaches into every part; no other command does)

    language = interface_language()
    found = diagnose(context.obj, language)
    if as_json:
        print_json(found)
    else:
        terminal.print_checks(terminal.output(), found, language)
    raise typer.Exit(0 if found.ok else 1)
