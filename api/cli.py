"""The command line."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import BaseModel

from api import terminal
from api.backend import Backend, open_backend
from api.dialogue import Dialogue, answer_in_terminal
from api.errors import code_of, exit_code_of
from api.ingest_schemas import IngestRequest, IngestResponse, PlanOut
from api.key_commands import keys
from api.messages import interface_language, say
from api.owner import find_owner
from api.page.feedback_log import FeedbackLog
from api.page.feedback_schemas import FeedbackResponse
from api.question_schemas import AskRequest, SearchRequest
from api.trace_view import print_trace
from api.where import filter_of
from rag import config
from rag.config import Settings
from rag.errors import QuestionError, StoreLocked, ZhiwenError
from rag.question import Language, checked_question, language_of

app = typer.Typer(
    help="知问: cited answers from a folder of Markdown. 基于 Markdown 知识库的带引用问答。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(keys, name="keys")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Question = Annotated[str, typer.Argument(help="A question in natural language; `-` reads it from standard input.")]

Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Only passages of which this holds: source=a.md,b.md (any of these), tags!=draft, source^=guides/ (begins "
        "with), year>=2024, year<=2025. KEY is source, title, kind, start_line or a front-matter key. Can be repeated: "
        "all must hold.",
    ),
]
FilterJson = Annotated[
    str | None, typer.Option("--filter", metavar="JSON", help="A filter as the HTTP API takes it; holds with --where.")
]


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash every file instead of trusting size and time.")
    ] = False,
    allow_mass_deletion: Annotated[
        bool, typer.Option("--allow-mass-deletion", help="Go on even if more than 20 % of the documents are gone.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Go live even if golden questions are lost.")] = False,
) -> None:
    """Bring the index in line with the folder; only what changed is embedded."""
    settings = _settings(context, path)
    given = {"verify": verify, "allow_mass_deletion": allow_mass_deletion, "force": force}
    request = _whole(settings).model_copy(update=given)
    console, language = terminal.output(), interface_language()
    with open_backend(settings) as backend:
        if dry_run:
            plan = backend.preview(request)
            if as_json:
                _print_json(plan)
            else:
                terminal.print_plan(console, plan, language, in_full=True)
            return
        report = _ingest(backend, request, language, quiet=as_json)
    if as_json:
        _print_json(report)
    else:
        terminal.print_report(console, report, language)
    raise typer.Exit(1 if report.failures else 0)


@app.command()
def search(
    context: typer.Context,
    question: Question,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, max=50, help="How many passages.")] = None,
    where: Where = None,
    filter_json: FilterJson = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show how the passages were found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the passages nearest to a question."""
    settings = _settings(context)
    text = _question(question, settings)
    condition = filter_of(where or (), filter_json)
    with open_backend(settings) as backend:
        _ingest_if_empty(backend, settings, language_of(text))
        request = SearchRequest(question=text, top_k=top_k, filter=condition, explain=explain)
        found = backend.search(request)
        root = Path(backend.root())
    if as_json:
        _print_json(found)
    else:
        terminal.print_hits(terminal.output(), found, root, language_of(text))
        if found.trace:
            terminal.print_explanation(terminal.output(), found.trace, language_of(text))


@app.command()
def ask(
    context: typer.Context,
    question: Question,
    where: Where = None,
    filter_json: FilterJson = None,
    as_json: AsJson = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ingest what changed in the folder first.")] = False,
) -> None:
    """Answer a question from the knowledge base, with citations."""
    settings = _settings(context)
    text = _question(question, settings)
    condition = filter_of(where or (), filter_json)
    console, language = terminal.output(), language_of(text)
    with open_backend(settings) as backend:
        has_ingested = _ingest_if_empty(backend, settings, language)
        if fresh and not has_ingested:
            report = _ingest(backend, _whole(settings), language, quiet=True)
            if report.failures:
                terminal.print_report(terminal.messages(), report, language)
        request = AskRequest(question=text, filter=condition)
        if as_json:
            _print_json(backend.ask(request, on_text=lambda piece: None))
        else:
            answer_in_terminal(backend, request, console, language)


@app.command()
def chat(context: typer.Context) -> None:
    """Ask question after question; each may refer to what was said before."""
    settings = _settings(context)
    with open_backend(settings) as backend:
        _ingest_if_empty(backend, settings, interface_language())
        Dialogue(backend, settings).run()


@app.command()
def explain(
    context: typer.Context,
    trace_id: Annotated[str, typer.Argument(help="The `trace_id` of an answer.")],
    as_json: AsJson = False,
) -> None:
    """Show how an answer came about."""
    with open_backend(_settings(context)) as backend:
        found = backend.trace(trace_id)
    if as_json:
        _print_json(found)
    else:
        print_trace(terminal.output(), found, interface_language())


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the live generation, and what the next ingest would do."""
    with open_backend(_settings(context)) as backend:
        found = backend.status()
    if as_json:
        _print_json(found)
    else:
        terminal.print_status(terminal.output(), found, interface_language())


@app.command()
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check configuration, documents, store, embedder and chat model, and say how to mend what is wrong."""
    from api.doctor import diagnose  # noqa: PLC0415  (it reaches into every part; no other command does)

    language = interface_language()
    found = diagnose(context.obj, language)
    if as_json:
        _print_json(found)
    else:
        terminal.print_checks(terminal.output(), found, language)
    raise typer.Exit(0 if found.ok else 1)


