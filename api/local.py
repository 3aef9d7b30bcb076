"""The commands, carried out in this process."""

from collections.abc import Callable

from api import terminal
from api.messages import interface_language, say
from api.schemas import StatusResponse
from ingest.lease import writing
from ingest.report import IngestReport
from ingest.staging import roll_back
from ingest.sync import ingest, pending_changes
from rag.answer import Delta, answer, search
from rag.config import Settings
from rag.errors import KnowledgeError
from rag.question import language_of
from rag.retrieval import Retrieval
from rag.store import Commit
from rag.vocabulary import Answer
from rag.wiring import Parts, open_parts, open_store

OnText = Callable[[str], object]


def run_ingest(settings: Settings, *, verify: bool, allow_mass_deletion: bool) -> IngestReport:
    with open_parts(settings) as parts:
        return _ingest(parts, verify=verify, allow_mass_deletion=allow_mass_deletion)


def run_search(settings: Settings, question: str, *, top_k: int | None) -> Retrieval:
    with open_parts(settings) as parts:
        _ingest_if_empty(parts, question)
        return search(question, parts, top_k=top_k)


async def run_ask(settings: Settings, question: str, *, fresh: bool, on_text: OnText) -> Answer:
    """The whole answer; its text, unless it is a refusal, goes to `on_text` piece by piece as it comes."""
    with open_parts(settings) as parts:
        _ingest_if_empty(parts, question)
        if fresh:
            report = _ingest(parts)
            if report.failures:
                terminal.print_report(terminal.messages(), report, language_of(question))
        try:
            async for event in answer(question, parts):
                if isinstance(event, Delta):
                    on_text(event.text)
                if isinstance(event, Answer):
                    return event
        finally:
            await parts.chat.close()
    raise AssertionError("an answer always comes last")


def run_status(settings: Settings) -> StatusResponse:
    with open_store(settings) as store:
        state = store.state()
        live = state.live if state else None
        try:
            pending = pending_changes(settings, store)
        except KnowledgeError:
            pending = None  # the folder may live on another machine than this one
        return StatusResponse(
            generation=live.generation if live else 0,
            committed_at=live.committed_at if live else None,
            root=live.root if live else str(settings.knowledge.path),
            documents=live.documents if live else 0,
            chunks=live.chunks if live else 0,
            embedder=live.embedder if live else "",
            store=store.uri,
            pending={
                "added": len(pending.added),
                "changed": len(pending.changed),
                "removed": len(pending.removed),
            }
            if pending
            else None,
        )


def run_rollback(settings: Settings) -> tuple[Commit, Commit]:
    with open_store(settings) as store, writing(store):
        return roll_back(store)


def _ingest_if_empty(parts: Parts, question: str) -> None:
    if parts.store.state() is None:
        path = parts.settings.knowledge.path
        terminal.messages().print(say("first_ingest", language_of(question), path=path), style="dim")
        _ingest(parts)


def _ingest(parts: Parts, *, verify: bool = False, allow_mass_deletion: bool = False) -> IngestReport:
    with terminal.ingest_progress(terminal.messages(), interface_language()) as on_progress:
        return ingest(
            parts.settings,
            parts.store,
            parts.embedder,
            verify=verify,
            allow_mass_deletion=allow_mass_deletion,
            on_progress=on_progress,
        )
