"""`zhiwen ask`."""

from typing import Annotated

import typer

from api.cli import terminal
from api.cli.ingesting import ensure_ingested
from api.cli.json_output import AsJson, print_json
from api.cli.options import FilterJson, KnowledgeBases, Question, Where, chosen, read_question, settings_of
from api.cli.views.answer import ask_and_print
from api.schemas.filter_syntax import parse_filter
from api.service.ask import AskRequest
from api.service.factory import open_service
from rag.text.language import detect_language


def ask(
    context: typer.Context,
    question: Question,
    where: Where = None,
    filter_json: FilterJson = None,
    kb: KnowledgeBases = None,
    as_json: AsJson = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ingest the changes in the folder first.")] = False,
) -> None:
    """Answer a question from the knowledge base, with citations."""
    settings = settings_of(context)
    text = read_question(question, settings)
    names = chosen(settings, kb)
    request = AskRequest(question=text, filter=parse_filter(where or (), filter_json), knowledge_base=list(names))
    language = detect_language(text)
    with open_service(settings) as service:
        ensure_ingested(service, settings, language, knowledge_bases=names, fresh=fresh)
        if as_json:
            print_json(service.ask(request, on_text=lambda piece: None))
        else:
            ask_and_print(service, request, terminal.output(), language)
