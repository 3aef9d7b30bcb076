"""Ingest from the terminal, for `zhiwen ingest` and for the first question to an empty index."""

from api.cli import terminal
from api.cli.views.ingest import print_plan, print_report, progress_bar
from api.service.ingest import IngestRequest, IngestResponse, PlanOut
from api.service.protocol import Service
from api.translations import say
from rag.settings import Settings
from rag.text.language import Language


def ingest_if_empty(service: Service, settings: Settings, language: Language) -> bool:
    """Ingest the configured folder if nothing has been ingested yet; return whether it did. Raises as `ingest`."""
    if service.root():
        return False
    terminal.messages().print(say("first_ingest", language, path=settings.knowledge.path), style="dim")
    ingest_before_answering(service, settings, language)
    return True


def ingest_before_answering(service: Service, settings: Settings, language: Language) -> None:
    """Ingest the configured folder; print a report only if a document could not be read."""
    report = ingest_and_show(service, configured_folder(settings), language, prints_plan=False)
    if report.failures:
        print_report(terminal.messages(), report, language)


def ingest_and_show(
    service: Service, request: IngestRequest, language: Language, *, prints_plan: bool
) -> IngestResponse:
    """Ingest with a progress bar and, with `prints_plan`, a line on what will change. Return the report."""

    def on_plan(plan: PlanOut) -> None:
        if prints_plan:
            print_plan(terminal.output(), plan, language)

    with progress_bar(terminal.messages(), language) as on_progress:
        return service.ingest(request, on_plan=on_plan, on_progress=on_progress)


def configured_folder(settings: Settings) -> IngestRequest:
    """Return the request to ingest the folder that the settings name."""
    # The request names the folder, so that a server with another folder refuses it instead of ingesting its own.
    return IngestRequest(path=str(settings.knowledge.path.resolve()))
