"""The live generation in the terminal, and the changes that wait for the next ingest."""

import datetime

from rich.console import Console
from rich.text import Text

from api.service.ingest import PlanOut
from api.service.status import SourceOut, StatusResponse
from api.translations import say
from rag.text.language import Language


def print_status(console: Console, status: StatusResponse, language: Language, *, option: str = "") -> None:
    """Print one line for each fact, or a single line before the first ingest. `option` names the knowledge base."""
    if not status.generation:
        where = status.source.url if status.source else status.root
        console.print(say("status_empty", language, option=option, path=where))
        _print_problem(console, status.source)
        return
    rows = {
        "generation": f"{status.generation} ({status.label[:12]})" if status.label else status.generation,
        "committed": _time(status.committed_at or ""),
        **({"source": _source(status.source)} if status.source else {"root": status.root}),
        "documents": status.documents,
        "chunks": status.chunks,
        "embedder": f"{status.embedder} ({status.engine})" if status.engine else status.embedder,
        "store": status.store,
        "state": status.state,
        "pending": _pending(status.pending, language),
    }
    for key, value in rows.items():
        console.print(f"{say(key, language)}: {value}")
    _print_problem(console, status.source)


def _print_problem(console: Console, source: SourceOut | None) -> None:
    if source and source.error:
        console.print(Text(source.error, style="red"))


def _source(source: SourceOut) -> str:
    where = " · ".join(filter(None, (source.url, source.branch, source.folder)))
    return f"{where} ({source.version[:12]}, {_time(source.updated_at)})"


def _time(iso: str) -> str:
    return f"{datetime.datetime.fromisoformat(iso).astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC" if iso else ""


def _pending(plan: PlanOut | None, language: Language) -> str:
    if plan is None:
        return say("pending_unknown", language)
    if not (plan.added or plan.changed or plan.removed):
        return say("pending_none", language)
    counts = {"added": len(plan.added), "changed": len(plan.changed), "removed": len(plan.removed)}
    return say("pending_some", language, **counts)