@app.command("config")
def show_config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting, its value, and whether that is a default or comes from the file or the environment."""
    from api.effective import effective_configuration  # noqa: PLC0415  (no other command needs it)

    found = effective_configuration(context.obj)
    if as_json:
        _print_json(found)
    else:
        terminal.print_settings(terminal.output(), found, interface_language())


@app.command()
def feedback(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what people thought of the answers they got on the page."""
    found = FeedbackResponse.of(FeedbackLog(_settings(context).serve.feedback_path))
    if as_json:
        _print_json(found)
    else:
        terminal.print_feedback(terminal.output(), found, interface_language())


@app.command()
def rollback(context: typer.Context) -> None:
    """Go back to the generation before the live one."""
    with open_backend(_settings(context)) as backend:
        done = backend.rollback()
    terminal.output().print(say("rolled_back", interface_language(), left=done.left, live=done.live))


@app.command("export")
def export_index(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The Parquet file to write; one of that name is replaced.")],
    as_json: AsJson = False,
) -> None:
    """Write the live generation, vectors included, to a file: a backup, or the way to another store."""
    from api.backups import run_export  # noqa: PLC0415  (Parquet's library, which no other command needs)

    language = interface_language()
    with terminal.ingest_progress(terminal.messages(), language, label="exporting") as on_progress:
        report = run_export(_settings(context), file, on_progress)
    if as_json:
        _print_json(report)
    else:
        terminal.output().print(say("exported", language, **report.model_dump()))


@app.command("import")
def import_index(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `zhiwen export` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Make the content of an exported file the live generation; nothing is embedded anew."""
    from api.backups import run_import  # noqa: PLC0415  (as above)

    language = interface_language()
    with terminal.ingest_progress(terminal.messages(), language, label="importing") as on_progress:
        report = run_import(_settings(context), file, on_progress)
    if as_json:
        _print_json(report)
    else:
        terminal.output().print(say("imported", language, **report.model_dump()))


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: serve.host].")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port [default: serve.port].")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Ingest whenever the knowledge folder changes.")] = False,
) -> None:
    """Serve the HTTP API."""
    from api.server import serve as run  # noqa: PLC0415  (the server's libraries, which no other command needs)

    settings = _settings(context)
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"serve": settings.serve.model_copy(update=given)})
    owner = find_owner(settings)
    if owner:
        raise StoreLocked(f"{settings.store.uri} is served already at {owner.url} (process {owner.pid})")
    run(settings, watch=watch, on_listening=_announce)


@app.command()
def mcp(context: typer.Context) -> None:
    """Serve the Model Context Protocol on standard input and output, for a client that starts this command."""
    from api.mcp.libraries import CommandLibrary  # noqa: PLC0415  (libraries that no other command needs)
    from api.mcp.tools import mcp_server  # noqa: PLC0415

    server = mcp_server(CommandLibrary(_settings(context)))
    if sys.stdin.isatty():
        terminal.messages().print(say("mcp_waits", interface_language()), style="dim")
    server.run("stdio")


def _announce(url: str) -> None:
    print(url, flush=True)
    terminal.messages().print(say("stop", interface_language()), style="dim")


def _ingest(backend: Backend, request: IngestRequest, language: Language, *, quiet: bool) -> IngestResponse:
    """Ingest with the plan first and a progress bar, both left out where `quiet` or no person is watching."""

    def show_plan(plan: PlanOut) -> None:
        if not quiet:
            terminal.print_plan(terminal.output(), plan, language)

    with terminal.ingest_progress(terminal.messages(), language) as on_progress:
        return backend.ingest(request, on_plan=show_plan, on_progress=on_progress)


def _ingest_if_empty(backend: Backend, settings: Settings, language: Language) -> bool:
    if backend.root():
        return False
    terminal.messages().print(say("first_ingest", language, path=settings.knowledge.path), style="dim")
    report = _ingest(backend, _whole(settings), language, quiet=True)
    if report.failures:
        terminal.print_report(terminal.messages(), report, language)
    return True


def _whole(settings: Settings) -> IngestRequest:
    # Names the folder, so that a server whose folder is another one refuses instead of ingesting its own.
    return IngestRequest(path=str(settings.knowledge.path.resolve()))


def _settings(context: typer.Context, knowledge: Path | None = None) -> Settings:
    settings = config.load(context.obj)
    if knowledge is None:
        return settings
    return settings.model_copy(update={"knowledge": settings.knowledge.model_copy(update={"path": knowledge})})


def _question(text: str, settings: Settings) -> str:
    if text == "-":
        try:
            text = sys.stdin.read()
        except UnicodeDecodeError as error:
            raise QuestionError("standard input is not UTF-8 text") from error
    return checked_question(text, max_characters=settings.answering.max_question_characters)


def _print_json(value: BaseModel) -> None:
    print(value.model_dump_json())


def _fail(message: str, code: str, status: int) -> NoReturn:
    if "--json" in sys.argv:
        print(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False))
    terminal.messages().print(terminal.printable(f"zhiwen: {message}"), style="red")
    raise SystemExit(status)
