"""`zhiwen ingest`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.ingesting import configured_folder, ingest_and_show
from api.cli.json_output import AsJson, print_json
from api.cli.options import settings_of
from api.cli.views.ingest import print_plan, print_report
from api.service.factory import open_service
from api.service.ingest import PREVIEW
from api.translations import interface_language

_HELD_BACK = 1
"""The exit status if very many documents are gone, and stay live until somebody says that they may go."""
_INCOMPLETE = 3
"""The exit status if a document could not be read: all others are live, which a scheduled job may count as done."""


def ingest(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="Folder of documents; the same as --knowledge.")] = None,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Hash every file instead of trusting its size and time; try again what failed."),
    ] = False,
    allow_mass_deletion: Annotated[
        bool,
        typer.Option("--allow-mass-deletion", help="Remove documents that are gone even if they are more than 20 %."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Go live even if golden questions are lost.")] = False,
) -> None:
    """Update the index from the folder; only changes are embedded."""
    settings = settings_of(context, knowledge=path)
    options = {"verify": verify, "allow_mass_deletion": allow_mass_deletion, "force": force}
    request = configured_folder(settings).model_copy(update=options)
    console, language = terminal.output(), interface_language()
    with open_service(settings) as service:
        if dry_run:
            plan = service.call(PREVIEW, request)
            if as_json:
                print_json(plan)
            else:
                print_plan(console, plan, language, with_documents=True)
            return
        report = ingest_and_show(service, request, language, prints_plan=not as_json)
    if as_json:
        print_json(report)
    else:
        print_report(console, report, language)
    if report.deletions_held_back:
        raise typer.Exit(_HELD_BACK)
    raise typer.Exit(_INCOMPLETE if report.failures else 0)
