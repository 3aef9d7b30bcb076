"""The index on the command line: `zhiwen ingest` and `rollback`, and the ingest before the very first question."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.json_output import AsJson, print_json
from api.messages import interface_language, say
from api.schemas.ingest import IngestRequest, IngestResponse, PlanOut
from api.service.factory import open_service
from api.service.protocol import Service
from rag import config
from rag.settings import Settings
from rag.text.language import Language


def ingest(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="Folder of documents [default: knowledge.path].")] = None,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash every file instead of trusting size and time.")
    ] = False,
    allow_mass_deletion: Annotated[
        bool, typer.Option("--allow-mass-deletion", help="Go on even if more than 20 % of the documents are gone.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Go live even if golden questions are lost.")] = False,
) -> None:
    """Bring the index in line with the folder; only what changed is embedded."""
    settings = _settings(context.obj, path)
    given = {"verify": verify, "allow_mass_deletion": allow_mass_deletion, "force": force}
    request = _whole_folder(settings).model_copy(update=given)
    console, language = terminal.output(), interface_language()
    with open_service(settings) as backend:
        if dry_run:
            plan = backend.preview(request)
            if as_json:
                print_json(plan)
            else:
                terminal.print_plan(console, plan, language, in_full=True)
            return
        report = _ingest(backend, request, language, quiet=as_json)
    if as_json:
        print_json(report)
    else:
        terminal.print_report(console, report, language)
    raise typer.Exit(1 if report.failures else 0)


def rollback(context: typer.Context) -> None:
    """Go back to the generation before the live one."""
    with open_service(config.load(context.obj)) as backend:
        done = backend.rollback()
    terminal.output().print(say("rolled_back", interface_language(), left=done.left, live=done.live))


def ingest_if_empty(backend: Service, settings: Settings, language: Language) -> bool:
    """Before the very first question; returns whether it was that."""
    if backend.root():
        return False
    terminal.messages().print(say("first_ingest", language, path=settings.knowledge.path), style="dim")
    ingest_before_answering(backend, settings, language)
    return True


def ingest_before_answering(backend: Service, settings: Settings, language: Language) -> None:
    """Ingest, and say no more of it than what failed."""
    report = _ingest(backend, _whole_folder(settings), language, quiet=True)
    if report.failures:
        terminal.print_report(terminal.messages(), report, language)


def _ingest(backend: Service, request: IngestRequest, language: Language, *, quiet: bool) -> IngestResponse:
    """Ingest with the plan first and a progress bar, both left out where `quiet` or no person is watching."""

    def show_plan(plan: PlanOut) -> None:
        if not quiet:
            terminal.print_plan(terminal.output(), plan, language)

    with terminal.ingest_progress(terminal.messages(), language) as on_progress:
        return backend.ingest(request, on_plan=show_plan, on_progress=on_progress)


def _whole_folder(settings: Settings) -> IngestRequest:
    # Names the folder, so that a server whose folder is another one refuses instead of ingesting its own.
    return IngestRequest(path=str(settings.knowledge.path.resolve()))


def _settings(file: Path | None, knowledge: Path | None) -> Settings:
    settings = config.load(file)
    if knowledge is None:
        return settings
    return settings.model_copy(update={"knowledge": settings.knowledge.model_copy(update={"path": knowledge})})
