"""How answers, hits, reports and progress look in a terminal."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.messages import say
from api.schemas.feedback import FeedbackResponse
from api.schemas.ingest import IngestResponse, PlanOut, ProgressOut
from api.schemas.questions import AskResponse, SearchResponse
from api.schemas.status import ConfigResponse, DoctorResponse, StatusResponse
from rag.retrieval.explanation import Explanation
from rag.text.language import Language
from rag.types import PATH_SEPARATOR

_SNIPPET_CHARACTERS = 160
_EXPLAINED = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def output() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def messages() -> Console:
    """For what is not the result: progress, notes, errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def print_sources(console: Console, answer: AskResponse, root: Path, language: Language) -> None:
    """The numbered citations of an answer: where each stands, as `file:line`, and what it says."""
    if not answer.citations:
        return
    console.print(f"\n{say('sources', language)}", style="bold")
    for citation in answer.citations:
        line = Text(f"[{citation.number}] ", style="bold cyan")
        line.append(_place(root, citation.source, citation.start_line, citation.end_line), style="green")
        if citation.heading_path:
            line.append(f"  {printable(PATH_SEPARATOR.join(citation.heading_path))}", style="dim")
        console.print(line)
        console.print(Text("    " + _snippet(citation.quote), style="dim"))


def print_unverified(console: Console, answer: AskResponse, language: Language) -> None:
    """The sentences of an answer that a reader should not take on trust."""
    if not answer.unverified:
        return
    console.print(f"\n{say('unverified', language)}", style="bold yellow")
    for sentence in answer.unverified:
        console.print(Text(f"  ! {_snippet(sentence)}", style="yellow"))


def print_hits(console: Console, found: SearchResponse, root: Path, language: Language) -> None:
    if not found.hits:
        console.print(say("no_hits", language))
    for number, hit in enumerate(found.hits, 1):
        line = Text(f"{number:>2}. ", style="bold cyan")
        line.append(f"{hit.score:.3f}  ", style="yellow")
        line.append(_place(root, hit.source, hit.start_line, hit.end_line), style="green")
        if hit.heading_path:
            line.append(f"  {printable(PATH_SEPARATOR.join(hit.heading_path))}", style="dim")
        console.print(line)
        console.print(Text("    " + _snippet(hit.content)))


def print_explanation(console: Console, trace: Explanation, language: Language) -> None:
    """The question's terms, the best candidates of both legs with their scores, and how long each stage took."""
    terms = "  ".join(f"{one.term} {one.idf:.1f}" for one in trace.terms)
    console.print(f"\n{say('terms', language)}: {printable(terms)}")
    console.print(say("evidence", language, probability=trace.evidence, weight=trace.lexical_weight))
    console.print(say("candidates", language), style="bold")
    for one in trace.candidates[:_EXPLAINED]:
        ranks = f"{one.dense_rank or '–'}/{one.lexical_rank or '–'}"
        figures = f"{one.score:6.3f} {one.cosine:8.3f} {one.bm25:7.1f} {one.coverage:6.2f} {ranks:>9}  "
        line = Text(figures, style="yellow" if one.dropped is None else "dim")
        line.append(printable(f"{one.source}:{one.start_line} ({one.kind})"), style="green")
        line.append(f"  {one.dropped}" if one.dropped else "", style="dim")
        console.print(line)
    stages = "  ".join(f"{stage} {milliseconds:.1f} ms" for stage, milliseconds in trace.milliseconds.items())
    console.print(stages, style="dim")
    for warning in trace.warnings:
        console.print(printable(warning), style="yellow")


def print_plan(console: Console, plan: PlanOut, language: Language, *, in_full: bool = False) -> None:
    """One line of numbers; `in_full` also the documents, a line each."""
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
    if in_full:
        for sign, sources, style in (
            ("+", plan.added, "green"),
            ("~", plan.changed, "yellow"),
            ("−", plan.removed, "red"),
        ):
            for source in sources:
                console.print(Text(f"  {sign} {source}", style=style))


def print_report(console: Console, report: IngestResponse, language: Language) -> None:
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


def print_status(console: Console, status: StatusResponse, language: Language) -> None:
    if not status.generation:
        console.print(say("status_empty", language, path=status.root))
        return
    rows = {
        "generation": status.generation,
        "committed": status.committed_at,
        "root": status.root,
        "documents": status.documents,
        "chunks": status.chunks,
        "embedder": status.embedder,
        "store": status.store,
        "pending": _pending(status.pending, language),
    }
    for key, value in rows.items():
        console.print(f"{say(key, language)}: {value}")


def print_checks(console: Console, found: DoctorResponse, language: Language) -> None:
    """A line for each part: how it is, and what mends it."""
    for check in found.checks:
        sign, style = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("-", "dim")}[check.ok]
        line = Text(f"{sign} {say(check.part, language)}: ", style=style)
        line.append(printable(check.message), style="default")
        if check.remedy:
            line.append(f" → {check.remedy}", style="yellow")
        console.print(line)


def print_feedback(console: Console, found: FeedbackResponse, language: Language) -> None:
    """A line for each verdict: when, which way, on what question, and why."""
    if not found.feedback:
        console.print(say("no_feedback", language))
    for one in found.feedback:
        line = Text("👍 " if one.rating == "up" else "👎 ")
        line.append(f"{one.at}  ", style="dim")
        line.append(_snippet(one.question) or one.trace_id, style="default")
        line.append(f"  {_snippet(one.comment)}" if one.comment else "", style="yellow")
        console.print(line)


def print_settings(console: Console, found: ConfigResponse, language: Language) -> None:
    """A line for each setting as it stands in YAML, with the file or variable that it comes from."""
    width = max(len(setting.name) for setting in found.settings)
    for setting in found.settings:
        value = json.dumps(setting.value, ensure_ascii=False)
        if setting.secret:
            value = say("secret_set" if setting.set else "secret_unset", language)
        line = Text(f"{setting.name:<{width}}  ", style="bold" if setting.origin != "default" else "dim")
        line.append(printable(value))
        if setting.origin != "default":
            line.append(f"  ({printable(setting.origin)})", style="cyan")
        console.print(line)


def _pending(plan: PlanOut | None, language: Language) -> str:
    if plan is None:
        return say("pending_unknown", language)
    if not (plan.added or plan.changed or plan.removed):
        return say("pending_none", language)
    counts = {"added": len(plan.added), "changed": len(plan.changed), "removed": len(plan.removed)}
    return say("pending_some", language, **counts)


@contextmanager
def ingest_progress(
    console: Console, language: Language, *, label: str = "ingesting"
) -> Iterator[Callable[[ProgressOut], None]]:
    """A progress bar in a terminal, nothing elsewhere."""
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


def _place(root: Path, source: str, start_line: int, end_line: int) -> str:
    """`knowledge/overview.md:82-84`, which terminals and editors open on a click."""
    path = root / source
    try:
        path = path.resolve().relative_to(Path.cwd())
    except ValueError:
        path = root / source
    return f"{path}:{start_line}" if start_line == end_line else f"{path}:{start_line}-{end_line}"


def printable(text: str) -> str:
    """Without the control characters by which a text could steer the terminal."""
    return _CONTROL.sub("", text)


def _snippet(text: str) -> str:
    line = " ".join(printable(text).split())
    return line if len(line) <= _SNIPPET_CHARACTERS else line[: _SNIPPET_CHARACTERS - 1] + "…"
