"""`zhiwen search`."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import terminal
from api.cli.ingesting import ensure_ingested
from api.cli.json_output import AsJson, print_json
from api.cli.options import FilterJson, KnowledgeBases, Question, Where, chosen, read_question, settings_of
from api.cli.views.search import print_explanation, print_hits
from api.schemas.filter_syntax import parse_filter
from api.service.factory import open_service
from api.service.search import SEARCH, SearchRequest
from rag.text.language import detect_language


def search(
    context: typer.Context,
    question: Question,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, max=50, help="The number of passages to show.")] = None,
    where: Where = None,
    filter_json: FilterJson = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show how the passages were found.")] = False,
    kb: KnowledgeBases = None,
    as_json: AsJson = False,
) -> None:
    """Show the passages that match a question best."""
    settings = settings_of(context)
    text = read_question(question, settings)
    language = detect_language(text)
    names = chosen(settings, kb)
    request = SearchRequest(
        question=text,
        top_k=top_k,
        filter=parse_filter(where or (), filter_json),
        explain=explain,
        knowledge_base=list(names),
    )
    with open_service(settings) as service:
        ensure_ingested(service, settings, language, knowledge_bases=names)
        found = service.call(SEARCH, request)
        roots = {name: Path(service.root(name)) for name in {hit.knowledge_base for hit in found.hits}}
    if as_json:
        print_json(found)
        return
    print_hits(terminal.output(), found, roots, language)
    if found.trace:
        print_explanation(terminal.output(), found.trace, language)
