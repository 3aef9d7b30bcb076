"""`zhiwen doctor`."""

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.options import GlobalOptions
from api.cli.views.doctor import print_checks
from api.translations import interface_language


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check the installation and say how to fix problems.

    The checks cover configuration, documents, store, embedder and chat model.
    """
    from api.cli.doctor import diagnose  # noqa: PLC0415  (it imports the libraries of every part)

    language = interface_language()
    options: GlobalOptions = context.obj
    found = diagnose(options.config_file, language, knowledge=options.knowledge)
    if as_json:
        print_json(found)
    else:
        print_checks(terminal.output(), found, language)
    raise typer.Exit(0 if found.ok else 1)
