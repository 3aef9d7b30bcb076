"""`zhiwen ingest`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.ingesting import configured_folder, ingest_and_show
from api.cli.json_output import AsJson, print_json_by_name
from api.cli.options import KnowledgeBases, chosen, settings_of
from api.cli.views.ingest import print_plan, print_report
from api.cli.views.knowledge_base import print_name
from api.service.factory import open_service
from api.service.ingest import PREVIEW, IngestRequest, IngestResponse, PlanOut
from api.service.protocol import Service
from api.translations import interface_language
from rag.errors import ZhiwenError
from rag.text.language import Language

_HELD_BACK = 1
"""The exit status if very many documents are gone, and stay live until somebody says that they may go."""
_INCOMPLETE = 3
"""The exit status if a document could not be read: all others are live, which a scheduled job may count as done."""


def ingest(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="Folder of documents; the same as --knowledge.")] = None,
    kb: KnowledgeBases = None,
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
    names, console, language = chosen(settings, kb), terminal.output(), interface_language()
    done: dict[str, PlanOut | IngestResponse] = {}
    failed: list[ZhiwenError] = []
    with open_service(settings) as service:
        for name in names:
            request = configured_folder(settings.for_knowledge_base(name), name).model_copy(update=options)
            if not as_json:
                print_name(console, settings, name, of=names)
            try:
                done[name] = _run(service, request, language, dry_run=dry_run, prints=not as_json)
            except ZhiwenError as error:
                failed.append(error)  # the other knowledge bases are ingested all the same
    terminal.raise_all(failed)
    if as_json:
        print_json_by_name(done)
    raise typer.Exit(max(map(_exit_status, done.values())))


def _run(
    service: Service, request: IngestRequest, language: Language, *, dry_run: bool, prints: bool
) -> PlanOut | IngestResponse:
    if dry_run:
        plan = service.call(PREVIEW, request)
        if prints:
            print_plan(terminal.output(), plan, language, with_documents=True)
        return plan
    report = ingest_and_show(service, request, language, prints_plan=prints)
    if prints:
        print_report(terminal.output(), report, language)
    return report


def _exit_status(report: PlanOut | IngestResponse) -> int:
    if isinstance(report, PlanOut):
        return 0
    return _HELD_BACK if report.deletions_held_back else _INCOMPLETE if report.failures else 0
