"""Questions on the command line: `zhiwen search`, `ask`, `chat` and `explain`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.commands.ingest import ingest_before_answering, ingest_if_empty
from api.cli.conversation import TerminalConversation, answer_in_terminal
from api.cli.filter_syntax import parse_filter
from api.cli.json_output import AsJson, print_json
from api.cli.trace_view import print_trace
from api.messages import interface_language
from api.schemas.questions import AskRequest, SearchRequest
from api.service.factory import open_service
from rag import config
from rag.errors import QuestionError
from rag.settings import Settings
from rag.text.language import detect_language
from rag.text.questions import validate_question

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
    settings = config.load(context.obj)
    text = _question(question, settings)
    condition = parse_filter(where or (), filter_json)
    with open_service(settings) as backend:
        ingest_if_empty(backend, settings, detect_language(text))
        request = SearchRequest(question=text, top_k=top_k, filter=condition, explain=explain)
        found = backend.search(request)
        root = Path(backend.root())
    if as_json:
        print_json(found)
    else:
        terminal.print_hits(terminal.output(), found, root, detect_language(text))
        if found.trace:
            terminal.print_explanation(terminal.output(), found.trace, detect_language(text))


def ask(
    context: typer.Context,
    question: Question,
    where: Where = None,
    filter_json: FilterJson = None,
    as_json: AsJson = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ingest what changed in the folder first.")] = False,
) -> None:
    """Answer a question from the knowledge base, with citations."""
    settings = config.load(context.obj)
    text = _question(question, settings)
    condition = parse_filter(where or (), filter_json)
    console, language = terminal.output(), detect_language(text)
    with open_service(settings) as backend:
        has_ingested = ingest_if_empty(backend, settings, language)
        if fresh and not has_ingested:
            ingest_before_answering(backend, settings, language)
        request = AskRequest(question=text, filter=condition)
        if as_json:
            print_json(backend.ask(request, on_text=lambda piece: None))
        else:
            answer_in_terminal(backend, request, console, language)


def chat(context: typer.Context) -> None:
    """Ask question after question; each may refer to what was said before."""
    settings = config.load(context.obj)
    with open_service(settings) as backend:
        ingest_if_empty(backend, settings, interface_language())
        TerminalConversation(backend, settings).run()


def explain(
    context: typer.Context,
    trace_id: Annotated[str, typer.Argument(help="The `trace_id` of an answer.")],
    as_json: AsJson = False,
) -> None:
    """Show how an answer came about."""
    with open_service(config.load(context.obj)) as backend:
        found = backend.trace(trace_id)
    if as_json:
        print_json(found)
    else:
        print_trace(terminal.output(), found, interface_language())


def _question(text: str, settings: Settings) -> str:
    if text == "-":
        try:
            text = sys.stdin.read()
        except UnicodeDecodeError as error:
            raise QuestionError("standard input is not UTF-8 text") from error
    return validate_question(text, max_characters=settings.answering.max_question_characters)
