"""An ingest in the terminal: its plan, its progress bar, its report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.service.ingest import IngestResponse, PlanOut, ProgressOut
from api.translations import say
from rag.text.language import Language


def print_plan(console: Console, plan: PlanOut, language: Language, *, with_documents: bool = False) -> None:
    """Print the counts of a plan on one line, and with `with_documents` one line for each document that changes."""
    console.print(
        say(
            "plan",
            language,
            added=len(plan.added),
            changed=len(plan.changed),
            removed=len(plan.removed),
            unchanged=plan.unchanged,
        )
    )
    if with_documents:
        for sign, sources, style in (
            ("+", plan.added, "green"),
            ("~", plan.changed, "yellow"),
            ("−", plan.removed, "red"),
        ):
            for source in sources:
                console.print(Text(f"  {sign} {source}", style=style))


def print_report(console: Console, report: IngestResponse, language: Language) -> None:
    """Print what an ingest did, and one line for each document that it could not read."""
    console.print(
        say(
            "report",
            language,
            generation=report.generation,
            chunks_added=report.chunks.added,
            chunks_removed=report.chunks.removed,
            chunks_unchanged=report.chunks.unchanged,
            embedded=report.embedded,
            seconds=report.seconds,
        )
    )
    if report.failures:
        console.print(say("failed", language, count=len(report.failures)), style="bold red")
        for failure in report.failures:
            console.print(Text(f"  {failure.source}: {failure.error}", style="red"))


@contextmanager
def progress_bar(
    console: Console, language: Language, *, label: str = "ingesting"
) -> Iterator[Callable[[ProgressOut], None]]:
    """Show a progress bar and yield a function that moves it. Outside a terminal the function does nothing.

    `label` is the key of a message.
    """
    if not console.is_terminal:
        yield lambda progress: None
        return
    with Progress(
        SpinnerColumn(),
        TextColumn(say(label, language)),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, counts="", rate="")

        def show(progress: ProgressOut) -> None:
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
