"""An ingest in the terminal: its plan, its progress bar, its report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from api.cli.views.duration import duration
from api.service.ingest import IngestResponse, PlanOut, ProgressOut
from api.translations import say
from rag.text.language import Language

_SUFFIXES_SHOWN = 6


def print_plan(console: Console, plan: PlanOut, language: Language, *, with_documents: bool = False) -> None:
    """Print the counts of a plan on one line, and how long it will take on another, if it says so.

    With `with_documents`, print one line for each document that changes.
    """
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
    if plan.deletions_held_back and with_documents:
        console.print(say("held_back", language, count=plan.deletions_held_back), style="bold red")
    if plan.estimated_seconds is not None:
        console.print(say("estimate", language, duration=duration(plan.estimated_seconds, language)))
    if with_documents:
        for sign, sources, style in (
            ("+", plan.added, "green"),
            ("~", plan.changed, "yellow"),
            ("−", plan.removed, "red"),
        ):
            for source in sources:
                console.print(Text(f"  {sign} {source}", style=style))


def print_report(console: Console, report: IngestResponse, language: Language) -> None:
    """Print what an ingest did, what it passed over, and a line for each document that it has something to say of."""
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
    if report.passed_over:
        console.print(Text(say("passed_over", language, counts=_passed_over(report, language)), style="dim"))
    if report.without_passages:
        console.print(say("without_passages", language, count=report.without_passages))
    if report.warnings:
        console.print(say("warnings", language, count=len(report.warnings)), style="bold yellow")
        for warning in report.warnings:
            console.print(Text(f"  {warning.source}: {warning.warning}", style="yellow"))
    if report.failures:
        console.print(say("failed", language, count=len(report.failures)), style="bold red")
        for failure in report.failures:
            console.print(Text(f"  {failure.source}: {failure.error}", style="red"))
    if report.deletions_held_back:
        console.print(say("held_back", language, count=report.deletions_held_back), style="bold red")


def _passed_over(report: IngestResponse, language: Language) -> str:
    """Return the counts by reason, those of the most frequent suffixes in brackets."""
    counts = {say(reason, language): count for reason, count in report.passed_over.items()}
    suffixes = [f"{suffix or '–'} {count}" for suffix, count in report.other_suffixes.items()]
    shown = ", ".join([*suffixes[:_SUFFIXES_SHOWN], *["…"][: len(suffixes) - _SUFFIXES_SHOWN]])
    other = say("other suffix", language)
    parts = [f"{reason} {count}" + (f" ({shown})" if reason == other else "") for reason, count in counts.items()]
    return say("list_separator", language).join(parts)


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
        TextColumn("{task.fields[speed]}"),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, counts="", speed="")

        def show(progress: ProgressOut) -> None:
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
                speed=_speed(progress, language),
            )

        yield show


def _speed(progress: ProgressOut, language: Language) -> str:
    parts = []
    if rate := progress.chunks_per_second:
        parts.append(say("rate", language, rate=f"{rate:.{0 if rate >= 10 else 1}f}"))
    if progress.seconds_left is not None:
        parts.append(say("time_left", language, duration=duration(progress.seconds_left, language)))
    return " · ".join(parts)
