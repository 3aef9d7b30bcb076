"""How answers, hits, reports and progress look in a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.messages import say
from ingest.report import IngestReport, OnProgress
from ingest.report import Progress as IngestProgress
from rag.question import Language
from rag.retrieval import Retrieval
from rag.vocabulary import PATH_SEPARATOR, Answer

_SNIPPET_CHARACTERS = 160


def output() -> Console:
    return Console(highlight=False, soft_wrap=True)


def messages() -> Console:
    """For what is not the result: progress, notes, errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_sources(console: Console, answer: Answer, root: Path, language: Language) -> None:
    """The numbered citations of an answer: where each stands, as `file:line`, and what it says."""
    if not answer.citations:
        return
    console.print(f"\n{say('sources', language)}", style="bold")
    for citation in answer.citations:
        line = Text(f"[{citation.number}] ", style="bold cyan")
        line.append(_place(root, citation.source, citation.start_line, citation.end_line), style="green")
        if citation.heading_path:
            line.append(f"  {PATH_SEPARATOR.join(citation.heading_path)}", style="dim")
        console.print(line)
        console.print(Text("    " + _snippet(citation.quote), style="dim"))


def print_hits(console: Console, retrieval: Retrieval, root: Path, language: Language) -> None:
    if not retrieval.hits:
        console.print(say("no_hits", language))
    for number, hit in enumerate(retrieval.hits, 1):
        chunk = hit.chunk
        line = Text(f"{number:>2}. ", style="bold cyan")
        line.append(f"{hit.score:.3f}  ", style="yellow")
        line.append(_place(root, chunk.source, chunk.start_line, chunk.end_line), style="green")
        if chunk.heading_path:
            line.append(f"  {PATH_SEPARATOR.join(chunk.heading_path)}", style="dim")
        console.print(line)
        console.print(Text("    " + _snippet(chunk.content)))


def print_report(console: Console, report: IngestReport, language: Language) -> None:
    documents, chunks = report.documents, report.chunks
    console.print(
        say(
            "report",
            language,
            generation=report.generation,
            added=documents.added,
            changed=documents.changed,
            removed=documents.removed,
            unchanged=documents.unchanged,
            chunks_added=chunks.added,
            chunks_removed=chunks.removed,
            embedded=report.embedded,
            seconds=report.seconds,
        )
    )
    if report.failures:
        console.print(say("failed", language, count=len(report.failures)), style="bold red")
        for failure in report.failures:
            console.print(Text(f"  {failure.source}: {failure.error}", style="red"))


@contextmanager
def ingest_progress(console: Console, language: Language) -> Iterator[OnProgress]:
    """A progress bar in a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield lambda progress: None
        return
    with Progress(
        SpinnerColumn(),
        TextColumn(say("ingesting", language)),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, counts="", rate="")

        def show(progress: IngestProgress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            bar.update(
                task,
                total=progress.documents_total,
                completed=progress.documents,
                counts=say(
                    "progress",
                    language,
                    documents=progress.documents,
                    documents_total=progress.documents_total,
                    chunks=progress.chunks,
                ),
                rate=say("rate", language, rate=progress.embedded / elapsed) if elapsed > 1 else "",
            )

        yield show


def _place(root: Path, source: str, start_line: int, end_line: int) -> str:
    """`knowledge/overview.md:82-84`, which terminals and editors open on a click."""
    path = root / source
    try:
        path = path.resolve().relative_to(Path.cwd())
    except ValueError:
        path = root / source
    return f"{path}:{start_line}" if start_line == end_line else f"{path}:{start_line}-{end_line}"


def _snippet(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SNIPPET_CHARACTERS else line[: _SNIPPET_CHARACTERS - 1] + "…"
