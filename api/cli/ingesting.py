"""Ingest from the terminal, for `zhiwen ingest` and for the first question to an empty index."""

from collections.abc import Sequence
from pathlib import Path

from api.cli import terminal
from api.cli.views.ingest import print_plan, print_report, progress_bar
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service.ingest import IngestRequest, IngestResponse, PlanOut
from api.service.protocol import Service
from api.service.status import STATUS
from api.translations import say
from ingest.files.scan import scan_knowledge
from ingest.staging.deletion_guard import MAX_DELETED_SHARE
from rag.errors import KnowledgeError
from rag.knowledge_base_names import DEFAULT, option_of
from rag.settings import Settings
from rag.text.language import Language

MAX_DOCUMENTS_UNASKED = 1000
"""A question ingests a folder with at most this many documents; a larger one takes minutes, or is the wrong one."""


def ensure_ingested(
    service: Service,
    settings: Settings,
    language: Language,
    *,
    knowledge_bases: Sequence[str],
    fresh: bool = False,
) -> None:
    """Before a question, ingest each folder that has not been ingested yet; with `fresh`, ingest all of them.

    Raises as `ingest`, and KnowledgeError if the index is that of another folder or the folder is large. Of several
    folders, those without documents are skipped with a message.
    """
    for name in knowledge_bases:
        own = settings.for_knowledge_base(name)
        _ensure_one(service, own, language, name, fresh=fresh, may_be_empty=len(knowledge_bases) > 1)


def _ensure_one(
    service: Service, settings: Settings, language: Language, name: str, *, fresh: bool, may_be_empty: bool
) -> None:
    root = service.root(name)
    if root and not fresh:
        _check_same_folder(service, root, settings, name)
    elif not root and settings.knowledge.source_url:
        terminal.messages().print(say("first_fetch", language, url=settings.knowledge.source_url), style="dim")
    elif not root:
        try:
            documents = len(scan_knowledge(settings.knowledge, name).files)
        except KnowledgeError as error:
            if not may_be_empty:
                raise
            terminal.print_error(error)
            return
        folder = settings.knowledge.path.resolve()
        if documents > MAX_DOCUMENTS_UNASKED and not fresh:
            raise KnowledgeError(
                f"{folder} holds {documents:,} documents, none of which has been ingested yet; to ingest them run "
                f"`zhiwen ingest{option_of(name)}`, or name another folder: zhiwen --knowledge DIR"
            )
        terminal.messages().print(say("first_ingest", language, path=folder, count=documents), style="dim")
    if fresh or not root:
        report = ingest_and_show(service, configured_folder(settings, name), language, prints_plan=False)
        if report.failures or report.deletions_held_back:
            print_report(terminal.messages(), report, language)


def _check_same_folder(service: Service, root: str, settings: Settings, name: str) -> None:
    """Raise KnowledgeError if the index is that of another folder, so that nobody gets its answers for their own.

    As for an ingest, a folder with most of the same documents is the same one: it was copied or released anew. A folder
    that is gone, or on another machine, cannot be compared.
    """
    folder = settings.knowledge.path
    if not folder.is_dir() or not Path(root).is_dir() or folder.samefile(root):
        return
    status = service.call(STATUS, KnowledgeBaseRequest(knowledge_base=name))
    if status.pending and len(status.pending.removed) <= status.documents * MAX_DELETED_SHARE:
        return
    problem = f"the index in {settings.store.uri} is that of {root}, and the folder of documents is {folder.resolve()}"
    way_out = (
        "set knowledge.path to the former, or another store.collection (ZHIWEN_STORE__COLLECTION) for the latter"
        if name == DEFAULT
        else f"set knowledge_bases.{name}.path to the former, or declare one of another name for the latter"
    )
    raise KnowledgeError(f"{problem}; {way_out}")


def ingest_and_show(
    service: Service, request: IngestRequest, language: Language, *, prints_plan: bool
) -> IngestResponse:
    """Ingest with a progress bar and, with `prints_plan`, a line on what will change. Return the report."""

    def on_plan(plan: PlanOut) -> None:
        if prints_plan:
            print_plan(terminal.output(), plan, language)

    with progress_bar(terminal.messages(), language) as on_progress:
        return service.ingest(request, on_plan=on_plan, on_progress=on_progress)


def configured_folder(settings: Settings, knowledge_base: str) -> IngestRequest:
    """Return the request to ingest the folder that the settings of a knowledge base name."""
    # The request names the folder, so that a server with another folder refuses it instead of ingesting its own.
    return IngestRequest(path=str(settings.knowledge.path.resolve()), knowledge_base=knowledge_base)
