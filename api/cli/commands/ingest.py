"""`zhiwen ingest`, and the ingest that the first question starts."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.cli.views.ingest import print_plan, print_report, progress_bar
from api.messages import interface_language, say
from api.service.factory import open_service
from api.service.ingest import PREVIEW, IngestRequest, IngestResponse, PlanOut
from api.service.protocol import Service
from rag import config
from rag.settings import Settings
from rag.text.language import Language


def ingest(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="Folder of documents [default: knowledge.path].")] = None,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash every file instead of trusting its size and modification time.")
    ] = False,
    allow_mass_deletion: Annotated[
        bool, typer.Option("--allow-mass-deletion", help="Continue even if more than 20 % of the documents are gone.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Go live even if golden questions no longer find their passages.")
    ] = False,
) -> None:
    """Update the index from the folder; only changes are embedded."""
    settings = _settings(context.obj, path)
    options = {"verify": verify, "allow_mass_deletion": allow_mass_deletion, "force": force}
    request = _configured_folder(settings).model_copy(update=options)
    console, language = terminal.output(), interface_language()
    with open_service(settings) as service:
        if dry_run:
            plan = service.call(PREVIEW, request)
            if as_json:
                print_json(plan)
            else:
                print_plan(console, plan, language, with_documents=True)
            return
        report = _ingest(service, request, language, prints_plan=not as_json)
    if as_json:
        print_json(report)
    else:
        print_report(console, report, language)
    raise typer.Exit(1 if report.failures else 0)


def ingest_if_empty(service: Service, settings: Settings, language: Language) -> bool:
    """Ingest the configured folder if nothing has been ingested yet; return whether it did. Raises as `ingest`."""
    if service.root():
        return False
    terminal.messages().print(say("first_ingest", language, path=settings.knowledge.path), style="dim")
    ingest_before_answering(service, settings, language)
    return True


def ingest_before_answering(service: Service, settings: Settings, language: Language) -> None:
    """Ingest the configured folder; print a report only if a document could not be read."""
    report = _ingest(service, _configured_folder(settings), language, prints_plan=False)
    if report.failures:
        print_report(terminal.messages(), report, language)


def _ingest(service: Service, request: IngestRequest, language: Language, *, prints_plan: bool) -> IngestResponse:
    def on_plan(plan: PlanOut) -> None:
        if prints_plan:
            print_plan(terminal.output(), plan, language)

    with progress_bar(terminal.messages(), language) as on_progress:
        return service.ingest(request, on_plan=on_plan, on_progress=on_progress)


def _configured_folder(settings: Settings) -> IngestRequest:
    # The request names the folder, so that a server with another folder refuses it instead of ingesting its own.
    return IngestRequest(path=str(settings.knowledge.path.resolve()))


def _settings(file: Path | None, knowledge: Path | None) -> Settings:
    settings = config.load(file)
    if knowledge is None:
        return settings
    return settings.model_copy(update={"knowledge": settings.knowledge.model_copy(update={"path": knowledge})})
