"""How an answer came about, in the terminal."""

from rich.console import Console
from rich.text import Text

from api.cli.terminal import printable
from api.cli.views.search import print_explanation
from api.service.ask import UsageOut
from api.service.trace import AttemptOut, CheckedOut, TraceResponse
from api.translations import say
from rag.text.language import Language


def print_trace(console: Console, trace: TraceResponse, language: Language) -> None:
    """Print the trace from question to answer: rewriting, retrieval, passages, prompt, model calls, checks."""
    when = f"{trace.asked_at:%Y-%m-%d %H:%M:%S} UTC · {say('generation', language)} {trace.generation}"
    console.print(f"{say('asked', language)}: {printable(trace.question)}", style="bold")
    console.print(f"{trace.trace_id} · {when}", style="dim")
    if trace.standalone_question:
        key = "rewritten_model" if trace.rewritten_by == "model" else "rewritten_rule"
        console.print(f"{say(key, language)}: {printable(trace.standalone_question)}")
    if trace.cached:
        console.print(say("cached", language), style="yellow")
    print_explanation(console, trace.retrieval, language)
    _print_passages(console, trace, language)
    for message in trace.prompt:
        console.print(f"\n{say('prompt', language)} · {message.role}", style="bold")
        console.print(printable(message.content), style="dim")
    if trace.attempts:
        console.print(f"\n{say('attempts', language)}", style="bold")
    for attempt in trace.attempts:
        console.print(_attempt(attempt, language))
    if trace.verification:
        console.print(f"\n{say('checked', language)}", style="bold")
    for check in trace.verification:
        console.print(_check(check))
    console.print(f"\n{_outcome(trace, language)} · {trace.answer.model}", style="bold")
    if trace.failure:
        console.print(f"{trace.failure.code}: {printable(trace.failure.message)}", style="red")
    console.print(printable(trace.answer.answer))
    stages = "  ".join(f"{stage} {milliseconds:.1f} ms" for stage, milliseconds in trace.milliseconds.items())
    console.print(stages, style="dim")


def _outcome(trace: TraceResponse, language: Language) -> str:
    if trace.failure:
        return say("broken_off", language)
    if trace.answer.refused:
        return f"{say('refused', language)} ({trace.answer.reason})"
    return say("answer", language)


def _print_passages(console: Console, trace: TraceResponse, language: Language) -> None:
    if trace.passages:
        console.print(f"\n{say('passages', language)}", style="bold")
    for passage in trace.passages:
        line = Text(f"[{passage.number}] ", style="bold cyan")
        line.append(f"{passage.score:.3f}  ", style="yellow")
        line.append(printable(f"{passage.source}:{passage.start_line}-{passage.end_line}"), style="green")
        if passage.number in trace.dropped_passages:
            line.append(f"  {say('not_shown', language)}", style="yellow")
        console.print(line)


def _attempt(attempt: AttemptOut, language: Language) -> Text:
    went_well = attempt.outcome in ("answered", "declined")
    line = Text(f"{'✓' if went_well else '✗'} {attempt.model}: {attempt.outcome}", style="" if went_well else "red")
    first_token = f"{attempt.first_token_seconds:.2f} → " if attempt.first_token_seconds is not None else ""
    line.append(f"  {first_token}{attempt.seconds:.2f} s", style="dim")
    if attempt.usage:
        line.append(f"  {_usage(attempt.usage, language)}", style="dim")
    line.append(f"  {printable(attempt.problem)}" if attempt.problem else "")
    return line


def _usage(usage: UsageOut, language: Language) -> str:
    tokens = say("tokens", language, prompt=usage.prompt_tokens, completion=usage.completion_tokens)
    return tokens if usage.cost is None else f"{tokens}  {say('cost', language, cost=usage.cost)}"


def _check(check: CheckedOut) -> Text:
    # A sentence usually contains its markers.
    numbers = "".join(f"[{number}]" for number in check.numbers if f"[{number}]" not in check.sentence)
    line = Text(f"{'✓' if check.supported else '!'} ", style="green" if check.supported else "yellow")
    line.append(f"{printable(check.sentence)} {numbers}".rstrip(), style="default")
    if check.fault:
        problem = f": {printable(check.problem)}" if check.problem else ""
        line.append(f"  {check.fault}{problem}", style="yellow")
    return line
