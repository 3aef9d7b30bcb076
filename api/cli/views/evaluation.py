"""An evaluation in the terminal: a table of the questions, and what differs from the run before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from api.cli.terminal import printable, snippet
from api.service.evaluation import FailureOut
from api.service.evaluation_report import LAST_RUN, PREVIOUS, BaselineOut, EvaluationReport
from api.translations import say
from rag.text.language import Language


@contextmanager
def evaluation_progress(console: Console, total: int, language: Language) -> Iterator[Callable[[int], None]]:
    """Show a bar while questions are asked. Yield the function that is called with how many more have been."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(say("asking", language), total=total)
        yield lambda count: progress.advance(task, count)


def print_evaluation(console: Console, report: EvaluationReport, language: Language) -> None:
    """Print a row for each question, the counts, and what differs from the baseline."""
    console.print(_table(report, language), soft_wrap=False)
    models = ", ".join(report.models) or "–"
    counts = {"passed": report.passed, "total": len(report.outcomes)}
    summary = say("evaluated", language, **counts, generation=report.generation, models=models)
    console.print(printable(summary), style="red" if report.failed else "green")
    if report.baseline:
        console.print(printable(_compared_with(report.baseline, language)), style="dim")
    if report.flipped:
        console.print(say("flipped", language, count=len(report.flipped)), style="bold red")
    for flip in report.flipped:
        console.print(Text(f"  ✗ {printable(flip.question)}", style="red"))
        console.print(Text(f"    {_problems(flip.failures, language)}"))
        console.print(Text(f"    − {snippet(flip.before) or say('no_answer', language)}", style="dim"))
        console.print(Text(f"    + {snippet(flip.after) or say('no_answer', language)}", style="dim"))
    for key, questions in (("new_failures", report.new_failures if report.baseline else []), ("mended", report.mended)):
        if questions:
            console.print(say(key, language, count=len(questions)))
            for question in questions:
                console.print(Text(f"  {printable(question)}"))


def _table(report: EvaluationReport, language: Language) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column(say("asked", language), overflow="fold")
    table.add_column(say("not_as_expected", language), overflow="fold")
    for outcome in report.outcomes:
        mark = Text("✓", style="green") if outcome.passed else Text("✗", style="red")
        problems = Text(_problems(outcome.failures, language), style="red")
        table.add_row(mark, Text(printable(outcome.question)), problems)
    return table


def _compared_with(baseline: BaselineOut, language: Language) -> str:
    names = {LAST_RUN: say("last_run", language), PREVIOUS: say("previous_generation", language)}
    name, models = names.get(baseline.name, baseline.name), ", ".join(baseline.models) or "–"
    at = f"{baseline.at:.19}".replace("T", " ")
    return say("compared_with", language, name=name, at=at, generation=baseline.generation, models=models)


def _problems(failures: list[FailureOut], language: Language) -> str:
    return printable("; ".join(say(f"eval_{each.check}", language, detail=each.detail) for each in failures))
