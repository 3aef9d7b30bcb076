"""The command line."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from api import terminal
from api.errors import code_of, exit_code_of
from api.messages import interface_language, say
from api.schemas import AskResponse, IngestResponse, SearchResponse, StatusResponse, to_json
from rag import config
from rag.config import Settings
from rag.errors import ZhiwenError
from rag.question import Language, checked_question, language_of

app = typer.Typer(
    help="知问: cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Question = Annotated[str, typer.Argument(help="A question in natural language; `-` reads it from standard input.")]


def main() -> NoReturn:
    """Run the command; errors are one line on standard error and exit status 1, or 2 for wrong input or settings."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        app()
    except ZhiwenError as error:
        _fail(str(error), code_of(error), exit_code_of(error))
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain when it flushes.
        sys.stdout = None
        raise SystemExit(141) from None
    raise SystemExit(0)


@app.callback()
def _options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Configuration file [default: config.yaml if it is there]."),
    ] = None,
) -> None:
    context.obj = config_file


@app.command()
def ingest(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="Folder of documents [default: knowledge.path].")] = None,
    as_json: AsJson = False,
    verify: Annotated[bool, typer.Option(help="Hash every file instead of trusting size and time.")] = False,
    allow_mass_deletion: Annotated[
        bool,
        typer.Option("--allow-mass-deletion", help="Go on even if more than 20 % of the documents are gone."),
    ] = False,
) -> None:
    """Bring the index in line with the folder; only what changed is embedded."""
    from api import local  # noqa: PLC0415  (pulls in the store's client, which --help need not wait for)

    settings = _settings(context, path)
    report = local.run_ingest(settings, verify=verify, allow_mass_deletion=allow_mass_deletion)
    if as_json:
        _print_json(to_json(IngestResponse.of(report)))
    else:
        terminal.print_report(terminal.output(), report, interface_language())
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def search(
    context: typer.Context,
    question: Question,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, max=50, help="How many passages.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the passages nearest to a question."""
    from api import local  # noqa: PLC0415

    settings = _settings(context)
    retrieval = local.run_search(settings, _question(question, settings), top_k=top_k)
    if as_json:
        _print_json(to_json(SearchResponse.of(retrieval)))
    else:
        language = language_of(retrieval.question)
        terminal.print_hits(terminal.output(), retrieval, settings.knowledge.path, language)


@app.command()
def ask(
    context: typer.Context,
    question: Question,
    as_json: AsJson = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ingest what changed in the folder first.")] = False,
) -> None:
    """Answer a question from the knowledge base, with citations."""
    from api import local  # noqa: PLC0415

    settings = _settings(context)
    text = _question(question, settings)
    console = terminal.output()
    shown = (lambda piece: None) if as_json else (lambda piece: console.print(piece, end="", markup=False))
    answer = asyncio.run(local.run_ask(settings, text, fresh=fresh, on_text=shown))
    if as_json:
        _print_json(to_json(AskResponse.of(answer)))
        return
    console.print(answer.text if answer.refused else "", markup=False)
    terminal.print_sources(console, answer, settings.knowledge.path, language_of(text))


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the live generation, and what the next ingest would do."""
    from api import local  # noqa: PLC0415

    settings = _settings(context)
    found = local.run_status(settings)
    if as_json:
        _print_json(to_json(found))
        return
    _print_status(found, interface_language(), settings)


@app.command()
def rollback(context: typer.Context) -> None:
    """Go back to the generation before the live one."""
    from api import local  # noqa: PLC0415

    left, live = local.run_rollback(_settings(context))
    message = say("rolled_back", interface_language(), left=left.generation, live=live.generation)
    terminal.output().print(message)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: serve.host].")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port [default: serve.port].")] = None,
) -> None:
    """Serve the HTTP API."""
    from api.server import serve as run  # noqa: PLC0415

    settings = _settings(context)
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"serve": settings.serve.model_copy(update=given)})
    terminal.messages().print(say("stop", interface_language()), style="dim")
    run(settings)


def _settings(context: typer.Context, knowledge: Path | None = None) -> Settings:
    settings = config.load(context.obj)
    if knowledge is None:
        return settings
    return settings.model_copy(update={"knowledge": settings.knowledge.model_copy(update={"path": knowledge})})


def _question(text: str, settings: Settings) -> str:
    text = sys.stdin.read() if text == "-" else text
    return checked_question(text, max_characters=settings.answering.max_question_characters)


def _print_status(found: StatusResponse, language: Language, settings: Settings) -> None:
    console = terminal.output()
    if not found.generation:
        console.print(say("status_empty", language, path=settings.knowledge.path))
        return
    pending = found.pending
    rows = [
        ("generation", str(found.generation)),
        ("committed", found.committed_at),
        ("root", found.root),
        ("documents", str(found.documents)),
        ("chunks", str(found.chunks)),
        ("embedder", found.embedder),
        ("store", found.store),
    ]
    if pending is not None:
        change = say("pending_some", language, **pending) if any(pending.values()) else say("pending_none", language)
        rows.append(("pending", change))
    for key, value in rows:
        console.print(f"{say(key, language)}: {value}", markup=False)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _fail(message: str, code: str, status: int) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    terminal.messages().print(f"zhiwen: {message}", style="red", markup=False)
    raise SystemExit(status)
